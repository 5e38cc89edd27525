/* SPDX-License-Identifier: BSD-2-Clause */
/* A table that XDP programs and user space share: both see, and leave behind, the same bytes; what
 * programs count while entries are removed is counted once. */
#include "lib/bpf/wait.h"
#include "table_bpf.h"
#include "table_bpf.skel.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "table_rig.h"

#define XDP_PASS 2

struct kernel {
    struct table_bpf *object;
    int do_fd, count_fd;
    struct leat_table *table;
    size_t bytes, mapped;
};

static int silent(enum libbpf_print_level level, const char *format, va_list args) {
    (void)level, (void)format, (void)args;
    return 0;
}

static int open_kernel(struct kernel *kernel, const struct leat_table_opts *opts) {
    kernel->object = table_bpf__open();
    assert_non_null(kernel->object);
    struct bpf_map *map = kernel->object->maps.region;
    uint32_t unit = leat_table_unit_bytes(opts);
    kernel->bytes = leat_table_bytes(opts);
    kernel->mapped = (kernel->bytes + 4095) & ~4095ul;
    bpf_map__set_max_entries(map, (uint32_t)(kernel->bytes / unit));
    if (bpf_map__value_size(map) != unit || table_bpf__load(kernel->object) < 0)
        return -1;
    kernel->do_fd = bpf_program__fd(kernel->object->progs.table_do);
    kernel->count_fd = bpf_program__fd(kernel->object->progs.table_count);
    void *region =
        mmap(NULL, kernel->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    assert_ptr_not_equal(region, MAP_FAILED);
    assert_int_equal(leat_table_init(&kernel->table, region, kernel->bytes, opts), 0);
    return 0;
}

static void close_kernel(struct kernel *kernel) {
    munmap(kernel->table, kernel->mapped);
    table_bpf__destroy(kernel->object);
}

/* What the program returned the last time, or -1. */
static int run(int fd, struct table_message *message, uint32_t repeat) {
    struct table_message out;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = message, .data_size_in = sizeof(*message),
                .data_out = &out, .data_size_out = sizeof(out), .repeat = (int)repeat);
    if (bpf_prog_test_run_opts(fd, &opts) != 0)
        return -1;
    *message = out;
    return (int)opts.retval;
}

static struct leat_table_opts shared_opts(uint32_t capacity) {
    struct leat_table_opts opts = table_opts(capacity, sizeof(struct table_key), 64);
    opts.flags = LEAT_TABLE_SHARED;
    return opts;
}

static struct table_message message_of(uint32_t number) {
    struct table_message message = { .ethernet = { 0 } };
    number_key(&message.key, sizeof(message.key), number);
    return message;
}

/* The same operations on one table by XDP, user space or either in turns, and on its twin by user
 * space alone. */
static void test_the_same_bytes(void **state) {
    (void)state;
    enum { KEYS = 900, OPERATIONS = 20000 };
    struct leat_table_opts opts = shared_opts(500);
    struct kernel kernel;
    struct leat_table *twin;
    assert_int_equal(open_kernel(&kernel, &opts), 0);
    void *memory = aligned_alloc(64, kernel.bytes);
    memset(memory, 0, kernel.bytes);
    assert_int_equal(leat_table_init(&twin, memory, kernel.bytes, &opts), 0);

    uint32_t made_by_xdp = 0;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        struct table_message message = message_of((uint32_t)random_number() % KEYS);
        uint64_t hash = leat_table_hash(twin, &message.key, sizeof(message.key));
        uint32_t index, what = (uint32_t)random_number() % 8;
        bool made = false;
        message.what = what < 2 ? TABLE_FIND : TABLE_INSERT;
        if (message.what == TABLE_FIND)
            index = leat_table_find(twin, &message.key, sizeof(message.key), hash);
        else
            index = leat_table_insert(twin, &message.key, sizeof(message.key), hash, &made);
        if (what < 6) {
            assert_int_equal(run(kernel.do_fd, &message, 1), XDP_PASS);
            assert_int_equal(message.hash, hash);
            assert_int_equal(message.index, index);
            assert_int_equal(message.made, made);
            made_by_xdp += made;
        } else {
            assert_int_equal(insert(kernel.table, &message.key, &made), index);
        }
        if (i % 3 == 0 && index != LEAT_TABLE_NONE) {
            assert_true(leat_table_used(kernel.table, index));
            leat_table_remove(kernel.table, index);
            leat_table_remove(twin, index);
        }
        if (i % 64 == 0)
            assert_memory_equal(kernel.table, twin, kernel.bytes);
    }
    assert_memory_equal(kernel.table, twin, kernel.bytes);
    assert_true(made_by_xdp > 1000);
    free(memory);
    close_kernel(&kernel);
}

struct counting {
    const struct kernel *kernel;
    uint32_t keys, rounds;
    _Atomic uint32_t failed;
};

enum { REPEAT = 200 };

/* XDP_DROP: an insert was refused, which the table counts. */
static void *count_packets(void *arg) {
    struct counting *counting = arg;
    for (uint32_t i = 0; i < counting->rounds; i++) {
        struct table_message message = message_of(i % counting->keys);
        counting->failed += run(counting->kernel->count_fd, &message, REPEAT) < 0;
    }
    return NULL;
}

/* Removes whatever there is in both steps, and returns what had been counted. */
static uint64_t sweep(struct leat_table *table) {
    uint64_t packets = 0;
    static uint32_t retired[4096];
    uint32_t n = 0;
    for (uint32_t i = 0; i < leat_table_entries(table); i++)
        if (leat_table_used(table, i) && leat_table_retire(table, i))
            retired[n++] = i;
    struct leat_bpf_wait wait;
    assert_int_equal(leat_bpf_wait_open(&wait), 0);
    assert_int_equal(leat_bpf_wait_for_programs(&wait), 0);
    leat_bpf_wait_close(&wait);
    while (n > 0) {
        const struct table_entry *entry = leat_table_entry(table, retired[--n]);
        packets += entry->packets;
        leat_table_release(table, retired[n]);
    }
    return packets;
}

/* Two threads let XDP count while this one removes the entries under it. */
static void test_counts_stay_exact(void **state) {
    (void)state;
    struct leat_table_opts opts = shared_opts(100);
    struct kernel kernel;
    assert_int_equal(open_kernel(&kernel, &opts), 0);
    struct counting counting = { &kernel, 7, 1000, 0 };
    pthread_t threads[2];
    uint64_t packets = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_packets, &counting), 0);
    for (int i = 0; i < 8; i++)
        packets += sweep(kernel.table);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counting.failed, 0);
    packets += sweep(kernel.table);

    struct leat_table_stats stats;
    leat_table_stats(kernel.table, &stats);
    assert_int_equal(packets + stats.refused, 2ull * counting.rounds * REPEAT);
    assert_int_equal(stats.used, 0);
    assert_true(stats.removes > counting.keys);
    check_empty(kernel.table);
    close_kernel(&kernel);
}

/* Two threads insert the same keys at once; each gets one entry. */
static void test_no_key_twice(void **state) {
    (void)state;
    enum { KEYS = 2000 };
    /* Twice the room: a full shared table refuses a key in a million. */
    struct leat_table_opts opts = shared_opts(2 * KEYS);
    struct kernel kernel;
    assert_int_equal(open_kernel(&kernel, &opts), 0);
    struct counting counting = { &kernel, KEYS, KEYS, 0 };
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_packets, &counting), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counting.failed, 0);
    uint64_t packets = 0;
    for (uint32_t i = 0; i < leat_table_entries(kernel.table); i++)
        if (leat_table_used(kernel.table, i)) {
            const struct table_entry *entry = leat_table_entry(kernel.table, i);
            assert_int_equal(find(kernel.table, &entry->key), i);
            packets += entry->packets;
        }
    struct leat_table_stats stats;
    leat_table_stats(kernel.table, &stats);
    assert_int_equal(packets + stats.refused, 2ull * KEYS * REPEAT);
    assert_int_equal(stats.used, KEYS);
    close_kernel(&kernel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_bytes),
        cmocka_unit_test(test_counts_stay_exact),
        cmocka_unit_test(test_no_key_twice),
    };
    if (geteuid() != 0) {
        printf("loading BPF programs needs root\n");
        return 77;
    }
    libbpf_set_print(silent);
    start_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
