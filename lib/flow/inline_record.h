/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow of live traffic: what the XDP program (inline.bpf.c) writes and user space (inline.c)
 * reads, in the entries of a shared table (leat/table.h). Restricted C, the same for both.
 *
 * Two queues may count one flow at the same time: sums are added atomically; the lowest and the
 * highest of something are stored plainly, and of two at the same instant one may be missed.
 */
#ifndef LEAT_FLOW_INLINE_RECORD_H
#define LEAT_FLOW_INLINE_RECORD_H

#include <stdint.h>

/* The lower of (address, port) first, in network order; IPv4 in the first four bytes. */
struct leat_inline_key {
    uint8_t address[2][16];
    uint16_t port[2];
    uint8_t protocol;
    uint8_t version;
    uint16_t reserved; /* zero */
};

/* Times are of CLOCK_MONOTONIC. */
struct leat_inline_side {
    uint64_t packets, octets, frame_octets, payload_octets;
    uint64_t first_ns, last_ns;
    uint64_t flags; /* TCP's of all packets; above LEAT_INLINE_FRAGMENTS the fragmentFlags */
    uint8_t ttl_min, ttl_max, tos;
    uint8_t tcp_flags_first; /* the low eight */
    uint8_t reserved[4];
};

#define LEAT_INLINE_FRAGMENTS 16 /* bits to the left */

struct leat_inline_record {
    struct leat_inline_key key;
    uint64_t reserved[3];
    struct leat_inline_side side[2]; /* a cache line each */
    uint64_t rest[8];
};

_Static_assert(sizeof(struct leat_inline_key) == 40, "no holes: keys are compared as bytes");
_Static_assert(sizeof(struct leat_inline_record) == 256, "LEAT_TABLE_ENTRY_BYTES of inline.bpf.c");

/* Counters of the program, a set for each core. */
enum leat_inline_counter {
    LEAT_INLINE_FRAMES,    /* seen */
    LEAT_INLINE_OCTETS,    /* of these */
    LEAT_INLINE_COUNTED,   /* in flows */
    LEAT_INLINE_IP_OCTETS, /* of these, of their IP packets */
    LEAT_INLINE_NOT_IP,
    LEAT_INLINE_MALFORMED,
    LEAT_INLINE_TRUNCATED, /* headers beyond the first buffer */
    LEAT_INLINE_FULL,      /* the table had no room */
    LEAT_INLINE_COUNTERS,
};

#endif
