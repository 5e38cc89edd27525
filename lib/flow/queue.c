/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue between a worker and the exporter: a ring of whole records, each with room behind it
 * for the parts of the features in force. One writer, one reader; neither waits.
 *
 *   slot:  | struct leat_flow | notes | histogram | packets | sizes | application |
 */
#include "exporter.h"
#include "lib/core/error.h"
#include "map.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_DEFAULT 65536u
#define RECORDS_MAX     (1u << 24)
#define LINE_BYTES      64u

/* Where a part lies in its slot and which pointer of struct leat_flow_parts is its. */
struct part {
    uint32_t offset, bytes;
    size_t pointer;
};

#define PART_KINDS 5
static const struct {
    uint32_t feature, bytes;
    size_t pointer;
} part_kinds[PART_KINDS] = {
    { LEAT_FLOW_NOTES, sizeof(struct leat_flow_notes), offsetof(struct leat_flow_parts, notes) },
    { LEAT_FLOW_HISTOGRAM, sizeof(struct leat_flow_histogram),
      offsetof(struct leat_flow_parts, histogram) },
    { LEAT_FLOW_PACKETS, sizeof(struct leat_flow_packet_list),
      offsetof(struct leat_flow_parts, packets) },
    { LEAT_FLOW_SIZES, sizeof(struct leat_flow_sizes), offsetof(struct leat_flow_parts, sizes) },
    { LEAT_FLOW_APPLICATION, sizeof(struct leat_flow_application),
      offsetof(struct leat_flow_parts, application) },
};

struct leat_flow_queue {
    uint8_t *slots;
    size_t slot_bytes, bytes;
    size_t flow_bytes; /* of struct leat_flow: for a size that they know compilers copy with a
                          string instruction, which takes longer than memcpy() */
    uint32_t mask;
    uint32_t part_count;
    struct part parts[PART_KINDS];

    _Alignas(LINE_BYTES) _Atomic uint32_t head; /* of the writer: records ever put */
    uint32_t tail_seen;                         /* no need to look again before the ring is full */
    _Alignas(LINE_BYTES) _Atomic uint32_t tail; /* of the reader: records ever released */
    uint32_t head_seen;
};

static uint32_t round_up(uint32_t bytes, uint32_t to) {
    return (bytes + to - 1) / to * to;
}

/* Returns the bytes of a slot. */
static uint32_t lay_out(struct leat_flow_queue *queue, uint32_t features) {
    uint32_t bytes = sizeof(struct leat_flow);
    for (uint32_t i = 0; i < PART_KINDS; i++) {
        if (!(features & part_kinds[i].feature))
            continue;
        bytes = round_up(bytes, _Alignof(uint64_t));
        queue->parts[queue->part_count++] =
            (struct part){ bytes, part_kinds[i].bytes, part_kinds[i].pointer };
        bytes += part_kinds[i].bytes;
    }
    return round_up(bytes, LINE_BYTES);
}

int leat_flow_queue_create(struct leat_flow_queue **queue, uint32_t records, uint32_t features) {
    if (records > RECORDS_MAX)
        return leat_fail(EINVAL, "flow queue: cannot hold %u records: %u are the most", records,
                         RECORDS_MAX);
    uint32_t slots = 1;
    while (slots < (records ? records : RECORDS_DEFAULT))
        slots *= 2;
    struct leat_flow_queue *made = aligned_alloc(LINE_BYTES, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow queue: no memory");
    memset(made, 0, sizeof(*made));
    made->mask = slots - 1;
    made->flow_bytes = sizeof(struct leat_flow);
    made->slot_bytes = lay_out(made, features);
    made->bytes = made->slot_bytes * slots;
    made->slots = leat_map_lazily(made->bytes);
    if (!made->slots) {
        free(made);
        return leat_fail(ENOMEM, "flow queue: no memory for %u records", slots);
    }
    *queue = made;
    return 0;
}

void leat_flow_queue_destroy(struct leat_flow_queue *queue) {
    if (!queue)
        return;
    leat_unmap(queue->slots, queue->bytes);
    free(queue);
}

static struct leat_flow *slot_of(const struct leat_flow_queue *queue, uint32_t number) {
    return (struct leat_flow *)(queue->slots + (number & queue->mask) * queue->slot_bytes);
}

/* Copies the part that `flow` points to, and points `slot` to the copy. */
static void put_part(const struct part *part, struct leat_flow *slot,
                     const struct leat_flow *flow) {
    const void *from;
    memcpy(&from, (const uint8_t *)&flow->parts + part->pointer, sizeof(from));
    if (!from)
        return;
    void *to = (uint8_t *)slot + part->offset;
    memcpy(to, from, part->bytes);
    memcpy((uint8_t *)&slot->parts + part->pointer, &to, sizeof(to));
}

uint32_t leat_flow_queue_room(struct leat_flow_queue *queue) {
    queue->tail_seen = atomic_load_explicit(&queue->tail, memory_order_acquire);
    return queue->mask + 1 -
           (atomic_load_explicit(&queue->head, memory_order_relaxed) - queue->tail_seen);
}

bool leat_flow_queue_put(struct leat_flow_queue *queue, const struct leat_flow *flow) {
    uint32_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    if (head - queue->tail_seen > queue->mask && leat_flow_queue_room(queue) == 0)
        return false;
    struct leat_flow *slot = slot_of(queue, head);
    memcpy(slot, flow, queue->flow_bytes);
    slot->parts = (struct leat_flow_parts){ 0 };
    for (uint32_t i = 0; i < queue->part_count; i++)
        put_part(&queue->parts[i], slot, flow);
    atomic_store_explicit(&queue->head, head + 1, memory_order_release);
    return true;
}

const struct leat_flow *leat_flow_queue_peek(struct leat_flow_queue *queue) {
    uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    if (tail == queue->head_seen) {
        queue->head_seen = atomic_load_explicit(&queue->head, memory_order_acquire);
        if (tail == queue->head_seen)
            return NULL;
    }
    return slot_of(queue, tail);
}

void leat_flow_queue_release(struct leat_flow_queue *queue) {
    uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    atomic_store_explicit(&queue->tail, tail + 1, memory_order_release);
}
