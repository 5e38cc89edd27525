/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue from a worker to the exporter: order, fullness, copies of parts, two threads. */
#include "lib/flow/exporter.h"
#include <errno.h>
#include <leat/error.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALL_FEATURES                                                               \
    (LEAT_FLOW_NOTES | LEAT_FLOW_HISTOGRAM | LEAT_FLOW_PACKETS | LEAT_FLOW_SIZES | \
     LEAT_FLOW_APPLICATION)

static struct leat_flow_queue *make(uint32_t records, uint32_t features) {
    struct leat_flow_queue *queue;
    assert_int_equal(leat_flow_queue_create(&queue, records, features), 0);
    return queue;
}

static bool put(struct leat_flow_queue *queue, uint64_t id) {
    struct leat_flow flow = { .id = id };
    return leat_flow_queue_put(queue, &flow);
}

static uint64_t take(struct leat_flow_queue *queue) {
    const struct leat_flow *flow = leat_flow_queue_peek(queue);
    assert_non_null(flow);
    uint64_t id = flow->id;
    assert_ptr_equal(leat_flow_queue_peek(queue), flow);
    leat_flow_queue_release(queue);
    return id;
}

static void test_first_in_is_first_out_until_full(void **state) {
    (void)state;
    struct leat_flow_queue *queue = make(5, 0); /* rounded up to 8 */
    assert_null(leat_flow_queue_peek(queue));
    for (uint64_t round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < 8; i++) {
            assert_int_equal(leat_flow_queue_room(queue), 8 - i);
            assert_true(put(queue, round * 8 + i));
        }
        assert_int_equal(leat_flow_queue_room(queue), 0);
        assert_false(put(queue, 99));
        assert_int_equal(take(queue), round * 8);
        assert_true(put(queue, round * 8 + 8)); /* one place is free again */
        assert_false(put(queue, 99));
        for (uint64_t i = 1; i < 9; i++)
            assert_int_equal(take(queue), round * 8 + i);
        assert_null(leat_flow_queue_peek(queue));
    }
    leat_flow_queue_destroy(queue);
}

struct parts {
    struct leat_flow_notes notes;
    struct leat_flow_histogram histogram;
    struct leat_flow_packet_list packets;
    struct leat_flow_sizes sizes;
    struct leat_flow_application application;
};

static void test_parts_are_copied(void **state) {
    (void)state;
    static struct parts given, kept;
    struct leat_flow_queue *queue = make(4, ALL_FEATURES);
    for (uint32_t round = 0; round < 9; round++) {
        memset(&given, (int)(round + 1), sizeof(given));
        kept = given;
        struct leat_flow flow = { .id = round,
                                  .parts = { &given.notes, &given.histogram, &given.packets,
                                             &given.sizes, &given.application } };
        assert_true(leat_flow_queue_put(queue, &flow));
        memset(&given, 0xff, sizeof(given));
        const struct leat_flow_parts *parts = &leat_flow_queue_peek(queue)->parts;
        assert_memory_equal(parts->notes, &kept.notes, sizeof(kept.notes));
        assert_memory_equal(parts->histogram, &kept.histogram, sizeof(kept.histogram));
        assert_memory_equal(parts->packets, &kept.packets, sizeof(kept.packets));
        assert_memory_equal(parts->sizes, &kept.sizes, sizeof(kept.sizes));
        assert_memory_equal(parts->application, &kept.application, sizeof(kept.application));
        leat_flow_queue_release(queue);
    }
    leat_flow_queue_destroy(queue);
}

static void test_only_parts_of_its_features(void **state) {
    (void)state;
    static struct parts given;
    struct leat_flow_queue *queue = make(4, LEAT_FLOW_SIZES | LEAT_FLOW_PACKETS);
    struct leat_flow flow = { .parts = { .notes = &given.notes, .sizes = &given.sizes } };
    given.sizes.last_ns[1] = 77;
    assert_true(leat_flow_queue_put(queue, &flow));
    const struct leat_flow_parts *parts = &leat_flow_queue_peek(queue)->parts;
    assert_null(parts->notes);       /* has no room here */
    assert_null(parts->packets);     /* has room, but was not given */
    assert_null(parts->application); /* neither */
    assert_int_equal(parts->sizes->last_ns[1], 77);
    leat_flow_queue_destroy(queue);
}

#define MANY 200000u

static void *writer(void *ctx) {
    struct leat_flow_queue *queue = ctx;
    struct leat_flow_notes notes = { 0 };
    for (uint32_t i = 0; i < MANY; i++) {
        struct leat_flow flow = { .id = i, .parts.notes = &notes };
        flow.side[1].packets = i * 3ull;
        notes.ip_options[1] = ~i;
        while (!leat_flow_queue_put(queue, &flow))
            sched_yield();
    }
    return NULL;
}

static void test_two_threads_lose_nothing(void **state) {
    (void)state;
    struct leat_flow_queue *queue = make(64, LEAT_FLOW_NOTES);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, writer, queue), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        const struct leat_flow *flow;
        while (!(flow = leat_flow_queue_peek(queue)))
            sched_yield();
        assert_int_equal(flow->id, i);
        assert_int_equal(flow->side[1].packets, i * 3ull);
        assert_int_equal(flow->parts.notes->ip_options[1], ~i);
        leat_flow_queue_release(queue);
    }
    pthread_join(thread, NULL);
    assert_null(leat_flow_queue_peek(queue));
    leat_flow_queue_destroy(queue);
}

static void test_too_many_records_are_refused(void **state) {
    (void)state;
    struct leat_flow_queue *queue;
    assert_int_equal(leat_flow_queue_create(&queue, UINT32_MAX, 0), -EINVAL);
    assert_non_null(strstr(leat_error(), "16777216"));
    leat_flow_queue_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_is_first_out_until_full),
        cmocka_unit_test(test_parts_are_copied),
        cmocka_unit_test(test_only_parts_of_its_features),
        cmocka_unit_test(test_two_threads_lose_nothing),
        cmocka_unit_test(test_too_many_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
