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

#define LEAT_INLINE_TAGS 4 /* LEAT_TAGS_MAX of leat/parse.h */

enum leat_inline_key_part { /* as LEAT_FLOW_KEY_* */
                            LEAT_INLINE_KEY_VLAN = 1 << 0,
                            LEAT_INLINE_KEY_TOS = 1 << 2,
};

/* The lower of (address, port) first, in network order; IPv4 in the first four bytes. */
struct leat_inline_key {
    uint8_t address[2][16];
    uint16_t port[2];
    uint8_t protocol;
    uint8_t version;
    uint8_t tos; /* this and the tags: zero unless they are part of the key */
    uint8_t vlan_count;
    uint16_t vlan[LEAT_INLINE_TAGS]; /* ids, outermost first */
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
    uint32_t copies; /* asked for, whether there was room for them or not */
    uint16_t vlan_count;
    uint16_t reserved;
    uint16_t vlan_tci[LEAT_INLINE_TAGS]; /* of the packet that made it */
    struct leat_inline_side side[2];     /* a cache line each */
};

_Static_assert(sizeof(struct leat_inline_key) == 48, "no holes: keys are compared as bytes");
_Static_assert(sizeof(struct leat_inline_record) == 192, "LEAT_TABLE_ENTRY_BYTES of inline.bpf.c");

/* One of a record's first packets on its way through the ring, and behind this its frame. Between
 * retiring an entry and releasing it (leat/table.h) nothing is added to it, so all copies with its
 * number that are in the ring by then are of the record that ends, and all later ones of the next.
 */
struct leat_inline_copy {
    uint64_t time_ns;      /* CLOCK_MONOTONIC */
    uint32_t entry;        /* of the table */
    uint32_t frame_octets; /* of the frame, as it is in memory */
    uint16_t captured;     /* bytes of it that follow */
    uint16_t back;         /* the side of the record */
    uint32_t reserved;
};

/* A frame of Ethernet's size whole, of a longer one the beginning. */
#define LEAT_INLINE_COPY_BYTES 1600

/* Counters of the program, a set for each core. */
enum leat_inline_counter {
    LEAT_INLINE_FRAMES,    /* seen */
    LEAT_INLINE_OCTETS,    /* of these */
    LEAT_INLINE_COUNTED,   /* in flows */
    LEAT_INLINE_IP_OCTETS, /* of these, of their IP packets */
    LEAT_INLINE_NOT_IP,
    LEAT_INLINE_MALFORMED,
    LEAT_INLINE_TRUNCATED,      /* headers beyond the first buffer */
    LEAT_INLINE_FULL,           /* the table had no room */
    LEAT_INLINE_FILTERED,       /* the filter did not match */
    LEAT_INLINE_UNSAMPLED,      /* not looked at */
    LEAT_INLINE_IGNORED_OCTETS, /* of IP packets that are in no flow, though they were looked at */
    LEAT_INLINE_UNCOPIED,       /* counted, but the ring of copies had no room */
    LEAT_INLINE_COUNTERS,
};

#endif
