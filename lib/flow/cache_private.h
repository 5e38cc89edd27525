/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the flow cache: for each version of IP a table of records, and arrays by the same
 * entry numbers for what few packets or features touch.
 *
 *   cache.c        opening, and the path of a batch of packets
 *   cache_end.c    when a record ends, and how it leaves
 *   cache_sweep.c  what happens without a packet: the sweep, flushing, the largest flows
 *
 * What the features add is in parts.h.
 */
#ifndef LEAT_FLOW_CACHE_PRIVATE_H
#define LEAT_FLOW_CACHE_PRIVATE_H

#include "cache.h"
#include "parts.h"
#include "record.h"
#include <leat/table.h>
#include <stdatomic.h>

/* A TCP connection that closed waits so long for late packets before its record ends. */
#define LEAT_FLOW_LINGER_NS 1000000000ll

/* Of a flow whose last record was cut. */
struct leat_flow_continued {
    uint64_t start_ns; /* of its first record */
    uint64_t first_ns; /* of the first side in this record */
};

struct leat_flow_family {
    struct leat_table *table;
    struct leat_flow_sum *back;            /* by entry number: of the side seen second ... */
    struct leat_flow_continued *continued; /* ... and of cut records */
    struct leat_flow_arrays arrays;        /* of the features */
    bool ip6;
    uint32_t key_bytes, sum_offset, entry_bytes;
    uint32_t entries;            /* numbers that the table may give */
    uint32_t used;               /* numbers ever given are below; others read this one ... */
    uint32_t flows;              /* ... and this */
    uint32_t sweep_at, evict_at; /* the hands */
    double sweep_due;            /* entries that the sweep is behind */
};

struct leat_flow_counters {
    _Atomic uint64_t packets, octets, flows_made, flows_ended[6];
    _Atomic uint64_t flows_lost, packets_lost, octets_lost;
    _Atomic uint64_t first_lost_ns, last_lost_ns;
};

struct leat_flow_cache {
    struct leat_flow_family family[2]; /* IPv4, IPv6 */
    struct leat_flow_cache_opts opts;
    int64_t active_ns, idle_ns;
    double sweep_per_ns; /* rounds */
    uint64_t now_ns;
    bool moved; /* an entry was removed: numbers found before may be others' */
    _Alignas(64) struct leat_flow_counters counters;
};

/* A counter of the one writer, which others read. */
static inline void leat_flow_count(_Atomic uint64_t *counter, uint64_t n) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* The first and the last time of something that repeats. */
static inline void leat_flow_date(_Atomic uint64_t *first_ns, _Atomic uint64_t *last_ns,
                                  uint64_t time_ns) {
    if (!atomic_load_explicit(first_ns, memory_order_relaxed))
        atomic_store_explicit(first_ns, time_ns, memory_order_relaxed);
    atomic_store_explicit(last_ns, time_ns, memory_order_relaxed);
}

static inline void leat_flow_tell(uint32_t *at, uint32_t value) {
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

static inline void *leat_flow_record(const struct leat_flow_family *family, uint32_t index) {
    return leat_table_entry(family->table, index);
}

static inline struct leat_flow_sum *leat_flow_sum(const struct leat_flow_family *family,
                                                  uint32_t index) {
    return (struct leat_flow_sum *)((uint8_t *)leat_flow_record(family, index) +
                                    family->sum_offset);
}

static inline uint32_t leat_flow_key_scope(const struct leat_flow_family *family, uint32_t index) {
    const void *record = leat_flow_record(family, index);
    return family->ip6 ? ((const struct leat_flow_record6 *)record)->key.scope
                       : ((const struct leat_flow_record4 *)record)->key.scope;
}

/* Numbers of scopes last as long as somebody holds them. */
static inline void leat_flow_hold(const struct leat_flow_cache *cache, uint32_t scope) {
    if (scope && cache->opts.scopes)
        leat_flow_scopes_hold(cache->opts.scopes, scope);
}

static inline void leat_flow_release(const struct leat_flow_cache *cache, uint32_t scope) {
    if (scope && cache->opts.scopes)
        leat_flow_scopes_release(cache->opts.scopes, scope);
}

/* cache_end.c */

/* Why a flow is over at `now_ns`, or 0; `*gone`: with the flow, not only its record. */
uint32_t leat_flow_expired(const struct leat_flow_cache *cache,
                           const struct leat_flow_family *family, uint32_t index, uint64_t now_ns,
                           bool *gone);

/* Hands the record out, if the flow has one. False: there was no room, and nothing changed; with
 * `must` it is lost instead, and counted. */
bool leat_flow_end_record(struct leat_flow_cache *cache, struct leat_flow_family *family,
                          uint32_t index, enum leat_flow_end reason, bool must);

/* After its record ended: the flow goes on, in a record that the next packet begins. */
void leat_flow_continue(struct leat_flow_family *family, uint32_t index);

/* After its record ended: the flow is no more. */
void leat_flow_remove(struct leat_flow_cache *cache, struct leat_flow_family *family,
                      uint32_t index);

/* Makes room for one flow. */
void leat_flow_evict(struct leat_flow_cache *cache);

/* The record in the exporter's form. */
void leat_flow_describe(const struct leat_flow_cache *cache, const struct leat_flow_family *family,
                        uint32_t index, struct leat_flow *flow);

/* The same for all records of a flow. */
static inline uint64_t leat_flow_id(uint64_t hash, uint64_t start_ns) {
    uint64_t id = (hash ^ start_ns) * 0x9e3779b97f4a7c15;
    return id ^ id >> 29;
}

/* When the flow's first record began. */
static inline uint64_t leat_flow_start(const struct leat_flow_family *family, uint32_t index) {
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    return sum->state & LEAT_FLOW_CONTINUED ? family->continued[index].start_ns : sum->first_ns;
}

/* cache_sweep.c */

/* Looks at as many entries as the time since the last sweep demands; ends up to `ends_max`. */
void leat_flow_sweep(struct leat_flow_cache *cache, uint64_t now_ns, uint32_t entries_max,
                     uint32_t ends_max);

#endif
