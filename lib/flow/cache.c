/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow cache: opening it, and the path of a batch of packets through it. A packet costs a look
 * at a bucket and at a record, wherever in memory they lie; so a group of packets goes through in
 * passes, each of which fetches what the next one reads.
 */
#include "cache_private.h"
#include "lib/core/error.h"
#include "map.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS_MAX         (1u << 28)
#define ACTIVE_DEFAULT_NS 300000000000ull
#define IDLE_DEFAULT_NS   30000000000ull
#define SWEEP_DEFAULT_NS  1000000000ull

/* Packets that go through the passes together: enough to overlap their misses, few enough that what
 * was fetched is still there when its turn comes. */
#define GROUP 32

/* A batch of n packets sweeps over so many entries at most. */
#define BATCH_SWEEP_ENTRIES 4096

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

/* --- opening */

static int open_family(struct leat_flow_cache *cache, bool ip6) {
    struct leat_flow_family *family = &cache->family[ip6];
    family->ip6 = ip6;
    family->key_bytes = ip6 ? sizeof(struct leat_flow_key6) : sizeof(struct leat_flow_key4);
    family->sum_offset =
        ip6 ? offsetof(struct leat_flow_record6, sum) : offsetof(struct leat_flow_record4, sum);
    family->entry_bytes = ip6 ? sizeof(struct leat_flow_record6) : sizeof(struct leat_flow_record4);
    const struct leat_table_opts opts = { .size = sizeof(opts),
                                          .capacity = cache->opts.flows,
                                          .key_bytes = family->key_bytes,
                                          .entry_bytes = family->entry_bytes,
                                          .seed = cache->opts.seed };
    int err = leat_table_create(&family->table, &opts);
    if (err < 0)
        return err;
    family->entries = leat_table_entries(family->table);
    family->back = leat_map_lazily((size_t)family->entries * sizeof(*family->back));
    family->continued = leat_map_lazily((size_t)family->entries * sizeof(*family->continued));
    if (!family->back || !family->continued)
        return leat_fail(ENOMEM, "flow cache: no memory for %u flows", cache->opts.flows);
    const struct leat_flow_arrays_opts arrays = { .entries = family->entries,
                                                  .features = cache->opts.features,
                                                  .packet_list = cache->opts.packet_list,
                                                  .histogram_bytes = cache->opts.histogram_bytes };
    return leat_flow_arrays_open(&family->arrays, &arrays);
}

void leat_flow_cache_set_timeouts(struct leat_flow_cache *cache, uint64_t active_ns,
                                  uint64_t idle_ns) {
    active_ns = active_ns ? active_ns : ACTIVE_DEFAULT_NS;
    idle_ns = idle_ns ? idle_ns : IDLE_DEFAULT_NS;
    cache->active_ns = active_ns < INT64_MAX ? (int64_t)active_ns : INT64_MAX;
    cache->idle_ns = idle_ns < INT64_MAX ? (int64_t)idle_ns : INT64_MAX;
    uint64_t sweep_ns = cache->opts.sweep_ns;
    if (sweep_ns == 0)
        sweep_ns = idle_ns / 4 < SWEEP_DEFAULT_NS ? idle_ns / 4 + 1 : SWEEP_DEFAULT_NS;
    cache->sweep_per_ns = 1.0 / (double)sweep_ns;
}

static int check(const struct leat_flow_cache_opts *opts) {
    if (opts->flows > FLOWS_MAX)
        return leat_fail(EINVAL, "flow cache: cannot hold %u flows: %u are the most", opts->flows,
                         FLOWS_MAX);
    if (opts->packet_list > LEAT_FLOW_PACKETS_MAX)
        return leat_fail(EINVAL, "flow cache: a list of %u packets: %d are the most",
                         opts->packet_list, LEAT_FLOW_PACKETS_MAX);
    if (!opts->ended)
        return leat_fail(EINVAL, "flow cache: nobody takes the records of flows that end");
    return 0;
}

int leat_flow_cache_create(struct leat_flow_cache **cache,
                           const struct leat_flow_cache_opts *opts) {
    int err = check(opts);
    if (err < 0)
        return err;
    struct leat_flow_cache *made = aligned_alloc(64, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow cache: no memory");
    memset(made, 0, sizeof(*made));
    made->opts = *opts;
    if (!made->opts.flows)
        made->opts.flows = LEAT_FLOW_CACHE_FLOWS;
    leat_flow_cache_set_timeouts(made, opts->active_ns, opts->idle_ns);
    for (int ip6 = 0; ip6 < 2 && err == 0; ip6++)
        err = open_family(made, ip6);
    if (err < 0) {
        leat_flow_cache_destroy(made);
        return err;
    }
    *cache = made;
    return 0;
}

void leat_flow_cache_destroy(struct leat_flow_cache *cache) {
    if (!cache)
        return;
    for (uint32_t f = 0; f < 2; f++) {
        struct leat_flow_family *family = &cache->family[f];
        leat_flow_arrays_close(&family->arrays);
        leat_unmap(family->back, (size_t)family->entries * sizeof(*family->back));
        leat_unmap(family->continued, (size_t)family->entries * sizeof(*family->continued));
        leat_table_destroy(family->table);
    }
    free(cache);
}

/* --- the way of a packet */

/* A record begins, of a new flow or of one whose last record was cut. */
static void begin(const struct leat_flow_cache *cache, const struct leat_flow_family *family,
                  uint32_t index, const struct leat_flow_packet *packet) {
    struct leat_flow_sum *sum = leat_flow_sum(family, index);
    if (!(sum->state & LEAT_FLOW_CONTINUED))
        sum->state = packet->side ? LEAT_FLOW_SIDE : 0;
    sum->state |= LEAT_FLOW_LIVE;
    sum->scope = packet->scope & LEAT_FLOW_SCOPES_MAX;
    leat_flow_hold(cache, sum->scope);
    leat_flow_sum_begin(sum, packet);
    leat_flow_parts_clear(&family->arrays, index);
}

/* The flow of a packet is not in the table. LEAT_TABLE_NONE: it can have no entry. */
static __attribute__((noinline)) uint32_t make(struct leat_flow_cache *cache,
                                               struct leat_flow_family *family, const void *key,
                                               uint64_t hash) {
    bool made;
    if (cache->family[0].flows + cache->family[1].flows >= cache->opts.flows)
        leat_flow_evict(cache);
    uint32_t index = leat_table_insert(family->table, key, family->key_bytes, hash, &made);
    if (index == LEAT_TABLE_NONE)
        return index;
    leat_flow_tell(&family->flows, family->flows + 1);
    if (index >= family->used)
        leat_flow_tell(&family->used, index + 1);
    leat_flow_count(&cache->counters.flows_made, 1);
    leat_flow_hold(cache, leat_flow_key_scope(family, index));
    return index;
}

static inline bool is_back(const struct leat_flow_sum *sum, const struct leat_flow_packet *packet) {
    return (sum->state ^ packet->side) & LEAT_FLOW_SIDE;
}

/* A SYN that is no repetition: of a flow that is closed, of a side that said FIN, or of the only
 * side seen, since the other one may have ended it where another worker listens. */
static bool begins_again(const struct leat_flow_sum *sum, const struct leat_flow_packet *packet) {
    if (!(packet->tcp_flags & TCP_SYN))
        return false;
    bool back = is_back(sum, packet);
    if (sum->state & (LEAT_FLOW_CLOSED | (back ? LEAT_FLOW_FIN_BACK : LEAT_FLOW_FIN)))
        return true;
    if (back || sum->state & LEAT_FLOW_BACK || !(sum->state & LEAT_FLOW_LIVE))
        return false;
    return packet->tcp_flags & TCP_ACK ? sum->octets > sum->header_octets
                                       : sum->tcp_flags & TCP_ACK;
}

/* The packet finds its flow closed, or quiet or old enough to look twice, or begins a connection.
 * Afterwards the flow is as the packet wants it, perhaps without a record. */
static __attribute__((noinline)) void settle(struct leat_flow_cache *cache,
                                             struct leat_flow_family *family, uint32_t index,
                                             const struct leat_flow_packet *packet) {
    struct leat_flow_sum *sum = leat_flow_sum(family, index);
    bool gone;
    uint32_t reason = leat_flow_expired(cache, family, index, packet->time_ns, &gone);
    if (begins_again(sum, packet)) {
        reason = reason ? reason : LEAT_FLOW_END_DETECTED;
        gone = true;
    } else if (!reason && sum->state & LEAT_FLOW_CLOSED &&
               leat_flow_since(packet->time_ns, sum->first_ns) >= cache->active_ns) {
        reason = LEAT_FLOW_END_ACTIVE; /* closed or not, its packets go on and on */
    }
    if (gone) {
        leat_flow_end_record(cache, family, index, reason, true);
        sum->state = 0;
        leat_flow_count(&cache->counters.flows_made, 1);
    } else if (reason && leat_flow_end_record(cache, family, index, reason, false)) {
        leat_flow_continue(family, index);
    }
}

/* TCP is over after a reset, or after both sides' FIN: of a uniflow, its own. */
static __attribute__((noinline)) void close_tcp(const struct leat_flow_cache *cache,
                                                struct leat_flow_sum *sum, uint16_t tcp_flags,
                                                bool back) {
    const uint8_t both = LEAT_FLOW_FIN | LEAT_FLOW_FIN_BACK;
    if (tcp_flags & TCP_FIN)
        sum->state |= back ? LEAT_FLOW_FIN_BACK : LEAT_FLOW_FIN;
    if (tcp_flags & TCP_RST || (sum->state & both) == both ||
        (cache->opts.uniflow && sum->state & both))
        sum->state |= LEAT_FLOW_CLOSED;
}

/* The sum that a packet of that side adds to, begun if it is the first one. */
static inline struct leat_flow_sum *side_of(const struct leat_flow_family *family, uint32_t index,
                                            struct leat_flow_sum *sum, bool back,
                                            const struct leat_flow_packet *packet) {
    if (!back) {
        if (__builtin_expect(sum->packets == 0 && sum->state & LEAT_FLOW_CONTINUED, 0)) {
            uint64_t first_ns = sum->first_ns;
            leat_flow_sum_begin(sum, packet);
            sum->first_ns = first_ns;
            family->continued[index].first_ns = packet->time_ns;
        }
        return sum;
    }
    struct leat_flow_sum *other = &family->back[index];
    if (__builtin_expect(!(sum->state & LEAT_FLOW_BACK), 0)) {
        leat_flow_sum_begin(other, packet);
        sum->state |= LEAT_FLOW_BACK;
    }
    return other;
}

/* Of a packet that is in the sums already. */
static inline void add_parts(const struct leat_flow_family *family, uint32_t index, uint64_t hash,
                             const struct leat_flow_packet *packet, bool back) {
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    uint32_t of_back = sum->state & LEAT_FLOW_BACK ? family->back[index].packets : 0;
    leat_flow_parts_add(&family->arrays, index, packet, back, back ? of_back : sum->packets,
                        (uint64_t)sum->packets + of_back,
                        leat_flow_id(hash, leat_flow_start(family, index)));
}

static inline void count(struct leat_flow_cache *cache, struct leat_flow_family *family,
                         uint32_t index, uint64_t hash, const struct leat_flow_packet *packet) {
    struct leat_flow_sum *sum = leat_flow_sum(family, index);
    if (__builtin_expect(sum->state & LEAT_FLOW_LIVE, 1)) {
        const struct leat_flow_sum *mine =
            is_back(sum, packet) && sum->state & LEAT_FLOW_BACK ? &family->back[index] : sum;
        if (__builtin_expect(sum->state & LEAT_FLOW_CLOSED || packet->tcp_flags & TCP_SYN ||
                                 leat_flow_since(packet->time_ns, mine->last_ns) > cache->idle_ns ||
                                 leat_flow_since(packet->time_ns, sum->first_ns) >=
                                     cache->active_ns,
                             0))
            settle(cache, family, index, packet);
    } else if (sum->state & LEAT_FLOW_CONTINUED) {
        settle(cache, family, index, packet);
    }
    if (__builtin_expect(!(sum->state & LEAT_FLOW_LIVE), 0))
        begin(cache, family, index, packet);

    bool back = is_back(sum, packet);
    if (__builtin_expect(!leat_flow_sum_add(side_of(family, index, sum, back, packet), packet),
                         0)) {
        leat_flow_end_record(cache, family, index, LEAT_FLOW_END_RESOURCES, true);
        leat_flow_continue(family, index);
        begin(cache, family, index, packet);
        leat_flow_sum_add(side_of(family, index, sum, back, packet), packet);
    }
    if (__builtin_expect(packet->tcp_flags & (TCP_FIN | TCP_RST), 0))
        close_tcp(cache, sum, packet->tcp_flags, back);
    if (cache->opts.features)
        add_parts(family, index, hash, packet, back);
}

/* Key sizes are constants here, since speed counts. */
static inline uint64_t hash_of(const struct leat_flow_cache *cache,
                               const struct leat_flow_packet *packet) {
    return packet->flags & LEAT_FLOW_IP6
               ? leat_table_hash(cache->family[1].table, &packet->key6, sizeof(packet->key6))
               : leat_table_hash(cache->family[0].table, &packet->key4, sizeof(packet->key4));
}

static inline uint32_t find(const struct leat_flow_cache *cache,
                            const struct leat_flow_packet *packet, uint64_t hash) {
    return packet->flags & LEAT_FLOW_IP6
               ? leat_table_find(cache->family[1].table, &packet->key6, sizeof(packet->key6), hash)
               : leat_table_find(cache->family[0].table, &packet->key4, sizeof(packet->key4), hash);
}

static inline uint32_t prefetch_record(const struct leat_flow_cache *cache,
                                       const struct leat_flow_packet *packet, uint64_t hash) {
    return leat_table_prefetch_entry(cache->family[!!(packet->flags & LEAT_FLOW_IP6)].table, hash);
}

static inline uint32_t find_likely(const struct leat_flow_cache *cache, uint32_t likely,
                                   const struct leat_flow_packet *packet, uint64_t hash) {
    return packet->flags & LEAT_FLOW_IP6
               ? leat_table_find_likely(cache->family[1].table, likely, &packet->key6,
                                        sizeof(packet->key6), hash)
               : leat_table_find_likely(cache->family[0].table, likely, &packet->key4,
                                        sizeof(packet->key4), hash);
}

/* The record was found, so it is near: what else of the flow will be touched? */
static inline void prefetch_aside(const struct leat_flow_cache *cache,
                                  const struct leat_flow_packet *packet, uint32_t index) {
    const struct leat_flow_family *family = &cache->family[!!(packet->flags & LEAT_FLOW_IP6)];
    if (index == LEAT_TABLE_NONE)
        return;
    if (is_back(leat_flow_sum(family, index), packet))
        __builtin_prefetch(&family->back[index], 1);
    if (cache->opts.features)
        leat_flow_parts_prefetch(&family->arrays, index);
}

static inline void add_packet(struct leat_flow_cache *cache, const struct leat_flow_packet *packet,
                              uint64_t hash, uint32_t index) {
    struct leat_flow_family *family = &cache->family[!!(packet->flags & LEAT_FLOW_IP6)];
    if (__builtin_expect(index == LEAT_TABLE_NONE || cache->moved, 0))
        index = find(cache, packet, hash); /* made, or removed, by a packet before */
    if (__builtin_expect(index == LEAT_TABLE_NONE, 0))
        index = make(cache, family, &packet->key4, hash);
    if (__builtin_expect(index != LEAT_TABLE_NONE, 1)) {
        count(cache, family, index, hash, packet);
    } else { /* what the table promises rules it out */
        leat_flow_count(&cache->counters.packets_lost, 1);
        leat_flow_count(&cache->counters.octets_lost, packet->octets);
    }
}

static inline void add_group(struct leat_flow_cache *cache, const struct leat_flow_packet *packets,
                             uint32_t n) {
    uint64_t hashes[GROUP];
    uint32_t indexes[GROUP];
    for (uint32_t i = 0; i < n; i++) {
        hashes[i] = hash_of(cache, &packets[i]);
        leat_table_prefetch(cache->family[!!(packets[i].flags & LEAT_FLOW_IP6)].table, hashes[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        indexes[i] = prefetch_record(cache, &packets[i], hashes[i]);
    cache->moved = false;
    for (uint32_t i = 0; i < n; i++) {
        indexes[i] = find_likely(cache, indexes[i], &packets[i], hashes[i]);
        prefetch_aside(cache, &packets[i], indexes[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        add_packet(cache, &packets[i], hashes[i], indexes[i]);
}

void leat_flow_cache_add(struct leat_flow_cache *cache, const struct leat_flow_packet *packets,
                         uint32_t n) {
    uint64_t octets = 0;
    if (n == 0)
        return;
    for (uint32_t done = 0; done < n; done += GROUP)
        add_group(cache, &packets[done], n - done < GROUP ? n - done : GROUP);
    for (uint32_t i = 0; i < n; i++)
        octets += packets[i].octets;
    leat_flow_count(&cache->counters.packets, n);
    leat_flow_count(&cache->counters.octets, octets);
    leat_flow_sweep(cache, packets[n - 1].time_ns, BATCH_SWEEP_ENTRIES, 2 * n);
}

/* --- counters */

/* What is touched of a family: its buckets, and the records up to the last one ever used. */
static uint64_t touched_bytes(const struct leat_flow_cache *cache,
                              const struct leat_flow_family *family) {
    const struct leat_table_opts opts = { .size = sizeof(opts),
                                          .capacity = cache->opts.flows,
                                          .key_bytes = family->key_bytes,
                                          .entry_bytes = family->entry_bytes };
    uint64_t records = (uint64_t)family->entries * family->entry_bytes;
    uint64_t buckets = leat_table_bytes(&opts) - records;
    uint32_t used = __atomic_load_n(&family->used, __ATOMIC_RELAXED);
    return used == 0 ? 0
                     : buckets + used * (family->entry_bytes + sizeof(*family->back) +
                                         sizeof(*family->continued) +
                                         leat_flow_arrays_bytes(&family->arrays));
}

void leat_flow_cache_stats(const struct leat_flow_cache *cache,
                           struct leat_flow_cache_stats *stats) {
    const struct leat_flow_counters *counters = &cache->counters;
#define READ(name) .name = atomic_load_explicit(&counters->name, memory_order_relaxed)
    *stats = (struct leat_flow_cache_stats){
        READ(packets),
        READ(octets),
        READ(flows_made),
        READ(flows_lost),
        READ(packets_lost),
        READ(octets_lost),
        .lost = { atomic_load_explicit(&counters->first_lost_ns, memory_order_relaxed),
                  atomic_load_explicit(&counters->last_lost_ns, memory_order_relaxed) },
        .flows = __atomic_load_n(&cache->family[0].flows, __ATOMIC_RELAXED) +
                 __atomic_load_n(&cache->family[1].flows, __ATOMIC_RELAXED),
        .flows_max = cache->opts.flows,
        .memory_bytes =
            touched_bytes(cache, &cache->family[0]) + touched_bytes(cache, &cache->family[1]),
    };
    for (uint32_t i = 0; i < sizeof(stats->flows_ended) / sizeof(stats->flows_ended[0]); i++)
        stats->flows_ended[i] =
            atomic_load_explicit(&counters->flows_ended[i], memory_order_relaxed);
#undef READ
}
