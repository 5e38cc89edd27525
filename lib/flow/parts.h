/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the features in force add to records: arrays by the number of a record's entry, in pages
 * that are only there once they are written. Whoever keeps the records (the cache, --inline) keeps
 * one of these beside them.
 */
#ifndef LEAT_FLOW_PARTS_H
#define LEAT_FLOW_PARTS_H

#include "flow.h"
#include "packet.h"
#include "payload.h"

#define LEAT_FLOW_PACKET_LIST_DEFAULT     16
#define LEAT_FLOW_HISTOGRAM_DEFAULT_BYTES 4000

struct leat_flow_arrays_opts {
    uint32_t entries;
    uint32_t features;        /* LEAT_FLOW_* */
    uint32_t packet_list;     /* 0: the default, as the next one */
    uint32_t histogram_bytes; /* of a record and side */
};

struct leat_flow_arrays {
    struct leat_flow_arrays_opts opts;
    struct leat_flow_scratch *scratch; /* of APPLICATION */
    /* By entry number; NULL: not in force. */
    struct leat_flow_notes *notes;
    struct leat_flow_histogram *histogram;
    uint32_t (*histogram_bytes)[2]; /* payload counted in it, a side each */
    struct leat_flow_packet_list *packets;
    struct leat_flow_sizes *sizes;
    struct leat_flow_application *application;
};

/* 0, or a negative errno by leat_fail(); what there is then is still to be closed. */
int leat_flow_arrays_open(struct leat_flow_arrays *arrays,
                          const struct leat_flow_arrays_opts *opts);
void leat_flow_arrays_close(struct leat_flow_arrays *arrays);
uint64_t leat_flow_arrays_bytes(const struct leat_flow_arrays *arrays); /* of one entry */

/* Those of an entry, as they stand in its record. */
struct leat_flow_parts leat_flow_arrays_parts(const struct leat_flow_arrays *arrays,
                                              uint32_t index);
void leat_flow_parts_prefetch(const struct leat_flow_arrays *arrays, uint32_t index);

/* A record begins: its parts are empty, whatever was there before. */
void leat_flow_parts_clear(const struct leat_flow_arrays *arrays, uint32_t index);

/* Adds a packet of `side` (0: the side seen first), the `of_side`th of its side and `of_both`th of
 * both, from 1 on. `flow_id` is the same for all packets of a flow and no other's. */
void leat_flow_parts_add(const struct leat_flow_arrays *arrays, uint32_t index,
                         const struct leat_flow_packet *packet, uint32_t side, uint32_t of_side,
                         uint64_t of_both, uint64_t flow_id);

#endif
