/* SPDX-License-Identifier: BSD-2-Clause */
/* What table_lookup compares: each holds numbered keys with values of 64 bytes. */
#ifndef LEAT_BENCH_TABLE_PEERS_H
#define LEAT_BENCH_TABLE_PEERS_H

#include <stdbool.h>
#include <stdint.h>

struct table_queries {
    const uint8_t *keys; /* one behind the other */
    uint32_t key_bytes, n;
    uint32_t first, among; /* the same for who makes his own: random ones of these numbers */
};

/* Each returns how many were made or found. The time is taken around it, or is that which the
 * kernel says its part took: table_kernel_ns, if it grows. */
struct table_peer {
    const char *name;
    bool (*open)(uint32_t capacity, uint32_t key_bytes);
    uint32_t (*insert)(const struct table_queries *queries);
    uint32_t (*find)(const struct table_queries *queries);
    void (*close)(void);
};

extern const struct table_peer table_leat_peers[2]; /* table_leat.c */
extern const struct table_peer table_dpdk;          /* table_dpdk.c */
extern const struct table_peer table_bpf_peers[6];  /* table_bpf.c */

/* Of the table that is open: table_leat.c. */
extern struct leat_table *table_here;
uint32_t table_insert(const struct table_queries *queries);
uint32_t table_find_batches(const struct table_queries *queries);

extern double table_kernel_ns;

#endif
