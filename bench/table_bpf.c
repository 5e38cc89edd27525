/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside XDP, by test runs of table_xdp.c, and the kernel's maps by system calls. */
#include "table_peers.h"
#include "table_xdp.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <leat/table.h>
#include <stdio.h>
#include <sys/mman.h>

static struct {
    struct bpf_object *object;
    int program, map;
    void *region;
    size_t bytes;
} opened;

static int silent(enum libbpf_print_level level, const char *format, va_list args) {
    (void)level, (void)format, (void)args;
    return 0;
}

static bool load(const struct leat_table_opts *opts, const char *map, const char *program) {
    char path[512];
    snprintf(path, sizeof(path), "%s/table_xdp_%u.o", TABLE_OBJECTS, opts->key_bytes);
    libbpf_set_print(silent);
    opened.object = bpf_object__open_file(path, NULL);
    if (!opened.object)
        return false;
    uint64_t bytes = leat_table_bytes(opts);
    bpf_map__set_max_entries(bpf_object__find_map_by_name(opened.object, map),
                             map[0] == 'r' ? (uint32_t)(bytes / leat_table_unit_bytes(opts))
                                           : opts->capacity);
    if (bpf_object__load(opened.object) < 0)
        return false;
    opened.map = bpf_object__find_map_fd_by_name(opened.object, map);
    opened.program = bpf_program__fd(bpf_object__find_program_by_name(opened.object, program));
    opened.bytes = (bytes + 4095) & ~4095ull;
    return true;
}

static struct leat_table_opts opts_of(uint32_t capacity, uint32_t key_bytes) {
    return (struct leat_table_opts){ .size = sizeof(struct leat_table_opts),
                                     .capacity = capacity,
                                     .key_bytes = key_bytes,
                                     .entry_bytes = key_bytes + TABLE_VALUE_BYTES,
                                     .flags = LEAT_TABLE_SHARED };
}

static bool open_table(uint32_t capacity, uint32_t key_bytes) {
    struct leat_table_opts opts = opts_of(capacity, key_bytes);
    opened.region = NULL;
    if (!load(&opts, "region", "bench_table"))
        return false;
    opened.region = mmap(NULL, opened.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, opened.map, 0);
    return opened.region != MAP_FAILED &&
           leat_table_init(&table_here, opened.region, leat_table_bytes(&opts), &opts) == 0;
}

static bool open_map(uint32_t capacity, uint32_t key_bytes, const char *map, const char *program) {
    struct leat_table_opts opts = opts_of(capacity, key_bytes);
    opened.region = NULL;
    return load(&opts, map, program);
}

static bool open_hash(uint32_t capacity, uint32_t key_bytes) {
    return open_map(capacity, key_bytes, "hash", "bench_hash");
}

static bool open_lru(uint32_t capacity, uint32_t key_bytes) {
    return open_map(capacity, key_bytes, "lru", "bench_lru");
}

static bool open_empty(uint32_t capacity, uint32_t key_bytes) {
    (void)capacity;
    return open_map(1, key_bytes, "hash", "bench_empty");
}

static uint32_t run(const struct table_queries *queries, bool insert) {
    struct table_work work = { .insert = insert,
                               .first = queries->first,
                               .among = queries->among,
                               .random = 1 + queries->first };
    for (uint32_t i = 0; i + TABLE_ROUND <= queries->n; i += TABLE_ROUND) {
        struct table_work out = { 0 };
        struct bpf_test_run_opts opts = { .sz = sizeof(opts),
                                          .data_in = &work,
                                          .data_size_in = sizeof(work),
                                          .data_out = &out,
                                          .data_size_out = sizeof(out),
                                          .repeat = 1 };
        if (bpf_prog_test_run_opts(opened.program, &opts) < 0)
            return 0;
        table_kernel_ns += opts.duration;
        work = out;
    }
    return work.done;
}

static uint32_t insert_xdp(const struct table_queries *queries) {
    return run(queries, true);
}

static uint32_t find_xdp(const struct table_queries *queries) {
    return run(queries, false);
}

static uint32_t find_syscall(const struct table_queries *queries) {
    uint64_t value[TABLE_VALUE_BYTES / 8];
    uint32_t found = 0;
    for (uint32_t i = 0; i < queries->n; i++)
        found += bpf_map_lookup_elem(opened.map, queries->keys + (size_t)i * queries->key_bytes,
                                     value) == 0;
    return found;
}

static void close_xdp(void) {
    if (opened.region)
        munmap(opened.region, opened.bytes);
    bpf_object__close(opened.object);
}

const struct table_peer table_bpf_peers[] = {
    { "leat shared batch 64", open_table, table_insert, table_find_batches, close_xdp },
    { "XDP nothing", open_empty, insert_xdp, find_xdp, close_xdp },
    { "XDP leat shared", open_table, insert_xdp, find_xdp, close_xdp },
    { "XDP BPF hash", open_hash, insert_xdp, find_xdp, close_xdp },
    { "XDP BPF LRU hash", open_lru, insert_xdp, find_xdp, close_xdp },
    { "syscall BPF hash", open_hash, insert_xdp, find_syscall, close_xdp },
};
