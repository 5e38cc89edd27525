/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow cache under test, packets made by hand, and the records that come out. */
#ifndef FLOW_CACHE_RIG_H
#define FLOW_CACHE_RIG_H

#include "lib/flow/cache.h"

#define SECOND 1000000000ull

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

#define RIG_RECORDS 4096
#define RIG_TIME    (1700000000 * SECOND)

/* Sweeps never, so that only packets end records. */
extern const struct leat_flow_cache_opts rig_quiet;

struct rig {
    struct leat_flow_cache *cache;
    bool refuses; /* records */
    uint32_t features;
    uint32_t count;
    struct leat_flow records[RIG_RECORDS]; /* parts point nowhere */
    struct leat_flow_notes notes[RIG_RECORDS];
    struct leat_flow_packet_list lists[RIG_RECORDS];
    struct leat_flow_histogram histograms[RIG_RECORDS];
    struct leat_flow_sizes sizes[RIG_RECORDS];
    uint64_t packets, octets; /* of all records */
};

/* Opens a cache with these options but for ended() and ctx, and a seed. */
void rig_open(struct rig *rig, struct leat_flow_cache_opts opts);
void rig_close(struct rig *rig);

/* The record that came last. */
const struct leat_flow *rig_last(const struct rig *rig);

/* A UDP packet of flow `number` from its side 0: 100 octets, 72 of them payload, 114 in a frame. */
struct leat_flow_packet rig_packet(uint32_t number, uint64_t time_ns);
struct leat_flow_packet rig_packet6(uint32_t number, uint64_t time_ns);
struct leat_flow_packet rig_tcp(uint32_t number, uint32_t side, uint16_t tcp_flags,
                                uint64_t time_ns);

void rig_add(struct rig *rig, struct leat_flow_packet packet);
struct leat_flow_cache_stats rig_stats(const struct rig *rig);

/* Metered packets are in records, in the cache, or counted as lost. */
void rig_assert_conserved(struct rig *rig);

#endif
