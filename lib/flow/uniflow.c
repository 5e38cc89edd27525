/* SPDX-License-Identifier: BSD-2-Clause */
/* Both directions of a connection, a record each. */
#include "uniflow.h"

#include <string.h>

#define SWAP(to, from, pair)                                             \
    do {                                                                 \
        memcpy(&(to)->pair[0], &(from)->pair[1], sizeof((to)->pair[0])); \
        memcpy(&(to)->pair[1], &(from)->pair[0], sizeof((to)->pair[0])); \
    } while (0)

static void turn_notes(struct leat_flow_notes *to, const struct leat_flow_notes *from) {
    SWAP(to, from, tcp_options);
    SWAP(to, from, tcp_options_high);
    SWAP(to, from, ip_options);
    SWAP(to, from, flow_label);
    SWAP(to, from, tcp_window);
    SWAP(to, from, icmp_type_code);
    SWAP(to, from, ip_id);
    SWAP(to, from, mac);
}

static void turn_sizes(struct leat_flow_sizes *to, const struct leat_flow_sizes *from) {
    SWAP(to, from, size);
    SWAP(to, from, gap);
    SWAP(to, from, last_ns);
}

uint32_t leat_uniflows(const struct leat_flow *flow, struct leat_uniflows *uniflows) {
    /* A record that begins after a cut may hold the way back only. */
    bool both = flow->side[0].packets > 0;
    struct leat_flow *there = &uniflows->flow[0], *back = &uniflows->flow[both];
    *there = *flow;
    there->biflow = 0;
    there->side[1] = (struct leat_flow_side){ 0 };
    if (!flow->biflow || flow->side[1].packets == 0)
        return 1;
    *back = *there;
    SWAP(back, flow, address);
    SWAP(back, flow, port);
    back->side[0] = flow->side[1];
    if (both) {
        back->parts.histogram = NULL;
        back->parts.packets = NULL;
    }
    if (flow->parts.notes) {
        turn_notes(&uniflows->notes, flow->parts.notes);
        back->parts.notes = &uniflows->notes;
    }
    if (flow->parts.sizes) {
        turn_sizes(&uniflows->sizes, flow->parts.sizes);
        back->parts.sizes = &uniflows->sizes;
    }
    return 1 + both;
}
