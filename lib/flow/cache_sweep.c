/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to flows without a packet of theirs: the sweep, flushing, the largest of them. */
#include "cache_private.h"
#include <string.h>

/* A tick looks at so many entries, and ends so many flows, before it lets the packets on. */
#define TICK_ENTRIES 65536
#define TICK_ENDS    4096

#define GONE_MAX 16

/* How far ahead of the hand records are fetched. */
#define SWEEP_AHEAD 8

/* Flows to be removed. Each needs its bucket, which is far away: they are fetched together. */
struct gone {
    uint32_t indexes[GONE_MAX];
    uint32_t count;
};

static void remove_gone(struct leat_flow_cache *cache, struct leat_flow_family *family,
                        struct gone *gone) {
    for (uint32_t i = 0; i < gone->count; i++)
        leat_flow_remove(cache, family, gone->indexes[i]);
    gone->count = 0;
}

static void add_gone(struct leat_flow_cache *cache, struct leat_flow_family *family,
                     struct gone *gone, uint32_t index) {
    const void *key = leat_flow_record(family, index);
    leat_table_prefetch(family->table, leat_table_hash(family->table, key, family->key_bytes));
    gone->indexes[gone->count++] = index;
    if (gone->count == GONE_MAX)
        remove_gone(cache, family, gone);
}

/* What is due for one entry. False: it stays, since there is no room for its record. */
static bool visit(struct leat_flow_cache *cache, struct leat_flow_family *family, uint32_t index,
                  uint64_t now_ns, struct gone *gone, uint32_t *ends) {
    bool over;
    uint32_t reason = leat_flow_expired(cache, family, index, now_ns, &over);
    if (!reason)
        return true;
    if (!leat_flow_end_record(cache, family, index, reason, false))
        return false;
    if (over)
        add_gone(cache, family, gone, index);
    else
        leat_flow_continue(family, index);
    *ends += 1;
    return true;
}

/* From the hand on: up to `entries` entries, none of them twice, and up to `ends_max` ends in all.
 */
static void sweep_family(struct leat_flow_cache *cache, struct leat_flow_family *family,
                         uint64_t now_ns, uint32_t entries, uint32_t *ends, uint32_t ends_max) {
    struct gone gone = { .count = 0 };
    uint32_t looked = 0;
    for (; looked < entries && *ends < ends_max; looked++) {
        uint32_t index = family->sweep_at < family->used ? family->sweep_at : 0;
        if (index + SWEEP_AHEAD < family->used)
            __builtin_prefetch(leat_flow_sum(family, index + SWEEP_AHEAD));
        if (leat_table_used(family->table, index) &&
            !visit(cache, family, index, now_ns, &gone, ends))
            break;
        family->sweep_at = index + 1;
    }
    remove_gone(cache, family, &gone);
    family->sweep_due -= looked;
}

void leat_flow_sweep(struct leat_flow_cache *cache, uint64_t now_ns, uint32_t entries_max,
                     uint32_t ends_max) {
    int64_t passed_ns = cache->now_ns ? leat_flow_since(now_ns, cache->now_ns) : 0;
    double rounds = passed_ns > 0 ? (double)passed_ns * cache->sweep_per_ns : 0;
    uint32_t ends = 0;
    cache->now_ns = now_ns;
    for (uint32_t f = 0; f < 2; f++) {
        struct leat_flow_family *family = &cache->family[f];
        family->sweep_due += rounds * family->used;
        if (family->sweep_due > family->used)
            family->sweep_due = family->used; /* once round is enough, however long it took */
        uint32_t due = (uint32_t)family->sweep_due;
        sweep_family(cache, family, now_ns, due < entries_max ? due : entries_max, &ends, ends_max);
    }
}

void leat_flow_cache_tick(struct leat_flow_cache *cache, uint64_t now_ns) {
    leat_flow_sweep(cache, now_ns, TICK_ENTRIES, TICK_ENDS);
}

/* What has timed out by now ends for that reason, whether or not the sweep has come by. */
static bool flush_entry(struct leat_flow_cache *cache, struct leat_flow_family *family,
                        uint32_t index, enum leat_flow_end reason) {
    bool gone;
    uint32_t own = leat_flow_expired(cache, family, index, cache->now_ns, &gone);
    if (!own && leat_flow_sum(family, index)->state & LEAT_FLOW_CLOSED)
        own = LEAT_FLOW_END_DETECTED; /* it was over, and only waited for late packets */
    if (!leat_flow_end_record(cache, family, index, own ? own : reason, false))
        return false;
    leat_flow_remove(cache, family, index);
    return true;
}

uint32_t leat_flow_cache_flush(struct leat_flow_cache *cache, enum leat_flow_end reason) {
    bool room = true;
    for (uint32_t f = 0; f < 2 && room; f++) {
        struct leat_flow_family *family = &cache->family[f];
        for (uint32_t looked = 0; looked < family->used && family->flows > 0; looked++) {
            uint32_t index = family->sweep_at < family->used ? family->sweep_at : 0;
            if (leat_table_used(family->table, index) &&
                !(room = flush_entry(cache, family, index, reason)))
                break;
            family->sweep_at = index + 1;
        }
    }
    return cache->family[0].flows + cache->family[1].flows;
}

/* As leat_flow_top_measure() of what would be described; 0: there is no flow. */
static uint64_t measure(const struct leat_flow_family *family, uint32_t index,
                        enum leat_flow_top by) {
    static const struct leat_flow_sum none;
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    if (!leat_table_used(family->table, index) || !(sum->state & LEAT_FLOW_LIVE))
        return 0;
    const struct leat_flow_sum *back = sum->state & LEAT_FLOW_BACK ? &family->back[index] : &none;
    if (by == LEAT_FLOW_TOP_OCTETS)
        return sum->octets + back->octets;
    if (by == LEAT_FLOW_TOP_PACKETS)
        return sum->packets + back->packets;
    uint64_t last_ns = back->packets && back->last_ns > sum->last_ns ? back->last_ns : sum->last_ns;
    uint64_t start_ns = leat_flow_start(family, index);
    return last_ns > start_ns ? last_ns - start_ns + 1 : 1;
}

uint32_t leat_flow_cache_top(struct leat_flow_cache *cache, struct leat_flow *flows, uint32_t n,
                             enum leat_flow_top by) {
    uint32_t count = 0;
    for (uint32_t f = 0; f < 2; f++) {
        const struct leat_flow_family *family = &cache->family[f];
        for (uint32_t index = 0; index < family->used; index++) {
            struct leat_flow *place =
                leat_flow_top_place(flows, &count, n, by, measure(family, index, by));
            if (place)
                leat_flow_describe(cache, family, index, place);
        }
    }
    return count;
}
