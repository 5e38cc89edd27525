/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_source.h"
#include <arpa/inet.h>
#include <string.h>

#define START_NS       1700000000000000000ull
#define PACE_NS        100ull  /* 10 Mpps */
#define FILL_NS        1ull    /* where only order matters */
#define RECORD_NS      2500ull /* between records of the active timeout: one in 25 packets */
#define NEVER_NS       (3600ull * 1000000000)
#define SCRAMBLE       2654435761u /* a prime: its multiples modulo anything smaller visit all */
#define SOURCE_ADDRESS 26
#define HEADER_BYTES   42

void flow_source_start(struct flow_source *source, uint32_t flows, uint32_t new_percent) {
    *source = (struct flow_source){
        .flows = flows,
        .new_in = new_percent ? 100 / new_percent : 0,
        .random = 1,
        .now_ns = START_NS,
    };
    source->left = new_percent ? flows / 3 : 0;
    source->first = source->left;
    source->window = flows - source->left;
}

uint64_t flow_source_active_ns(const struct flow_source *source) {
    return source->new_in ? NEVER_NS : source->flows * RECORD_NS;
}

/* As long as it takes until as many flows are new as had been left behind. */
uint64_t flow_source_idle_ns(const struct flow_source *source) {
    return source->new_in ? source->left * (source->new_in * PACE_NS) : NEVER_NS;
}

uint32_t flow_source_room(const struct flow_source *source) {
    return source->flows + source->flows / 2;
}

/* Flows that are left behind come once in order and once more in another, at the pace at which they
 * will be found idle; then the window's follow. */
static bool fill_with_new(struct flow_source *source, uint32_t *flow) {
    uint32_t at = source->filled, left = source->left;
    if (at == left + source->flows)
        return false;
    bool again = at >= left && at < 2 * left;
    if (again)
        *flow = (uint32_t)((uint64_t)(at - left) * SCRAMBLE % left);
    else
        *flow = at < left ? at : at - left;
    source->now_ns += again ? source->new_in * PACE_NS : FILL_NS;
    source->filled++;
    return true;
}

/* Each flow once, at the pace at which the active timeout will end their records. */
static bool fill_steady(struct flow_source *source, uint32_t *flow) {
    if (source->filled == source->flows)
        return false;
    *flow = source->filled++;
    source->now_ns += RECORD_NS;
    return true;
}

bool flow_source_fill(struct flow_source *source, uint32_t *flow) {
    return source->new_in ? fill_with_new(source, flow) : fill_steady(source, flow);
}

uint32_t flow_source_random(struct flow_source *source) {
    source->random = source->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(source->random >> 32);
}

uint32_t flow_source_next(struct flow_source *source) {
    uint32_t any = (uint32_t)((uint64_t)flow_source_random(source) * source->window >> 32);
    source->now_ns += PACE_NS;
    if (source->new_in && flow_source_random(source) % source->new_in == 0) {
        source->first++;
        any = source->window - 1;
    }
    return source->first + any;
}

void flow_source_frame(uint8_t *frame, uint32_t bytes) {
    static const uint8_t headers[HEADER_BYTES] = {
        2,    0,    0,    0,    0, 1, 2, 0, 0,  0,  0, 2, 8,  0,                    /* Ethernet */
        0x45, 0,    0,    0,    0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10, 1, 0, 1, /* IPv4 */
        0x30, 0x39, 0x9c, 0x40, 0, 0, 0, 0,                                         /* UDP */
    };
    uint16_t ip_bytes = htons((uint16_t)(bytes - 14)), udp_bytes = htons((uint16_t)(bytes - 34));
    memset(frame, 0, bytes);
    memcpy(frame, headers, sizeof(headers));
    memcpy(frame + 16, &ip_bytes, sizeof(ip_bytes));
    memcpy(frame + 38, &udp_bytes, sizeof(udp_bytes));
}

void flow_source_set_flow(uint8_t *frame, uint32_t flow) {
    uint32_t address = htonl(0x0a000000 + flow);
    memcpy(frame + SOURCE_ADDRESS, &address, sizeof(address));
}
