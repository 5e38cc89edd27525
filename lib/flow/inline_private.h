/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of inline.h that runs in user space:
 *
 *   inline.c         opening: makes the table, loads the programs; counters
 *   inline_end.c     which flows ended, and how their records leave
 *   inline_copies.c  what the first packets of a record tell
 */
#ifndef LEAT_FLOW_INLINE_PRIVATE_H
#define LEAT_FLOW_INLINE_PRIVATE_H

#include "decode.h"
#include "inline.h"
#include "inline.skel.h"
#include "inline_record.h"
#include "lib/bpf/stage.h"
#include "lib/bpf/wait.h"
#include "parts.h"
#include <leat/table.h>

#define RETIRED_MAX 4096 /* flows that end together, for one wait */

struct ending {
    uint32_t index;
    enum leat_flow_end reason;
    uint64_t retired_ns; /* CLOCK_MONOTONIC: nobody found it from then on */
};

/* What was seen of a record's copies, by the number of its entry; no packets before the first one.
 */
struct glimpse {
    uint32_t packets[2]; /* of the side that is the source, and of the other */
    uint32_t source;     /* side of the record */
    uint32_t reserved;
    uint64_t first_ns;   /* of the first copy, CLOCK_MONOTONIC */
    uint64_t realtime;   /* to be added to that clock, for all times of the record */
    uint64_t retired_ns; /* copies up to then are of the entry's record before */
};

/* NULL or empty where no copies are wanted. */
struct copies {
    struct ring_buffer *ring;
    uint32_t ring_bytes, read_bytes; /* of the ring, and so far in this round */
    struct leat_flow_decoder *decoder;
    struct glimpse *glimpses;
    struct leat_flow_arrays arrays;
    uint64_t copied, undecoded; /* others read them */
};

struct leat_flow_inline {
    struct leat_flow_inline_opts opts;
    char *name;
    uint32_t ifindex;
    struct inline_bpf *object;
    struct leat_stage *stage; /* NULL: it is off again */
    enum leat_xdp_mode mode;
    int egress;       /* link of the program on what is sent; -1: none */
    char unsent[256]; /* why there is none */
    struct leat_bpf_wait wait;
    struct leat_table *table;
    void *region;
    size_t region_bytes;
    uint64_t realtime; /* CLOCK_REALTIME - CLOCK_MONOTONIC, read once a sweep */
    struct copies copies;
    struct ending endings[RETIRED_MAX]; /* out of the table, not yet taken by `ended` */
    uint32_t ending_count;
    uint32_t still_count; /* the first of these: no program adds to them any more */
    uint64_t flows_ended[6];
};

static inline uint64_t read_once(const uint64_t *value) {
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

/* A counter of the one writer, which others read. */
static inline void count_one(uint64_t *counter) {
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* The side that was seen first, by what the programs have counted up to now. */
uint32_t leat_inline_source(const struct leat_inline_record *record);

/* inline_copies.c */
int leat_inline_copies_open(struct leat_flow_inline *self);
void leat_inline_copies_close(struct leat_flow_inline *self);

/* What they told of an entry's record goes into `flow`, whose sides are filled in already. */
void leat_inline_copies_describe(struct leat_flow_inline *self, uint32_t index,
                                 struct leat_flow *flow);
/* The record is over. */
void leat_inline_copies_forget(struct leat_flow_inline *self, const struct ending *ending);

#endif
