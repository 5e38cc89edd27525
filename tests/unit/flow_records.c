/* SPDX-License-Identifier: BSD-2-Clause */
/* Records whose every number can be foretold. */
#include "flow_records.h"

#include <stdio.h>
#include <string.h>

static void fill_side(struct leat_flow_side *side, uint32_t i, uint64_t first_ns) {
    *side = (struct leat_flow_side){
        .packets = 1 + i % 10,
        .octets = 100 + i,
        .frame_octets = 100 + i + 14 * (1 + i % 10),
        .payload_octets = 60 + i,
        .first_ns = first_ns,
        .last_ns = first_ns + 1500000000 + i,
        .tcp_flags = 0x1b,
        .tcp_flags_first = 0x02,
        .ttl_min = 60,
        .ttl_max = 64,
        .tos = 0x10,
        .fragment_flags = 0x40,
    };
}

static void fill_addresses(struct leat_flow *flow, uint32_t i) {
    const uint8_t ip4[2][4] = { { 192, 0, 2, (uint8_t)i }, { 198, 51, 100, (uint8_t)(i >> 8) } };
    const uint8_t ip6[4] = { 0x20, 0x01, 0x0d, 0xb8 };
    for (uint32_t side = 0; side < 2; side++) {
        if (flow->version == 4) {
            memcpy(flow->address[side], ip4[side], 4);
            continue;
        }
        memcpy(flow->address[side], ip6, 4);
        flow->address[side][14] = (uint8_t)(i >> 8);
        flow->address[side][15] = (uint8_t)(2 * i + side);
    }
}

static void fill_parts(struct flow_record *record, uint32_t i) {
    static const uint8_t mac[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
    memcpy(record->notes.mac, mac, sizeof(mac));
    record->notes.tcp_window[0] = 64240;
    record->notes.tcp_window[1] = 65160;
    record->notes.ip_id[0] = (uint16_t)i;
    record->histogram.bytes['a'] = 10 + i;
    record->packets.count = 3;
    for (uint32_t k = 0; k < 3; k++) {
        record->packets.side[k] = k & 1;
        record->packets.length[k] = (uint16_t)(10 * k);
        record->packets.time_ns[k] = record->flow.side[0].first_ns + k * 1000000;
    }
    record->sizes.size[0][1] = 2;
    record->sizes.size[1][2] = 3;
    record->application.kind = LEAT_FLOW_APPLICATION_TLS;
    snprintf(record->application.name, sizeof(record->application.name), "host%u.example", i);
}

void flow_record_make(struct flow_record *record, uint32_t i, uint64_t base_ns) {
    static const uint8_t protocol[] = { 6, 17, 1, 6 };
    uint32_t kind = i % 4;
    memset(record, 0, sizeof(*record));
    struct leat_flow *flow = &record->flow;
    flow->version = kind == 3 ? 6 : 4;
    flow->protocol = protocol[kind];
    flow->end = (uint8_t)(1 + i % 5);
    flow->biflow = kind != 1;
    flow->id = i + 1;
    flow->scope.interface = 7;
    if (kind == 2)
        flow->port[1] = 8 << 8; /* echo request */
    else {
        flow->port[0] = (uint16_t)(40000 + i % 20000);
        flow->port[1] = kind == 1 ? 53 : 443;
    }
    fill_addresses(flow, i);
    fill_side(&flow->side[0], i, base_ns + i * 1000000ull);
    if (flow->biflow)
        fill_side(&flow->side[1], i + 1000, base_ns + i * 1000000ull + 250000000);
    if (flow->protocol != 6)
        flow->side[0].tcp_flags = flow->side[1].tcp_flags = 0;
    fill_parts(record, i);
    flow->parts = (struct leat_flow_parts){
        .notes = &record->notes,
        .histogram = &record->histogram,
        .packets = &record->packets,
        .sizes = &record->sizes,
        .application = &record->application,
    };
}
