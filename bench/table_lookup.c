/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and inserts random keys in tables of growing size: the table of this library, in user space
 * and shared with XDP, beside DPDK's rte_hash and the kernel's maps. Values of 64 bytes, 70 % full.
 * CSV: nanoseconds an operation, minimum, median and maximum over the runs. */
#include "table_peers.h"
#include "table_xdp.h"
#include <leat/table.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH       64
#define QUERIES     (1u << 18)
#define SLOW        (1u << 14) /* queries by system call */
#define RUNS_MAX    9
#define MISSES_FROM (1u << 30)

static struct leat_table *table;

/* Of this thread's own time, so that others on the core do not count; what they take of caches and
 * memory does. */
double table_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool open_leat(uint32_t capacity, uint32_t key_bytes) {
    struct leat_table_opts opts = { .size = sizeof(opts),
                                    .capacity = capacity,
                                    .key_bytes = key_bytes,
                                    .entry_bytes = key_bytes + TABLE_VALUE_BYTES };
    return leat_table_create(&table, &opts) == 0;
}

static void close_leat(void) {
    leat_table_destroy(table);
}

/* In batches, as packets come: the buckets are fetched for all before the first is looked at. */
static uint32_t insert_leat(const struct table_queries *queries, double *ns) {
    uint32_t done = 0;
    double start = table_now_ns();
    for (uint32_t i = 0; i < queries->n; i += BATCH) {
        uint64_t hashes[BATCH];
        const uint8_t *keys = queries->keys + (size_t)i * queries->key_bytes;
        uint32_t n = queries->n - i < BATCH ? queries->n - i : BATCH;
        for (uint32_t k = 0; k < n; k++) {
            hashes[k] = leat_table_hash(table, keys + k * queries->key_bytes, queries->key_bytes);
            leat_table_prefetch(table, hashes[k]);
        }
        for (uint32_t k = 0; k < n; k++) {
            bool made;
            leat_table_insert(table, keys + k * queries->key_bytes, queries->key_bytes, hashes[k],
                              &made);
            done += made;
        }
    }
    *ns = table_now_ns() - start;
    return done;
}

static uint32_t find_batches(const struct table_queries *queries, double *ns) {
    uint32_t found = 0;
    volatile uint64_t read = 0; /* so that values are fetched */
    (void)read;
    double start = table_now_ns();
    for (uint32_t i = 0; i + BATCH <= queries->n; i += BATCH) {
        uint64_t hashes[BATCH];
        uint32_t indexes[BATCH];
        found +=
            leat_table_find_batch(table, queries->keys + (size_t)i * queries->key_bytes,
                                  queries->key_bytes, queries->key_bytes, BATCH, hashes, indexes);
        for (uint32_t k = 0; k < BATCH; k++)
            if (indexes[k] != LEAT_TABLE_NONE)
                read += ((const uint8_t *)leat_table_entry(table, indexes[k]))[queries->key_bytes];
    }
    *ns = table_now_ns() - start;
    return found;
}

static uint32_t find_singly(const struct table_queries *queries, double *ns) {
    uint32_t found = 0;
    volatile uint64_t read = 0; /* so that values are fetched */
    (void)read;
    double start = table_now_ns();
    for (uint32_t i = 0; i < queries->n; i++) {
        const uint8_t *key = queries->keys + (size_t)i * queries->key_bytes;
        uint64_t hash = leat_table_hash(table, key, queries->key_bytes);
        uint32_t index = leat_table_find(table, key, queries->key_bytes, hash);
        if (index != LEAT_TABLE_NONE) {
            found++;
            read += ((const uint8_t *)leat_table_entry(table, index))[queries->key_bytes];
        }
    }
    *ns = table_now_ns() - start;
    return found;
}

const struct table_peer table_leat_batch = { "leat, batches of 64", open_leat, insert_leat,
                                             find_batches, close_leat };
const struct table_peer table_leat_single = { "leat, one by one", open_leat, insert_leat,
                                              find_singly, close_leat };

static const struct table_peer *peers[] = {
    &table_leat_batch,   &table_leat_single,
#ifdef TABLE_DPDK
    &table_dpdk,
#endif
#ifdef TABLE_OBJECTS
    &table_bpf_peers[0], &table_bpf_peers[1], &table_bpf_peers[2],
    &table_bpf_peers[3], &table_bpf_peers[4],
#endif
};

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const struct table_peer *peer, uint32_t key_bytes, uint32_t capacity,
                      const char *what, double *ns, int runs, double share) {
    qsort(ns, (size_t)runs, sizeof(*ns), by_size);
    printf("%s;%u;%u;%s;%.1f;%.1f;%.1f;%.1f;%.4f\n", peer->name, key_bytes, capacity, what, ns[0],
           ns[runs / 2], ns[runs - 1], 1e3 / ns[runs / 2], share);
    fflush(stdout);
}

static void make_keys(uint8_t *keys, struct table_queries *queries, bool in_order) {
    uint32_t random = 12345;
    for (uint32_t i = 0; i < queries->n; i++) {
        uint32_t words[10], number = queries->first + i;
        if (!in_order)
            number =
                queries->first + (uint32_t)((uint64_t)table_random(&random) * queries->among >> 32);
        table_key(words, queries->key_bytes, number);
        memcpy(keys + (size_t)i * queries->key_bytes, words, queries->key_bytes);
    }
    queries->keys = keys;
}

/* 70 %, in whole rounds. */
static uint32_t keys_in(uint32_t capacity) {
    return (capacity / 10 * 7 + TABLE_ROUND / 2) / TABLE_ROUND * TABLE_ROUND;
}

static void measure_finds(const struct table_peer *peer, uint32_t capacity, uint8_t *keys,
                          uint32_t key_bytes, bool hits, int runs) {
    uint32_t used = keys_in(capacity), done = 0;
    struct table_queries queries = { .key_bytes = key_bytes,
                                     .n = peer->name[0] == 's' ? SLOW : QUERIES,
                                     .first = hits ? 0 : MISSES_FROM,
                                     .among = used };
    double ns[RUNS_MAX] = { 0 };
    make_keys(keys, &queries, false);
    for (int i = -1; i < runs; i++) { /* the first to warm up */
        double took;
        done = peer->find(&queries, &took);
        if (i >= 0)
            ns[i] = took / queries.n;
    }
    print_row(peer, key_bytes, capacity, hits ? "hit" : "miss", ns, runs, (double)done / queries.n);
}

static void measure(const struct table_peer *peer, uint32_t capacity, uint32_t key_bytes,
                    int runs) {
    uint32_t used = keys_in(capacity);
    struct table_queries all = { .key_bytes = key_bytes, .n = used, .among = used };
    uint8_t *keys = malloc((size_t)(used > QUERIES ? used : QUERIES) * key_bytes);
    double ns;
    if (keys && peer->open(capacity, key_bytes)) {
        make_keys(keys, &all, true);
        uint32_t made = peer->insert(&all, &ns);
        ns /= used;
        print_row(peer, key_bytes, capacity, "insert", &ns, 1, (double)made / used);
        measure_finds(peer, capacity, keys, key_bytes, true, runs);
        measure_finds(peer, capacity, keys, key_bytes, false, runs);
        peer->close();
    } else {
        fprintf(stderr, "%s, %u entries: cannot be made here\n", peer->name, capacity);
    }
    free(keys);
}

int main(int argc, char **argv) {
    static const uint32_t sizes[] = { 1 << 10, 1 << 16, 1 << 20, 1 << 24 };
    bool quick = false;
    int runs = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
            runs = atoi(argv[++i]);
        } else {
            fprintf(stderr, "usage: table_lookup [--quick] [--runs N]\n");
            return 2;
        }
    if (runs < 1)
        runs = quick ? 3 : 5;
    runs = runs < RUNS_MAX ? runs : RUNS_MAX;
    printf("table;key_bytes;entries;operation;ns_min;ns_median;ns_max;mops_median;share_done\n");
    for (uint32_t size = quick ? 1 : 0; size < (quick ? 2 : 4); size++)
        for (uint32_t key_bytes = 16; key_bytes <= (quick ? 16 : 40); key_bytes += 24)
            for (uint32_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
                measure(peers[i], sizes[size], key_bytes, runs);
    return 0;
}
