/* SPDX-License-Identifier: BSD-2-Clause */
/* A Kafka broker, librdkafka's own for tests, that goes away and comes back: records wait for it,
 * as many as there is room for; each is delivered once, or counted as lost, and what happens is
 * told once. */
#include "flow_records.h"
#include "lib/flow/sinks.h"
#include <leat/error.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUEUE_MAX 200000 /* records, docs/flow-export.md */

static rd_kafka_t *client;
static rd_kafka_mock_cluster_t *cluster;
static struct leat_fields fields;
static char sentences[4096];

static int start_broker(void **state) {
    char why[256];
    (void)state;
    client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    cluster = client ? rd_kafka_mock_cluster_new(client, 1) : NULL;
    sentences[0] = '\0';
    return cluster ? 0 : -1;
}

static int stop_broker(void **state) {
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(client);
    return 0;
}

static void told(void *ctx, const char *sentence) {
    const size_t n = strlen(sentences);
    (void)ctx;
    snprintf(sentences + n, sizeof(sentences) - n, "%s\n", sentence);
}

static uint32_t how_often(const char *words) {
    uint32_t n = 0;
    for (const char *at = strstr(sentences, words); at; at = strstr(at + 1, words))
        n++;
    return n;
}

static struct leat_flow_sink *open_named(const char *name) {
    struct leat_flow_sink_opts opts = { .size = sizeof(opts), .fields = &fields, .told = told };
    struct leat_flow_sink *sink;
    assert_int_equal(leat_fields_parse(&fields, "flowId,octetDeltaCount", false), 0);
    if (leat_flow_sink_open(&sink, name, &opts) != 0)
        fail_msg("%s", leat_error());
    return sink;
}

static struct leat_flow_sink *open_sink(void) {
    char name[128];
    snprintf(name, sizeof(name), "kafka://%s/flows", rd_kafka_mock_cluster_bootstraps(cluster));
    return open_named(name);
}

static void send_records(struct leat_flow_sink *sink, uint32_t n) {
    struct flow_record record;
    flow_record_make(&record, 1, 0);
    for (uint32_t i = 0; i < n; i++)
        sink->ops->record(sink, &record.flow);
    sink->ops->tick(sink, 0);
}

static struct leat_flow_sink_stats stats_of(struct leat_flow_sink *sink) {
    struct leat_flow_sink_stats stats;
    sink->ops->tick(sink, 0);
    sink->ops->stats(sink, &stats);
    assert_int_equal(stats.taken, stats.records + stats.held + stats.lost);
    return stats;
}

static void until_delivered(struct leat_flow_sink *sink, uint64_t records) {
    for (uint32_t i = 0; i < 6000 && stats_of(sink).records < records; i++)
        poll(NULL, 0, 5);
    assert_int_equal(stats_of(sink).records, records);
    assert_int_equal(stats_of(sink).held, 0);
}

static void until_away(struct leat_flow_sink *sink) {
    for (uint32_t i = 0; i < 6000 && !sink->ops->away(sink); i++) {
        sink->ops->tick(sink, 0);
        poll(NULL, 0, 5);
    }
    assert_true(sink->ops->away(sink));
}

static void test_away_and_back(void **state) {
    struct leat_flow_sink *sink = open_sink();
    struct leat_flow_sink_stats final;
    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        send_records(sink, 500);
        until_delivered(sink, 1000 * round + 500);
        assert_false(sink->ops->away(sink));
        rd_kafka_mock_broker_set_down(cluster, 1);
        send_records(sink, 500);
        until_away(sink);
        assert_int_equal(stats_of(sink).held, 500);
        assert_string_equal(stats_of(sink).state, "away");
        assert_int_equal(how_often("the broker is away"), round + 1);
        rd_kafka_mock_broker_set_up(cluster, 1);
        until_delivered(sink, 1000 * round + 1000);
        assert_int_equal(how_often("takes records again"), round + 1);
    }
    sink->ops->close(sink, 1000, &final);
    assert_int_equal(final.taken, 2000);
    assert_int_equal(final.records, 2000);
    assert_string_equal(final.state, "closed");
    assert_int_equal(final.lost, 0);
    assert_int_equal(how_often("records are lost"), 0);
}

static void test_queue_full(void **state) {
    struct leat_flow_sink *sink = open_sink();
    struct leat_flow_sink_stats final;
    (void)state;
    send_records(sink, 1);
    until_delivered(sink, 1);
    rd_kafka_mock_broker_set_down(cluster, 1);
    send_records(sink, QUEUE_MAX + 5000);
    const struct leat_flow_sink_stats full = stats_of(sink);
    assert_int_equal(full.held, QUEUE_MAX);
    assert_int_equal(full.lost, 5000);
    assert_int_equal(full.lost_octets, 5000 * 101);
    assert_int_equal(how_often("records are lost: Local: Queue full"), 1);
    rd_kafka_mock_broker_set_up(cluster, 1);
    until_delivered(sink, QUEUE_MAX + 1);
    sink->ops->close(sink, 1000, &final);
    assert_int_equal(final.records, QUEUE_MAX + 1);
    assert_int_equal(final.lost, 5000);
}

/* To the second while the first is away with what it was given, and to the first again. */
static void test_failover(void **state) {
    struct leat_flow_sink *members[] = { open_sink(), open_named("json:/dev/null") }, *sink;
    struct leat_flow_sink_stats final;
    (void)state;
    assert_int_equal(leat_flow_sink_failover(&sink, members, 2), 0);
    rd_kafka_mock_broker_set_down(cluster, 1);
    send_records(sink, 10);
    until_away(members[0]);
    send_records(sink, 7);
    assert_int_equal(stats_of(members[0]).held, 10);
    assert_int_equal(stats_of(members[1]).records, 7);
    rd_kafka_mock_broker_set_up(cluster, 1);
    until_delivered(members[0], 10);
    send_records(sink, 10);
    until_delivered(members[0], 20);
    sink->ops->close(sink, 1000, &final);
    assert_int_equal(final.records, 27);
    assert_int_equal(final.lost, 0);
}

/* What still waits at the end is lost, and known to be. */
static void test_away_at_the_end(void **state) {
    struct leat_flow_sink *sink = open_sink();
    struct leat_flow_sink_stats final;
    (void)state;
    send_records(sink, 100);
    until_delivered(sink, 100);
    rd_kafka_mock_broker_set_down(cluster, 1);
    send_records(sink, 300);
    sink->ops->close(sink, 100, &final);
    assert_int_equal(final.records, 100);
    assert_int_equal(final.lost, 300);
    assert_int_equal(final.held, 0);
    assert_string_not_equal(final.state, "closed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_away_and_back, start_broker, stop_broker),
        cmocka_unit_test_setup_teardown(test_queue_full, start_broker, stop_broker),
        cmocka_unit_test_setup_teardown(test_failover, start_broker, stop_broker),
        cmocka_unit_test_setup_teardown(test_away_at_the_end, start_broker, stop_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
