/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a flow's record ends, and how it leaves the cache. A flow is over when it was quiet for
 * longer than the idle timeout, or closed and quiet for longer than its linger; its record also
 * ends, and the flow goes on in the next one, when it is as old as the active timeout.
 */
#include "cache_private.h"
#include <arpa/inet.h>
#include <string.h>

/* Entries of a table among which the one to be evicted is chosen. */
#define EVICT_AMONG 16

/* When a packet of either side was last seen. */
static uint64_t last_seen(const struct leat_flow_family *family, uint32_t index) {
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    if (!(sum->state & LEAT_FLOW_BACK))
        return sum->last_ns;
    uint64_t back_ns = family->back[index].last_ns;
    return leat_flow_since(back_ns, sum->last_ns) > 0 ? back_ns : sum->last_ns;
}

/* When both timeouts have passed, the one that passed first tells the reason: as if somebody had
 * looked at that moment. What closed is not cut before its linger is over. */
uint32_t leat_flow_expired(const struct leat_flow_cache *cache,
                           const struct leat_flow_family *family, uint32_t index, uint64_t now_ns,
                           bool *gone) {
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    uint64_t last_ns = last_seen(family, index);
    bool closed = sum->state & LEAT_FLOW_CLOSED;
    *gone = leat_flow_since(now_ns, last_ns) > (closed ? LEAT_FLOW_LINGER_NS : cache->idle_ns);
    if (closed)
        return *gone ? LEAT_FLOW_END_DETECTED : 0;
    uint64_t until_ns = *gone ? last_ns + (uint64_t)cache->idle_ns : now_ns;
    if (sum->state & LEAT_FLOW_LIVE && leat_flow_since(until_ns, sum->first_ns) >= cache->active_ns)
        return LEAT_FLOW_END_ACTIVE;
    return *gone ? LEAT_FLOW_END_IDLE : 0;
}

static void describe_side(struct leat_flow_side *side, const struct leat_flow_sum *sum) {
    side->packets = sum->packets;
    side->octets = sum->octets;
    side->frame_octets = sum->octets + sum->link_octets;
    side->payload_octets = sum->octets - sum->header_octets;
    side->first_ns = sum->first_ns;
    side->last_ns = sum->last_ns;
    side->tcp_flags = sum->tcp_flags;
    side->tcp_flags_first = sum->tcp_flags_first;
    side->ttl_min = sum->ttl_min;
    side->ttl_max = sum->ttl_max;
    side->tos = sum->tos;
    side->fragment_flags = sum->fragment_flags;
}

static void describe_key4(struct leat_flow *flow, const struct leat_flow_key4 *key,
                          uint32_t source) {
    flow->version = 4;
    flow->protocol = key->protocol;
    memset(flow->address, 0, sizeof(flow->address));
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(flow->address[i], &key->address[i ^ source], 4);
        flow->port[i] = ntohs(key->port[i ^ source]);
    }
}

static void describe_key6(struct leat_flow *flow, const struct leat_flow_key6 *key,
                          uint32_t source) {
    flow->version = 6;
    flow->protocol = key->protocol;
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(flow->address[i], key->address[i ^ source], 16);
        flow->port[i] = ntohs(key->port[i ^ source]);
    }
}

/* A record that the second side began may have no packet of the first one: that side is then where
 * and when the record began, and counts nothing. */
static void describe_sides(struct leat_flow *flow, const struct leat_flow_family *family,
                           uint32_t index) {
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    describe_side(&flow->side[0], sum);
    if (sum->state & LEAT_FLOW_CONTINUED && sum->packets > 0)
        flow->side[0].first_ns = family->continued[index].first_ns;
    if (sum->state & LEAT_FLOW_BACK)
        describe_side(&flow->side[1], &family->back[index]);
    else
        flow->side[1] = (struct leat_flow_side){ 0 };
}

/* Member by member: to clear all of it at once compilers choose a string instruction, which costs
 * more than all the rest. */
void leat_flow_describe(const struct leat_flow_cache *cache, const struct leat_flow_family *family,
                        uint32_t index, struct leat_flow *flow) {
    const void *record = leat_flow_record(family, index);
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    uint64_t hash = leat_table_hash(family->table, record, family->key_bytes);
    flow->end = 0;
    flow->biflow = !cache->opts.uniflow;
    flow->id = leat_flow_id(hash, leat_flow_start(family, index));
    flow->start_ns = leat_flow_start(family, index);
    flow->worker = cache->opts.worker;
    flow->limited = 0;
    flow->parts = leat_flow_arrays_parts(&family->arrays, index);
    if (family->ip6)
        describe_key6(flow, record, sum->state & LEAT_FLOW_SIDE);
    else
        describe_key4(flow, record, sum->state & LEAT_FLOW_SIDE);
    describe_sides(flow, family, index);
    static const struct leat_flow_scope plain;
    flow->scope =
        cache->opts.scopes ? *leat_flow_scopes_get(cache->opts.scopes, sum->scope) : plain;
}

bool leat_flow_end_record(struct leat_flow_cache *cache, struct leat_flow_family *family,
                          uint32_t index, enum leat_flow_end reason, bool must) {
    struct leat_flow_sum *sum = leat_flow_sum(family, index);
    struct leat_flow_counters *counters = &cache->counters;
    if (!(sum->state & LEAT_FLOW_LIVE))
        return true;
    struct leat_flow flow;
    leat_flow_describe(cache, family, index, &flow);
    flow.end = (uint8_t)reason;
    if (cache->opts.ended(cache->opts.ctx, &flow)) {
        leat_flow_count(&counters->flows_ended[reason], 1);
    } else if (must) {
        leat_flow_count(&counters->flows_lost, 1);
        leat_flow_count(&counters->packets_lost, flow.side[0].packets + flow.side[1].packets);
        leat_flow_count(&counters->octets_lost, flow.side[0].octets + flow.side[1].octets);
        uint64_t last_ns = last_seen(family, index);
        leat_flow_date(&counters->first_lost_ns, &counters->last_lost_ns,
                       leat_flow_since(cache->now_ns, last_ns) > 0 ? cache->now_ns : last_ns);
    } else {
        return false;
    }
    sum->state &= (uint8_t)~LEAT_FLOW_LIVE;
    leat_flow_release(cache, sum->scope);
    return true;
}

void leat_flow_continue(struct leat_flow_family *family, uint32_t index) {
    struct leat_flow_sum *sum = leat_flow_sum(family, index);
    family->continued[index].start_ns = leat_flow_start(family, index);
    sum->last_ns = last_seen(family, index);
    sum->state = (sum->state & LEAT_FLOW_STAYS) | LEAT_FLOW_CONTINUED;
}

void leat_flow_remove(struct leat_flow_cache *cache, struct leat_flow_family *family,
                      uint32_t index) {
    leat_flow_release(cache, leat_flow_key_scope(family, index));
    leat_table_remove(family->table, index);
    leat_flow_tell(&family->flows, family->flows - 1);
    cache->moved = true;
}

/* The next entry in use from the hand on, which moves behind it. */
static uint32_t next_used(struct leat_flow_family *family) {
    for (;;) {
        uint32_t index = family->evict_at < family->used ? family->evict_at : 0;
        family->evict_at = index + 1;
        if (leat_table_used(family->table, index))
            return index;
    }
}

void leat_flow_evict(struct leat_flow_cache *cache) {
    struct leat_flow_family *family =
        &cache->family[cache->family[1].flows > cache->family[0].flows];
    uint32_t oldest = next_used(family);
    for (uint32_t i = 1; i < EVICT_AMONG; i++) {
        uint32_t index = next_used(family);
        if (leat_flow_since(last_seen(family, index), last_seen(family, oldest)) < 0)
            oldest = index;
    }
    leat_flow_end_record(cache, family, oldest, LEAT_FLOW_END_RESOURCES, true);
    leat_flow_remove(cache, family, oldest);
}
