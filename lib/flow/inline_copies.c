/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first packets of records, which the programs put into a ring: what their counters cannot tell
 * is taken from these, by the decoder and the parts that metering a port has, too.
 */
#include "inline_private.h"
#include "lib/core/error.h"
#include "map.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#define SAMPLE_HEADER_BYTES 8 /* of the kernel's, before each sample in the ring */

/* The record of a copy, as it is in the table: its programs may be adding to it. */
static void begin(const struct leat_flow_inline *self, struct glimpse *glimpse,
                  const struct leat_inline_copy *copy) {
    *glimpse = (struct glimpse){
        .source = leat_inline_source(leat_table_entry(self->table, copy->entry)),
        .first_ns = copy->time_ns,
        .realtime = self->realtime,
        .retired_ns = glimpse->retired_ns,
    };
    leat_flow_parts_clear(&self->copies.arrays, copy->entry);
}

/* Its counts are in its record already; this adds to the parts. A copy may come late, when the one
 * before it in the ring was not yet complete at the end of its record. */
static bool look_into(struct leat_flow_inline *self, const struct leat_inline_copy *copy,
                      const uint8_t *frame) {
    struct copies *copies = &self->copies;
    struct glimpse *glimpse = &copies->glimpses[copy->entry];
    if (copy->time_ns <= glimpse->retired_ns)
        return false;
    if (!glimpse->packets[0] && !glimpse->packets[1])
        begin(self, glimpse, copy);
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    if (leat_flow_decode(copies->decoder, frame, copy->captured, copy->frame_octets,
                         copy->time_ns + glimpse->realtime, self->ifindex, NULL, 0, packets) != 1)
        return false;
    uint32_t side = copy->back != glimpse->source;
    const struct leat_inline_record *record = leat_table_entry(self->table, copy->entry);
    uint64_t hash = leat_table_hash(self->table, &record->key, sizeof(record->key));
    glimpse->packets[side]++;
    leat_flow_parts_add(&copies->arrays, copy->entry, packets, side, glimpse->packets[side],
                        (uint64_t)glimpse->packets[0] + glimpse->packets[1],
                        hash ^ glimpse->first_ns);
    return true;
}

/* libbpf's, for each sample; below zero it stops, behind the sample. */
static int take(void *ctx, void *data, size_t bytes) {
    struct leat_flow_inline *self = ctx;
    struct copies *copies = &self->copies;
    struct leat_inline_copy copy;
    if (bytes < sizeof(copy))
        return 0;
    memcpy(&copy, data, sizeof(copy));
    bool known = copy.entry < leat_table_entries(self->table) && copy.back < 2 &&
                 copy.captured <= bytes - sizeof(copy) &&
                 look_into(self, &copy, (const uint8_t *)data + sizeof(copy));
    count_one(known ? &copies->copied : &copies->undecoded);
    copies->read_bytes += SAMPLE_HEADER_BYTES + (uint32_t)bytes;
    return copies->read_bytes < copies->ring_bytes ? 0 : -EAGAIN;
}

/* Once round the ring at most: all that was in it at the time of the call, however fast more comes.
 */
int leat_flow_inline_look(struct leat_flow_inline *self) {
    struct copies *copies = &self->copies;
    if (!copies->ring)
        return 0;
    uint64_t before = copies->copied + copies->undecoded;
    copies->read_bytes = 0;
    int err = ring_buffer__consume(copies->ring);
    if (err < 0 && err != -EAGAIN)
        return leat_fail(-err, "%s: cannot read the ring of copies: %s", self->name,
                         strerror(-err));
    leat_flow_scopes_reclaim(leat_flow_decoder_scopes(copies->decoder));
    return (int)(copies->copied + copies->undecoded - before);
}

int leat_inline_copies_open(struct leat_flow_inline *self) {
    struct copies *copies = &self->copies;
    size_t entries = leat_table_entries(self->table);
    if (!self->opts.copy_packets)
        return 0;
    copies->glimpses = leat_map_lazily(entries * sizeof(*copies->glimpses));
    if (!copies->glimpses)
        return leat_fail(ENOMEM, "%s: no memory for copies of packets", self->name);
    const struct leat_flow_decode_opts decode = { .tunnels = LEAT_FLOW_TUNNELS_OUTER,
                                                  .uniflow = self->opts.uniflow,
                                                  .details =
                                                      self->opts.features & LEAT_FLOW_NOTES };
    const struct leat_flow_arrays_opts arrays = { .entries = (uint32_t)entries,
                                                  .features = self->opts.features };
    int err = leat_flow_decoder_create(&copies->decoder, &decode);
    if (err == 0)
        err = leat_flow_arrays_open(&copies->arrays, &arrays);
    if (err < 0)
        return err;
    copies->ring_bytes = bpf_map__max_entries(self->object->maps.copies);
    copies->ring = ring_buffer__new(bpf_map__fd(self->object->maps.copies), take, self, NULL);
    if (!copies->ring)
        return leat_fail(errno, "%s: cannot map the ring of copies: %s", self->name,
                         strerror(errno));
    return 0;
}

void leat_inline_copies_close(struct leat_flow_inline *self) {
    struct copies *copies = &self->copies;
    ring_buffer__free(copies->ring);
    leat_flow_arrays_close(&copies->arrays);
    leat_flow_decoder_destroy(copies->decoder);
    if (copies->glimpses)
        leat_unmap(copies->glimpses, leat_table_entries(self->table) * sizeof(*copies->glimpses));
}

void leat_inline_copies_describe(struct leat_flow_inline *self, uint32_t index,
                                 struct leat_flow *flow) {
    const struct copies *copies = &self->copies;
    if (!copies->ring)
        return;
    const struct glimpse *glimpse = &copies->glimpses[index];
    uint64_t seen = (uint64_t)glimpse->packets[0] + glimpse->packets[1];
    if (seen == 0)
        leat_flow_parts_clear(&copies->arrays, index);
    if (seen < flow->side[0].packets + flow->side[1].packets)
        flow->limited = self->opts.features;
    flow->parts = leat_flow_arrays_parts(&copies->arrays, index);
}

void leat_inline_copies_forget(struct leat_flow_inline *self, const struct ending *ending) {
    if (self->copies.glimpses)
        self->copies.glimpses[ending->index] = (struct glimpse){ .retired_ns = ending->retired_ns };
}
