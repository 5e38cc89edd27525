/* SPDX-License-Identifier: BSD-2-Clause */
/* XDP programs on a shared table: one does what a packet says and tells the result in it, one adds
 * to the counter of a key. */
#define LEAT_TABLE_ENTRY_BYTES 64
#include <leat/table.h>

#include "table_bpf.h"

#define SECTION(name) __attribute__((section(name), used))

struct xdp_md {
    uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
enum { XDP_DROP = 1, XDP_PASS = 2 };

/* The size of the table is set when it is loaded. */
SECTION(".maps") struct {
    int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
    uint32_t *key;
    uint8_t (*value)[LEAT_TABLE_UNIT(LEAT_TABLE_ENTRY_BYTES)];
    int (*max_entries)[1];
    int (*map_flags)[1 << 10]; /* BPF_F_MMAPABLE */
} region;

#define TABLE ((struct leat_table *)(void *)&region)

static __attribute__((always_inline)) struct table_message *message(struct xdp_md *ctx) {
    struct table_message *at = (struct table_message *)(uintptr_t)ctx->data;
    return (uint8_t *)(uintptr_t)ctx->data_end < (uint8_t *)(at + 1) ? (void *)0 : at;
}

SECTION("xdp") int table_do(struct xdp_md *ctx) {
    struct table_message *m = message(ctx);
    bool made = false;
    if (!m)
        return XDP_DROP;
    struct table_key key = m->key;
    m->hash = leat_table_hash(TABLE, &key, sizeof(key));
    if (m->what == TABLE_FIND)
        m->index = leat_table_find(TABLE, &key, sizeof(key), m->hash);
    else
        m->index = leat_table_insert(TABLE, &key, sizeof(key), m->hash, &made);
    m->made = made;
    return XDP_PASS;
}

SECTION("xdp") int table_count(struct xdp_md *ctx) {
    const struct table_message *m = message(ctx);
    bool made;
    if (!m)
        return XDP_DROP;
    struct table_key key = m->key;
    uint64_t hash = leat_table_hash(TABLE, &key, sizeof(key));
    uint32_t index = leat_table_insert(TABLE, &key, sizeof(key), hash, &made);
    struct table_entry *entry =
        index == LEAT_TABLE_NONE ? (void *)0 : leat_table_entry(TABLE, index);
    if (!entry)
        return XDP_DROP;
    __sync_fetch_and_add(&entry->packets, 1);
    return XDP_PASS;
}

SECTION("license") char terms[] = "Dual BSD/GPL";
