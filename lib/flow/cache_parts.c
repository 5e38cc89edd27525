/* SPDX-License-Identifier: BSD-2-Clause */
/* What the features in force add to records: arrays by entry number, empty until they are used. */
#include "cache_private.h"
#include "map.h"
#include <errno.h>
#include <leat/parse.h>
#include <string.h>

/* Names are looked for in so many packets of a flow. */
#define APPLICATION_PACKETS 32

#define ARRAYS(X)                           \
    X(back, 0)                              \
    X(continued, 0)                         \
    X(notes, LEAT_FLOW_NOTES)               \
    X(histogram, LEAT_FLOW_HISTOGRAM)       \
    X(histogram_bytes, LEAT_FLOW_HISTOGRAM) \
    X(packets, LEAT_FLOW_PACKETS)           \
    X(sizes, LEAT_FLOW_SIZES)               \
    X(application, LEAT_FLOW_APPLICATION)

int leat_flow_arrays_open(struct leat_flow_arrays *arrays, uint32_t entries, uint32_t features) {
#define OPEN(name, feature)                                                      \
    if ((features & (feature)) == (feature)) {                                   \
        arrays->name = leat_map_lazily((size_t)entries * sizeof(*arrays->name)); \
        if (!arrays->name)                                                       \
            return -ENOMEM;                                                      \
    }
    ARRAYS(OPEN)
#undef OPEN
    return 0;
}

void leat_flow_arrays_close(struct leat_flow_arrays *arrays, uint32_t entries) {
#define CLOSE(name, feature) leat_unmap(arrays->name, (size_t)entries * sizeof(*arrays->name));
    ARRAYS(CLOSE)
#undef CLOSE
}

uint64_t leat_flow_arrays_bytes(const struct leat_flow_arrays *arrays) {
    uint64_t bytes = 0;
#define ADD(name, feature) bytes += arrays->name ? sizeof(*arrays->name) : 0;
    ARRAYS(ADD)
#undef ADD
    return bytes;
}

struct leat_flow_parts leat_flow_arrays_parts(const struct leat_flow_arrays *arrays,
                                              uint32_t index) {
    struct leat_flow_parts parts = { 0 };
#define POINT(name)   \
    if (arrays->name) \
        parts.name = &arrays->name[index];
    POINT(notes)
    POINT(histogram)
    POINT(packets)
    POINT(sizes)
    POINT(application)
#undef POINT
    return parts;
}

void leat_flow_parts_prefetch(const struct leat_flow_arrays *arrays, uint32_t index) {
    if (arrays->notes)
        __builtin_prefetch(&arrays->notes[index], 1);
    if (arrays->packets)
        __builtin_prefetch(&arrays->packets[index], 1);
    if (arrays->sizes)
        __builtin_prefetch(&arrays->sizes[index], 1);
    if (arrays->histogram)
        __builtin_prefetch(&arrays->histogram_bytes[index], 1);
}

void leat_flow_parts_clear(const struct leat_flow_arrays *arrays, uint32_t index) {
#define CLEAR(name)   \
    if (arrays->name) \
        memset(&arrays->name[index], 0, sizeof(*arrays->name));
    CLEAR(notes)
    CLEAR(histogram)
    CLEAR(histogram_bytes)
    CLEAR(packets)
    CLEAR(sizes)
    CLEAR(application)
#undef CLEAR
}

static void note(struct leat_flow_notes *notes, const struct leat_flow_packet *packet,
                 uint32_t side, bool first_of_side, bool first_of_record) {
    notes->tcp_options[side] |= packet->tcp_options;
    notes->ip_options[side] |= packet->ip_options;
    if (!first_of_side)
        return;
    notes->flow_label[side] = packet->flow_label;
    notes->tcp_window[side] = packet->tcp_window;
    notes->icmp_type_code[side] = packet->icmp_type_code;
    if (!(packet->flags & LEAT_FLOW_IP6))
        notes->ip_id[side] = leat_be16(packet->ip + 4);
    if (first_of_record)
        memcpy(notes->mac, packet->mac, sizeof(notes->mac));
}

void leat_flow_parts_add(struct leat_flow_cache *cache, const struct leat_flow_family *family,
                         uint32_t index, uint64_t hash, const struct leat_flow_packet *packet,
                         uint32_t side) {
    const struct leat_flow_arrays *arrays = &family->arrays;
    const struct leat_flow_sum *sum = leat_flow_sum(family, index);
    uint32_t of_back = sum->state & LEAT_FLOW_BACK ? arrays->back[index].packets : 0;
    uint32_t of_side = side ? of_back : sum->packets;
    uint64_t of_both = (uint64_t)sum->packets + of_back;
    if (arrays->notes)
        note(&arrays->notes[index], packet, side, of_side == 1, of_both == 1);
    if (arrays->histogram)
        arrays->histogram_bytes[index][side] += leat_flow_histogram_add(
            &arrays->histogram[index], packet, arrays->histogram_bytes[index][side],
            cache->opts.histogram_bytes);
    if (arrays->packets)
        leat_flow_packet_list_add(&arrays->packets[index], packet, side, cache->opts.packet_list);
    if (arrays->sizes)
        leat_flow_sizes_add(&arrays->sizes[index], packet, side);
    if (arrays->application && packet->payload_here && of_both <= APPLICATION_PACKETS)
        leat_flow_application_add(cache->scratch, &arrays->application[index], packet,
                                  leat_flow_id(hash, leat_flow_start(family, index)));
}
