/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metering of an interface that carries live traffic: a program on what it receives (XDP) and one
 * on what it sends (TCX, Linux 6.6) count each frame's flow in a table that they share with this
 * process, and pass the frame on. Nothing is taken away, and both directions are one record.
 *
 *   received -> XDP: filter? -> sample? -> parse, find or make its entry, add -> kernel's stack
 *   sent     -> TCX: likewise                                                 -> driver
 *                       | copies of the first N      | same memory
 *   leat_flow_inline_look(): decode, add to parts    |
 *   leat_flow_inline_sweep(): which flows ended? retire, wait for running programs, read, release
 *
 * A record has what the program can count: packets, octets, times, TTLs, TOS, TCP and fragment
 * flags, of both sides, and the first packet's VLAN tags. It sees the outermost IP packet; later
 * fragments are a flow without ports. What takes a look at whole packets (the parts of the
 * features) comes from copies of a record's first packets: `limited` of a record says of which
 * features it has more packets than were looked into.
 */
#ifndef LEAT_FLOW_INLINE_H
#define LEAT_FLOW_INLINE_H

#include "meter.h"

struct leat_flow_inline_opts {
    uint32_t flows;        /* at a time; 0: 65,536. Beyond, frames pass uncounted (NO_ROOM) */
    uint64_t active_ns;    /* 0: 300 s */
    uint64_t idle_ns;      /* 0: 30 s */
    bool generic;          /* XDP behind the driver; else in it where it can */
    bool received_only;    /* leaves out what the interface sends */
    uint32_t copy_packets; /* of each record, to be looked into; 0: none, and no features */
    uint32_t features;     /* LEAT_FLOW_* */
    uint32_t ring_bytes;   /* of the ring of copies, a power of two of pages; 0: 4 MiB */
    bool uniflow;          /* a record a direction */
    uint32_t key;          /* LEAT_FLOW_KEY_VLAN, TOS, INTERFACE; -ENOTSUP: others */
    const char *filter;    /* tcpdump's language; NULL: all frames */
    struct leat_flow_sampling sampling; /* COUNT, of each core, and UNIFORM; -ENOTSUP: others */
    uint32_t worker;                    /* number, for the records */
    uint64_t seed;                      /* of the table, for tests; 0: random */
    bool (*ended)(void *ctx, const struct leat_flow *flow); /* as of leat_flow_cache_opts */
    void *ctx;
};

struct leat_flow_inline;

/* Puts the programs on the interface, that of XDP as a stage beside others of Leat's. -ENODEV,
 * -EPERM, -EBUSY and others as leat_stage_open(); -ENOTSUP: this build has no BPF programs, or
 * the filter is one that they cannot have. A kernel without TCX is no error:
 * leat_flow_inline_unsent() tells. */
int leat_flow_inline_open(struct leat_flow_inline **live, const char *interface,
                          const struct leat_flow_inline_opts *opts);

/* Takes the programs off. When it returns 0, nothing is counted any more: what
 * leat_flow_inline_flush() ends then are all packets that the counters have. Or a negative errno.
 */
int leat_flow_inline_stop(struct leat_flow_inline *live);

/* Takes the programs off, too. Flows that were not flushed are lost. NULL is allowed. */
void leat_flow_inline_close(struct leat_flow_inline *live);

/* Looks into the copies that have come, as many as the ring holds at most. By the one thread that
 * sweeps, often enough that the ring does not fill up: what finds no room in it is counted and not
 * looked into. Returns how many, or a negative errno. */
int leat_flow_inline_look(struct leat_flow_inline *live);

/* Looks through the table once, and ends what has timed out or said so. By one thread, about once a
 * second; takes some 10 ms for each 4,096 that end. Returns how many flows ended, or a negative
 * errno. */
int leat_flow_inline_sweep(struct leat_flow_inline *live);

/* Ends all flows; returns how many are left because `ended` had no room, or a negative errno. */
int leat_flow_inline_flush(struct leat_flow_inline *live, enum leat_flow_end reason);

/* The biggest flows now, biggest first; up to `n`, without parts. By the one thread that
 * sweeps. */
uint32_t leat_flow_inline_top(struct leat_flow_inline *live, struct leat_flow *flows, uint32_t n,
                              enum leat_flow_top by);

/* Of flows that are there, too. Any thread. */
void leat_flow_inline_set_timeouts(struct leat_flow_inline *live, uint64_t active_ns,
                                   uint64_t idle_ns);

/* "native" or "generic", as it is in force. Static storage. */
const char *leat_flow_inline_mode(const struct leat_flow_inline *live);

/* Why what the interface sends is not seen; NULL: it is. */
const char *leat_flow_inline_unsent(const struct leat_flow_inline *live);

/* As of a meter; all frames were passed on. Those that found the table full are skipped as NO_ROOM.
 * Any thread. */
void leat_flow_inline_stats(const struct leat_flow_inline *live,
                            struct leat_flow_meter_stats *stats);

#endif
