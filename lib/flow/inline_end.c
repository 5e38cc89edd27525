/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending flows of live traffic: out of the table's sight, wait, read, release. */
#include "clock.h"
#include "inline_private.h"
#include <endian.h>
#include <string.h>

#define LINGER_NS 1000000000 /* after TCP's last word, for what is still on its way */
#define TCP_FIN   0x01
#define TCP_RST   0x04

/* The first and the last packet of both sides; false: none was counted yet. */
static bool span(const struct leat_inline_record *record, uint64_t *first_ns, uint64_t *last_ns) {
    *first_ns = UINT64_MAX;
    *last_ns = 0;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t first = read_once(&record->side[i].first_ns);
        uint64_t last = read_once(&record->side[i].last_ns);
        if (first && first < *first_ns)
            *first_ns = first;
        if (last > *last_ns)
            *last_ns = last;
    }
    return *first_ns != UINT64_MAX && *last_ns >= *first_ns;
}

/* Why a flow ends now; 0: it goes on. */
static enum leat_flow_end end_of(const struct leat_flow_inline *self,
                                 const struct leat_inline_record *record, uint64_t now_ns) {
    uint64_t first_ns, last_ns;
    if (!span(record, &first_ns, &last_ns) || now_ns < last_ns)
        return 0;
    uint64_t flags[2] = { read_once(&record->side[0].flags), read_once(&record->side[1].flags) };
    bool over = ((flags[0] | flags[1]) & TCP_RST) || (flags[0] & flags[1] & TCP_FIN) ||
                (self->opts.uniflow && flags[0] & TCP_FIN);
    if (over && now_ns - last_ns >= LINGER_NS)
        return LEAT_FLOW_END_DETECTED;
    if (now_ns - last_ns >= read_once(&self->opts.idle_ns))
        return LEAT_FLOW_END_IDLE;
    return now_ns - first_ns >= read_once(&self->opts.active_ns) ? LEAT_FLOW_END_ACTIVE : 0;
}

static void fill_side(struct leat_flow_side *to, const struct leat_inline_side *from,
                      uint64_t realtime) {
    if (!from->packets)
        return;
    *to = (struct leat_flow_side){
        .packets = from->packets,
        .octets = from->octets,
        .frame_octets = from->frame_octets,
        .payload_octets = from->payload_octets,
        .first_ns = from->first_ns + realtime,
        .last_ns = from->last_ns + realtime,
        .tcp_flags = from->flags & 0x1ff,
        .tcp_flags_first = from->tcp_flags_first,
        .ttl_min = from->ttl_min,
        .ttl_max = from->ttl_max,
        .tos = from->tos,
        .fragment_flags = (uint8_t)(from->flags >> LEAT_INLINE_FRAGMENTS),
    };
}

/* A side whose first packet is just being added has no time yet. */
uint32_t leat_inline_source(const struct leat_inline_record *record) {
    uint64_t first_ns[2] = { read_once(&record->side[0].first_ns),
                             read_once(&record->side[1].first_ns) };
    return first_ns[1] && (!first_ns[0] || first_ns[1] < first_ns[0]);
}

static const struct glimpse *glimpse_of(const struct leat_flow_inline *self, uint32_t index) {
    const struct glimpse *glimpse = self->copies.glimpses ? &self->copies.glimpses[index] : NULL;
    return glimpse && (glimpse->packets[0] || glimpse->packets[1]) ? glimpse : NULL;
}

/* The side that was seen first becomes the source; once copies were sorted by it, it stays. */
static void fill_flow(struct leat_flow_inline *self, uint32_t index, enum leat_flow_end reason,
                      struct leat_flow *flow) {
    const struct leat_inline_record *record = leat_table_entry(self->table, index);
    const struct glimpse *glimpse = glimpse_of(self, index);
    uint64_t realtime = glimpse ? glimpse->realtime : self->realtime;
    uint32_t first = glimpse ? glimpse->source : leat_inline_source(record);
    *flow = (struct leat_flow){
        .version = record->key.version,
        .protocol = record->key.protocol,
        .end = (uint8_t)reason,
        .biflow = !self->opts.uniflow,
        .port = { be16toh(record->key.port[first]), be16toh(record->key.port[!first]) },
        .id = leat_table_hash(self->table, &record->key, sizeof(record->key)),
        .worker = self->opts.worker,
        .scope = { .interface = self->ifindex, .vlan_count = (uint8_t)record->vlan_count },
    };
    memcpy(flow->address[0], record->key.address[first], 16);
    memcpy(flow->address[1], record->key.address[!first], 16);
    memcpy(flow->scope.vlan_tci, record->vlan_tci, sizeof(record->vlan_tci));
    fill_side(&flow->side[0], &record->side[first], realtime);
    fill_side(&flow->side[1], &record->side[!first], realtime);
    flow->start_ns = flow->side[0].first_ns;
    leat_inline_copies_describe(self, index, flow);
}

/* Hands over what nobody adds to any more, oldest first; what finds no room stays for the next
 * time. */
static uint32_t hand_over(struct leat_flow_inline *self) {
    uint32_t done = 0;
    for (; done < self->still_count; done++) {
        const struct ending *ending = &self->endings[done];
        struct leat_flow flow;
        fill_flow(self, ending->index, ending->reason, &flow);
        if (!self->opts.ended(self->opts.ctx, &flow))
            break;
        count_one(&self->flows_ended[ending->reason]);
        leat_inline_copies_forget(self, ending);
        leat_table_release(self->table, ending->index);
    }
    self->still_count -= done;
    self->ending_count -= done;
    memmove(self->endings, self->endings + done, self->ending_count * sizeof(*self->endings));
    return done;
}

/* Programs that found the entries before may still add to them until the wait is over, and put
 * copies into the ring. */
static int wait_for_programs(struct leat_flow_inline *self) {
    uint64_t now_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
    if (self->still_count == self->ending_count)
        return 0;
    for (uint32_t i = self->still_count; i < self->ending_count; i++)
        self->endings[i].retired_ns = now_ns;
    int err = leat_bpf_wait_for_programs(&self->wait);
    if (err == 0)
        err = leat_flow_inline_look(self);
    if (err < 0)
        return err;
    self->still_count = self->ending_count;
    return 0;
}

/* Takes flows out of the table, from entry `*at` on and as many as one wait is for: from then on
 * their packets make new entries. `all`: whatever their times are. Returns how many. */
static int end_flows(struct leat_flow_inline *self, enum leat_flow_end all, uint32_t *at) {
    uint64_t now_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
    uint32_t entries = leat_table_entries(self->table), before = self->ending_count;
    self->realtime = leat_flow_clock_ns(CLOCK_REALTIME) - now_ns;
    for (; *at < entries && self->ending_count < RETIRED_MAX; ++*at) {
        if (!leat_table_used(self->table, *at))
            continue;
        enum leat_flow_end reason = all;
        if (!all)
            reason = end_of(self, leat_table_entry(self->table, *at), now_ns);
        if (reason && leat_table_retire(self->table, *at))
            self->endings[self->ending_count++] = (struct ending){ .index = *at, .reason = reason };
    }
    uint32_t ended = self->ending_count - before;
    int err = wait_for_programs(self);
    return err < 0 ? err : (int)ended;
}

int leat_flow_inline_sweep(struct leat_flow_inline *self) {
    const uint32_t entries = leat_table_entries(self->table);
    int ended = 0;
    hand_over(self);
    for (uint32_t at = 0; at < entries && self->ending_count < RETIRED_MAX;) {
        int some = end_flows(self, 0, &at);
        if (some < 0)
            return some;
        ended += some;
        hand_over(self);
    }
    return ended;
}

int leat_flow_inline_flush(struct leat_flow_inline *self, enum leat_flow_end reason) {
    uint32_t handed = 1;
    while (handed > 0) {
        uint32_t at = 0;
        int err = end_flows(self, reason, &at);
        if (err < 0)
            return err;
        handed = hand_over(self);
    }
    struct leat_table_stats stats;
    leat_table_stats(self->table, &stats);
    return (int)stats.used;
}

static uint64_t measure(const struct leat_inline_record *record, enum leat_flow_top by) {
    const struct leat_inline_side *side = record->side;
    if (by == LEAT_FLOW_TOP_OCTETS)
        return read_once(&side[0].octets) + read_once(&side[1].octets);
    if (by == LEAT_FLOW_TOP_PACKETS)
        return read_once(&side[0].packets) + read_once(&side[1].packets);
    uint64_t start_ns = read_once(&side[leat_inline_source(record)].first_ns);
    uint64_t last_ns[2] = { read_once(&side[0].last_ns), read_once(&side[1].last_ns) };
    uint64_t later_ns = last_ns[last_ns[1] > last_ns[0]];
    return later_ns > start_ns ? later_ns - start_ns + 1 : 1;
}

/* Programs add to them meanwhile: what is told was true at some moment of the call. */
uint32_t leat_flow_inline_top(struct leat_flow_inline *self, struct leat_flow *flows, uint32_t n,
                              enum leat_flow_top by) {
    uint32_t entries = leat_table_entries(self->table), count = 0;
    for (uint32_t i = 0; i < entries; i++) {
        if (!leat_table_used(self->table, i))
            continue;
        struct leat_flow *place = leat_flow_top_place(
            flows, &count, n, by, measure(leat_table_entry(self->table, i), by));
        if (place)
            fill_flow(self, i, 0, place);
    }
    return count;
}
