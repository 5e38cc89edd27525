/* SPDX-License-Identifier: BSD-2-Clause */
/* What the features in force add to records: arrays by entry number, empty until they are used. */
#include "parts.h"
#include "lib/core/error.h"
#include "map.h"
#include <errno.h>
#include <leat/parse.h>
#include <string.h>

/* Names are looked for in so many packets of a flow. */
#define APPLICATION_PACKETS 32

#define ARRAYS(X)                           \
    X(notes, LEAT_FLOW_NOTES)               \
    X(histogram, LEAT_FLOW_HISTOGRAM)       \
    X(histogram_bytes, LEAT_FLOW_HISTOGRAM) \
    X(packets, LEAT_FLOW_PACKETS)           \
    X(sizes, LEAT_FLOW_SIZES)               \
    X(application, LEAT_FLOW_APPLICATION)

static int map_arrays(struct leat_flow_arrays *arrays) {
#define OPEN(name, feature)                                                                   \
    if (arrays->opts.features & (feature)) {                                                  \
        arrays->name = leat_map_lazily((size_t)arrays->opts.entries * sizeof(*arrays->name)); \
        if (!arrays->name)                                                                    \
            return leat_fail(ENOMEM, "flow records: no memory for the parts of %u",           \
                             arrays->opts.entries);                                           \
    }
    ARRAYS(OPEN)
#undef OPEN
    return 0;
}

int leat_flow_arrays_open(struct leat_flow_arrays *arrays,
                          const struct leat_flow_arrays_opts *opts) {
    *arrays = (struct leat_flow_arrays){ .opts = *opts };
    if (!opts->packet_list)
        arrays->opts.packet_list = LEAT_FLOW_PACKET_LIST_DEFAULT;
    if (!opts->histogram_bytes)
        arrays->opts.histogram_bytes = LEAT_FLOW_HISTOGRAM_DEFAULT_BYTES;
    int err = map_arrays(arrays);
    if (err == 0 && opts->features & LEAT_FLOW_APPLICATION)
        err = leat_flow_scratch_create(&arrays->scratch);
    return err;
}

void leat_flow_arrays_close(struct leat_flow_arrays *arrays) {
#define CLOSE(name, feature) \
    leat_unmap(arrays->name, (size_t)arrays->opts.entries * sizeof(*arrays->name));
    ARRAYS(CLOSE)
#undef CLOSE
    leat_flow_scratch_destroy(arrays->scratch);
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
    notes->tcp_options_high[side] |= packet->tcp_options_high;
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

void leat_flow_parts_add(const struct leat_flow_arrays *arrays, uint32_t index,
                         const struct leat_flow_packet *packet, uint32_t side, uint32_t of_side,
                         uint64_t of_both, uint64_t flow_id) {
    if (arrays->notes)
        note(&arrays->notes[index], packet, side, of_side == 1, of_both == 1);
    if (arrays->histogram)
        arrays->histogram_bytes[index][side] += leat_flow_histogram_add(
            &arrays->histogram[index], packet, arrays->histogram_bytes[index][side],
            arrays->opts.histogram_bytes);
    if (arrays->packets)
        leat_flow_packet_list_add(&arrays->packets[index], packet, side, arrays->opts.packet_list);
    if (arrays->sizes)
        leat_flow_sizes_add(&arrays->sizes[index], packet, side);
    if (arrays->application && packet->payload_here && of_both <= APPLICATION_PACKETS)
        leat_flow_application_add(arrays->scratch, &arrays->application[index], packet, flow_id);
}
