/* SPDX-License-Identifier: BSD-2-Clause */
/* DPDK's rte_hash, by bulk look-ups of 64, as its forwarders use it; values in an array beside. */
#include "table_peers.h"
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_jhash.h>
#include <stdlib.h>

#define BULK 64

static struct rte_hash *hash;
static uint64_t (*values)[8];

static bool start(void) {
    static bool tried, started;
    static char *args[] = { "table_lookup",   "--no-huge",   "-m", "6000", "--no-pci",
                            "--no-telemetry", "--log-level", "1",  "-l",   "0" };
    if (!tried)
        started = rte_eal_init(sizeof(args) / sizeof(args[0]), args) >= 0;
    tried = true;
    return started;
}

static bool open_dpdk(uint32_t capacity, uint32_t key_bytes) {
    struct rte_hash_parameters parameters = { .name = "bench",
                                              .entries = capacity,
                                              .key_len = key_bytes,
                                              .hash_func = rte_jhash,
                                              .socket_id = 0 };
    hash = start() ? rte_hash_create(&parameters) : NULL;
    values = hash ? calloc(capacity, sizeof(values[0])) : NULL;
    return values;
}

static uint32_t insert_dpdk(const struct table_queries *queries) {
    uint32_t made = 0;
    for (uint32_t i = 0; i < queries->n; i++)
        made += rte_hash_add_key(hash, queries->keys + (size_t)i * queries->key_bytes) >= 0;
    return made;
}

static uint32_t find_dpdk(const struct table_queries *queries) {
    uint32_t found = 0;
    volatile uint64_t read = 0; /* so that values are fetched */
    (void)read;
    for (uint32_t i = 0; i + BULK <= queries->n; i += BULK) {
        const void *keys[BULK];
        int32_t positions[BULK];
        for (uint32_t k = 0; k < BULK; k++)
            keys[k] = queries->keys + (size_t)(i + k) * queries->key_bytes;
        rte_hash_lookup_bulk(hash, keys, BULK, positions);
        for (uint32_t k = 0; k < BULK; k++)
            if (positions[k] >= 0) {
                found++;
                read += values[positions[k]][0];
            }
    }
    return found;
}

static void close_dpdk(void) {
    rte_hash_free(hash);
    free(values);
}

const struct table_peer table_dpdk = { "rte_hash bulk", open_dpdk, insert_dpdk, find_dpdk,
                                       close_dpdk };
