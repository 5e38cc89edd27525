/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of payload bytes with their entropy, lists of first packets, sizes and gaps. */
#include "payload.h"
#include <math.h>

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

uint32_t leat_flow_histogram_add(struct leat_flow_histogram *histogram,
                                 const struct leat_flow_packet *packet, uint32_t counted,
                                 uint32_t limit) {
    if (!(packet->flags & LEAT_FLOW_L4) || counted >= limit)
        return 0;
    uint32_t n = min_u32(packet->payload_here, limit - counted);
    for (uint32_t i = 0; i < n; i++)
        histogram->bytes[packet->payload[i]]++;
    return n;
}

uint32_t leat_flow_entropy(const struct leat_flow_histogram *histogram) {
    uint64_t total = 0;
    double sum = 0;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t n = histogram->bytes[i];
        total += n;
        if (n > 0)
            sum += n * log2(n);
    }
    if (total == 0)
        return 0;
    /* -sum(p log2 p) with p = n / total, and the logarithm of the total taken out of the sum. */
    double bits = log2((double)total) - sum / (double)total;
    return (uint32_t)lrint(fmax(bits, 0) * 1000);
}

void leat_flow_packet_list_add(struct leat_flow_packet_list *list,
                               const struct leat_flow_packet *packet, uint32_t side, uint32_t max) {
    uint32_t i = list->count;
    if (i >= min_u32(max, LEAT_FLOW_PACKETS_MAX))
        return;
    list->side[i] = (uint8_t)side;
    list->tcp_flags[i] = (uint8_t)packet->tcp_flags;
    list->length[i] = (uint16_t)min_u32(packet->payload_bytes, UINT16_MAX);
    list->time_ns[i] = packet->time_ns;
    list->count++;
}

/* 0-15, 16-31, 32-63 ... 1024 and more: the bins of sizes in bytes and of times in ms. */
static uint32_t bin(uint64_t value) {
    if (value < 16)
        return 0;
    return value < 1024 ? 60 - (uint32_t)__builtin_clzll(value) : 7;
}

_Static_assert(LEAT_FLOW_SIZE_BINS == 8 && LEAT_FLOW_TIME_BINS == 8, "bin() counts to 7");

/* Captures of several queues may go back a little in time: that is no gap, and no reason to measure
 * the next one from an earlier packet. */
void leat_flow_sizes_add(struct leat_flow_sizes *sizes, const struct leat_flow_packet *packet,
                         uint32_t side) {
    uint64_t last_ns = sizes->last_ns[side];

    sizes->size[side][bin(packet->payload_bytes)]++;
    if (last_ns > 0)
        sizes->gap[side]
                  [bin(packet->time_ns > last_ns ? (packet->time_ns - last_ns) / 1000000 : 0)]++;
    if (packet->time_ns > last_ns)
        sizes->last_ns[side] = packet->time_ns;
}
