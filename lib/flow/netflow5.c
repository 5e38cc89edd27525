/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow version 5: records of 48 bytes, at most 30 in a message. */
#include "netflow_private.h"

enum { RECORD_BYTES = 48, RECORDS_MAX = 30 };

static void put_record(struct leat_netflow *netflow, const struct leat_flow *flow, uint64_t packets,
                       uint64_t octets) {
    struct leat_text *text = &netflow->text;
    const struct leat_flow_side *side = &flow->side[0];
    leat_netflow_begin(netflow);
    leat_text_put(text, flow->address[0], 4);
    leat_text_put(text, flow->address[1], 4);
    leat_netflow_put(text, 0, 4); /* next hop */
    leat_netflow_put(text, flow->scope.interface, 2);
    leat_netflow_put(text, 0, 2); /* output interface */
    leat_netflow_put(text, packets, 4);
    leat_netflow_put(text, octets, 4);
    leat_netflow_put(text, leat_netflow_uptime(netflow, side->first_ns), 4);
    leat_netflow_put(text, leat_netflow_uptime(netflow, side->last_ns), 4);
    leat_netflow_put(text, leat_flow_source_port(flow, 0), 2);
    leat_netflow_put(text, flow->port[1], 2);
    leat_netflow_put(text, 0, 1);
    leat_netflow_put(text, side->tcp_flags, 1);
    leat_netflow_put(text, flow->protocol, 1);
    leat_netflow_put(text, side->tos, 1);
    leat_netflow_put(text, 0, 8); /* AS numbers and masks: nothing of routing is known */
    netflow->count++;
    netflow->made++;
    leat_tally_add(&netflow->tally,
                   &(struct leat_tally){ .records = 1, .packets = packets, .octets = octets });
    if (netflow->count == RECORDS_MAX || text->n + RECORD_BYTES > netflow->opts.message_max)
        leat_netflow_flush(netflow);
}

/* Counters of 32 bits: a flow that has more becomes several records, whose sums are right. */
void leat_netflow5_record(struct leat_netflow *netflow, const struct leat_flow *flow) {
    uint64_t packets = flow->side[0].packets, octets = flow->side[0].octets;
    uint64_t more = packets > octets ? packets : octets;
    for (uint64_t left = more / UINT32_MAX + 1; left > 0; left--) {
        uint64_t some_packets = packets / left, some_octets = octets / left;
        put_record(netflow, flow, some_packets, some_octets);
        packets -= some_packets;
        octets -= some_octets;
    }
}
