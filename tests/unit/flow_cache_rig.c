/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_cache_rig.h"
#include <arpa/inet.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const struct leat_flow_cache_opts rig_quiet = {
    .flows = 1000, .active_ns = 60 * SECOND, .idle_ns = 10 * SECOND, .sweep_ns = UINT64_MAX
};

static bool keep(void *ctx, const struct leat_flow *flow) {
    struct rig *rig = ctx;
    if (rig->refuses)
        return false;
    rig->packets += flow->side[0].packets + flow->side[1].packets;
    rig->octets += flow->side[0].octets + flow->side[1].octets;
    uint32_t place = rig->count++ % RIG_RECORDS;
    rig->records[place] = *flow;
    if (flow->parts.notes)
        rig->notes[place] = *flow->parts.notes;
    if (flow->parts.packets)
        rig->lists[place] = *flow->parts.packets;
    if (flow->parts.histogram)
        rig->histograms[place] = *flow->parts.histogram;
    if (flow->parts.sizes)
        rig->sizes[place] = *flow->parts.sizes;
    return true;
}

void rig_open(struct rig *rig, struct leat_flow_cache_opts opts) {
    memset(rig, 0, sizeof(*rig));
    opts.ended = keep;
    opts.ctx = rig;
    rig->features = opts.features;
    opts.seed = opts.seed ? opts.seed : 1;
    assert_int_equal(leat_flow_cache_create(&rig->cache, &opts), 0);
}

void rig_close(struct rig *rig) {
    leat_flow_cache_destroy(rig->cache);
}

const struct leat_flow *rig_last(const struct rig *rig) {
    assert_true(rig->count > 0);
    return &rig->records[rig->count - 1];
}

static const uint8_t ip_header[40] = { [5] = 7 };
static const uint8_t payload[72] = { 'p' };

static struct leat_flow_packet bare_packet(uint64_t time_ns) {
    return (struct leat_flow_packet){
        .time_ns = time_ns,
        .ip = ip_header,
        .payload = payload,
        .payload_here = 72,
        .payload_bytes = 72,
        .octets = 100,
        .frame_octets = 114,
        .ttl = 64,
        .flags = LEAT_FLOW_L4,
    };
}

struct leat_flow_packet rig_packet(uint32_t number, uint64_t time_ns) {
    struct leat_flow_packet packet = bare_packet(time_ns);
    packet.key4 = (struct leat_flow_key4){ .address = { htonl(0x0a000000 + number), 0xffffffff },
                                           .port = { htons(1000), htons(53) },
                                           .protocol = LEAT_PROTO_UDP };
    return packet;
}

struct leat_flow_packet rig_packet6(uint32_t number, uint64_t time_ns) {
    struct leat_flow_packet packet = bare_packet(time_ns);
    packet.key6 = (struct leat_flow_key6){ .address = { { 0x20, 1 }, { 0x20, 2 } },
                                           .port = { htons(1000), htons(53) },
                                           .protocol = LEAT_PROTO_UDP };
    leat_put_be32(packet.key6.address[0] + 12, number);
    packet.flags |= LEAT_FLOW_IP6;
    return packet;
}

struct leat_flow_packet rig_tcp(uint32_t number, uint32_t side, uint16_t tcp_flags,
                                uint64_t time_ns) {
    struct leat_flow_packet packet = rig_packet(number, time_ns);
    packet.key4.protocol = LEAT_PROTO_TCP;
    packet.tcp_flags = tcp_flags;
    packet.side = (uint8_t)side;
    return packet;
}

void rig_add(struct rig *rig, struct leat_flow_packet packet) {
    leat_flow_cache_add(rig->cache, &packet, 1);
}

struct leat_flow_cache_stats rig_stats(const struct rig *rig) {
    struct leat_flow_cache_stats stats;
    leat_flow_cache_stats(rig->cache, &stats);
    return stats;
}

void rig_assert_conserved(struct rig *rig) {
    static struct leat_flow live[RIG_RECORDS];
    struct leat_flow_cache_stats stats = rig_stats(rig);
    uint64_t packets = stats.packets_lost, octets = stats.octets_lost;
    uint32_t n = leat_flow_cache_top(rig->cache, live, RIG_RECORDS, LEAT_FLOW_TOP_OCTETS);
    for (uint32_t i = 0; i < n; i++) {
        packets += live[i].side[0].packets + live[i].side[1].packets;
        octets += live[i].side[0].octets + live[i].side[1].octets;
    }
    assert_int_equal(packets + rig->packets, stats.packets);
    assert_int_equal(octets + rig->octets, stats.octets);
}
