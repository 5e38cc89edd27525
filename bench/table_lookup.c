/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and inserts random keys in tables of growing size: the table of this library, in user space
 * and shared with XDP, beside DPDK's rte_hash and the kernel's maps. Values of 64 bytes, 70 % full.
 * CSV: nanoseconds an operation, minimum, median and maximum over the runs; the machine's load
 * average, and how much of the table's memory was on huge pages. */
#include "table_peers.h"
#include "table_xdp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUERIES      (1u << 18)
#define SLOW         (1u << 14) /* queries by system call */
#define RUNS_MAX     9
#define LARGE        (1u << 22) /* entries; filling such a table takes seconds */
#define LARGE_FILLED 3          /* times */
#define MISSES_FROM  (1u << 30)

/* Of this thread's own time, so that others on the core do not count; what they take of caches and
 * memory does. */
double table_kernel_ns;

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static const struct table_peer *peers[] = {
    &table_leat_peers[0], &table_leat_peers[1],
#ifdef TABLE_DPDK
    &table_dpdk,
#endif
#ifdef TABLE_OBJECTS
    &table_bpf_peers[0],  &table_bpf_peers[1],  &table_bpf_peers[2],
    &table_bpf_peers[3],  &table_bpf_peers[4],  &table_bpf_peers[5],
#endif
};

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of this process, on huge pages of either kind. */
static uint64_t huge_kib(void) {
    char line[128];
    uint64_t sum = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof(line), file)) {
        char name[32];
        unsigned long long kib;
        if (sscanf(line, "%31[^:]: %llu", name, &kib) == 2 &&
            (strcmp(name, "AnonHugePages") == 0 || strcmp(name, "Private_Hugetlb") == 0))
            sum += kib;
    }
    if (file)
        fclose(file);
    return sum;
}

/* What a row is about. */
struct point {
    const struct table_peer *peer;
    uint32_t capacity, key_bytes;
    uint64_t huge_kib;
};

static void print_row(const struct point *point, const char *what, double *ns, int runs,
                      double share) {
    double load = 0;
    getloadavg(&load, 1);
    qsort(ns, (size_t)runs, sizeof(*ns), by_size);
    printf("%s,%u,%u,%s,%.1f,%.1f,%.1f,%.4f,%.1f,%llu\n", point->peer->name, point->key_bytes,
           point->capacity, what, ns[0], ns[runs / 2], ns[runs - 1], share, load,
           (unsigned long long)point->huge_kib / 1024);
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

static uint32_t timed(uint32_t (*work)(const struct table_queries *queries),
                      const struct table_queries *queries, double *ns) {
    table_kernel_ns = 0;
    double start = now_ns();
    uint32_t done = work(queries);
    *ns = now_ns() - start;
    if (table_kernel_ns > 0)
        *ns = table_kernel_ns;
    return done;
}

static void measure_finds(const struct point *point, uint8_t *keys, bool hits, int runs) {
    struct table_queries queries = { .key_bytes = point->key_bytes,
                                     .n = point->peer->name[0] == 's' ? SLOW : QUERIES,
                                     .first = hits ? 0 : MISSES_FROM,
                                     .among = keys_in(point->capacity) };
    double ns[RUNS_MAX] = { 0 };
    uint32_t done = 0;
    make_keys(keys, &queries, false);
    for (int i = -1; i < runs; i++) { /* the first to warm up */
        double took;
        done = timed(point->peer->find, &queries, &took);
        if (i >= 0)
            ns[i] = took / queries.n;
    }
    print_row(point, hits ? "hit" : "miss", ns, runs, (double)done / queries.n);
}

/* Each time into another table; the last one stays. */
static bool measure_inserts(struct point *point, uint8_t *keys, int runs) {
    uint32_t used = keys_in(point->capacity), made = 0;
    struct table_queries all = { .key_bytes = point->key_bytes, .n = used, .among = used };
    uint64_t before = huge_kib();
    double ns[RUNS_MAX] = { 0 };
    make_keys(keys, &all, true);
    for (int i = 0; i < runs; i++) {
        if (i > 0)
            point->peer->close();
        if (!point->peer->open(point->capacity, point->key_bytes))
            return false;
        made = timed(point->peer->insert, &all, &ns[i]);
        ns[i] /= used;
    }
    uint64_t after = huge_kib();
    point->huge_kib = after > before ? after - before : 0;
    print_row(point, "insert", ns, runs, (double)made / used);
    return true;
}

static void measure(const struct table_peer *peer, uint32_t capacity, uint32_t key_bytes,
                    int runs) {
    struct point point = { .peer = peer, .capacity = capacity, .key_bytes = key_bytes };
    uint32_t used = keys_in(capacity);
    uint8_t *keys = malloc((size_t)(used > QUERIES ? used : QUERIES) * key_bytes);
    if (keys && measure_inserts(&point, keys,
                                capacity < LARGE || runs < LARGE_FILLED ? runs : LARGE_FILLED)) {
        measure_finds(&point, keys, true, runs);
        measure_finds(&point, keys, false, runs);
        peer->close();
    } else {
        fprintf(stderr, "%s, %u entries: cannot be made here\n", peer->name, capacity);
    }
    free(keys);
}

struct choice {
    const char *only; /* part of a name */
    uint32_t entries; /* 0: all sizes */
    bool quick;
    int runs;
};

static bool read_arguments(struct choice *choice, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--quick") == 0)
            choice->quick = true;
        else if (i + 1 == argc)
            return false;
        else if (strcmp(argv[i], "--runs") == 0)
            choice->runs = atoi(argv[++i]);
        else if (strcmp(argv[i], "--entries") == 0)
            choice->entries = (uint32_t)strtoul(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--only") == 0)
            choice->only = argv[++i];
        else
            return false;
    if (choice->runs < 1)
        choice->runs = choice->quick ? 3 : 7;
    choice->runs = choice->runs < RUNS_MAX ? choice->runs : RUNS_MAX;
    if (choice->quick && !choice->entries)
        choice->entries = 1 << 16;
    return true;
}

int main(int argc, char **argv) {
    static const uint32_t sizes[] = { 1 << 10, 1 << 16, 1 << 20, 1 << 24 };
    struct choice choice = { .only = "" };
    if (!read_arguments(&choice, argc, argv)) {
        fprintf(stderr, "usage: table_lookup [--quick] [--runs N] [--entries N] [--only TABLE]\n");
        return 2;
    }
    printf("table,key_bytes,entries,operation,ns_min,ns_median,ns_max,share_done,load,huge_mib\n");
    for (uint32_t size = 0; size < (choice.entries ? 1 : 4); size++)
        for (uint32_t key_bytes = 16; key_bytes <= (choice.quick ? 16 : 40); key_bytes += 24)
            for (uint32_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
                if (strstr(peers[i]->name, choice.only))
                    measure(peers[i], choice.entries ? choice.entries : sizes[size], key_bytes,
                            choice.runs);
    return 0;
}
