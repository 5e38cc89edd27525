/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX sinks, with collectors in this process that decode what comes: flows are numbered by their
 * octets, so that order, holes and repetitions show. "sctp" as argument: streams are SCTP's in
 * place of TCP's. */
#include "lib/flow/message.h"
#include "lib/flow/reader.h"
#include "lib/flow/sinks.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND       1000000000ull
#define SMALL_BUFFER 65536 /* SCTP waits when a message does not fit */

static const char *stream_kind = "ipfix+tcp";
static int stream_protocol = IPPROTO_TCP;
static char directory[] = "/tmp/lt-sink.XXXXXX";

static int set_up(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s/*", directory);
    return system(command);
}

/* A collector: what it listens with, its connection, and what it has read. */
struct collector {
    int type, listener, fd;
    uint16_t port;
    struct leat_ipfix_reader *reader;
    uint8_t bytes[2 * LEAT_MESSAGE_MAX];
    uint32_t n;
    uint64_t flows, problems;
    uint64_t next; /* number of the flow that should come next */
    uint64_t jumps;
    uint64_t unsent; /* notSentFlowTotalCount, as it was told last */
};

static uint64_t number_of(const struct leat_ipfix_value *value) {
    uint64_t number = 0;
    for (uint32_t i = 0; i < value->length && i < 8; i++)
        number = number << 8 | value->bytes[i];
    return number;
}

static void take_record(void *ctx, uint32_t domain, uint64_t time_s, uint16_t template_id,
                        const struct leat_ipfix_value *values, uint32_t count,
                        uint32_t scope_count) {
    struct collector *collector = ctx;
    (void)domain;
    (void)time_s;
    (void)template_id;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].pen == 0 && values[i].id == 166)
            collector->unsent = number_of(&values[i]);
        if (scope_count || values[i].pen || values[i].id != 1)
            continue;
        const uint64_t number = number_of(&values[i]);
        collector->flows++;
        collector->jumps += number != collector->next;
        collector->next = number + 1;
    }
}

static void take_problem(void *ctx, const char *sentence) {
    struct collector *collector = ctx;
    print_message("collector: %s\n", sentence);
    collector->problems++;
}

/* Forgets all templates and sequence numbers, as a new session does. */
static void new_reader(struct collector *collector) {
    static const struct leat_ipfix_reader_ops ops = { .record = take_record,
                                                      .problem = take_problem };
    if (collector->reader)
        leat_ipfix_reader_destroy(collector->reader);
    assert_int_equal(leat_ipfix_reader_create(&collector->reader, &ops, collector), 0);
    collector->n = 0;
}

static void collector_start(struct collector *collector) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(collector->port) };
    socklen_t length = sizeof(address);
    const int one = 1, small = SMALL_BUFFER, large = 4 << 20;
    const bool stream = collector->type == SOCK_STREAM;
    collector->listener = socket(AF_INET, collector->type | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                 stream ? stream_protocol : 0);
    setsockopt(collector->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(collector->listener, SOL_SOCKET, SO_RCVBUF, stream ? &small : &large, sizeof(small));
    assert_int_equal(bind(collector->listener, (struct sockaddr *)&address, length), 0);
    if (stream)
        assert_int_equal(listen(collector->listener, 4), 0);
    getsockname(collector->listener, (struct sockaddr *)&address, &length);
    collector->port = ntohs(address.sin_port);
    collector->fd = stream ? -1 : collector->listener;
    new_reader(collector);
}

/* As a killed process leaves it: with a reset if there was anything unread. */
static void collector_stop(struct collector *collector) {
    if (collector->fd >= 0 && collector->fd != collector->listener)
        close(collector->fd);
    close(collector->listener);
    collector->fd = collector->listener = -1;
}

static void collector_end(struct collector *collector) {
    collector_stop(collector);
    leat_ipfix_reader_destroy(collector->reader);
}

static void take_stream(struct collector *collector, uint32_t n) {
    collector->n += n;
    uint32_t at = 0;
    while (collector->n - at >= LEAT_MESSAGE_HEADER) {
        const uint32_t length = leat_message_length(collector->bytes + at);
        if (length > collector->n - at)
            break;
        assert_int_equal(
            leat_ipfix_reader_message(collector->reader, collector->bytes + at, length), 0);
        at += length;
    }
    memmove(collector->bytes, collector->bytes + at, collector->n - at);
    collector->n -= at;
}

/* Reads what there is. */
static void collect(struct collector *collector) {
    if (collector->fd < 0) {
        collector->fd = accept4(collector->listener, NULL, NULL, SOCK_NONBLOCK);
        if (collector->fd < 0)
            return;
        new_reader(collector);
    }
    for (;;) {
        const ssize_t n = recv(collector->fd, collector->bytes + collector->n,
                               sizeof(collector->bytes) - collector->n, MSG_DONTWAIT);
        if (n < 0)
            return;
        if (n == 0 && collector->type == SOCK_STREAM) {
            close(collector->fd);
            collector->fd = -1;
            return;
        }
        if (collector->type == SOCK_STREAM)
            take_stream(collector, (uint32_t)n);
        else
            assert_int_equal(
                leat_ipfix_reader_message(collector->reader, collector->bytes, (uint32_t)n), 0);
    }
}

static struct leat_fields fields;
static uint64_t clock_ns; /* real time, of the test */

static struct leat_flow_sink *open_sink(const char *kind, const struct collector *collector,
                                        bool spool) {
    struct leat_flow_sink_opts opts = {
        .size = sizeof(opts), .fields = &fields, .domain = 7, .spool = spool ? directory : NULL
    };
    struct leat_flow_sink *sink;
    char name[64];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_ns = (uint64_t)now.tv_sec * SECOND;
    assert_int_equal(
        leat_fields_parse(&fields, "sourceIPv4Address,octetDeltaCount,packetDeltaCount", true), 0);
    snprintf(name, sizeof(name), "%s://127.0.0.1:%u", kind, collector->port);
    if (leat_flow_sink_open(&sink, name, &opts) != 0)
        fail_msg("%s", leat_error());
    return sink;
}

static void send_flow(struct leat_flow_sink *sink, uint64_t number) {
    struct leat_flow flow = { .version = 4, .protocol = 17, .end = LEAT_FLOW_END_IDLE };
    flow.side[0] = (struct leat_flow_side){ .packets = 3, .octets = number };
    sink->ops->record(sink, &flow);
}

static void tick(struct leat_flow_sink *sink, struct collector *collector) {
    clock_ns += SECOND / 5;
    sink->ops->tick(sink, clock_ns);
    if (collector)
        collect(collector);
}

static struct leat_flow_sink_stats stats_of(struct leat_flow_sink *sink) {
    struct leat_flow_sink_stats stats;
    sink->ops->stats(sink, &stats);
    assert_int_equal(stats.taken, stats.records + stats.held + stats.lost);
    return stats;
}

static bool away(struct leat_flow_sink *sink) {
    return sink->ops->away(sink);
}

/* Until so many flows have come to the collector; waits between rounds for what the kernel and the
 * transport's pauses take. */
static void until_flows(struct leat_flow_sink *sink, struct collector *collector, uint64_t flows) {
    for (uint32_t i = 0; i < 5000 && collector->flows < flows; i++) {
        tick(sink, collector);
        if (i > 20)
            poll(NULL, 0, 5);
    }
    if (collector->flows != flows)
        fail_msg("%lu flows in place of %lu; %s", collector->flows, flows, stats_of(sink).state);
}

static void until_acknowledged(struct leat_flow_sink *sink, struct collector *collector) {
    for (uint32_t i = 0; i < 1000 && stats_of(sink).held; i++) {
        tick(sink, collector);
        poll(NULL, 0, 1);
    }
    assert_int_equal(stats_of(sink).held, 0);
}

static void until_away(struct leat_flow_sink *sink) {
    for (uint32_t i = 0; i < 1000 && !away(sink); i++)
        tick(sink, NULL);
    assert_true(away(sink));
}

static void check_all(const struct collector *collector, uint64_t flows) {
    assert_int_equal(collector->flows, flows);
    assert_int_equal(collector->jumps, 0);
    assert_int_equal(collector->problems, 0);
    assert_int_equal(leat_ipfix_reader_missing(collector->reader), 0);
}

/* T1, T2: templates come first, all records follow, and none is counted that did not. */
static void test_sends(void **state) {
    (void)state;
    const char *const kinds[] = { "ipfix", "ipfix+udp", stream_kind };
    for (uint32_t i = 0; i < 6; i++) {
        struct collector collector = { .type = i / 2 == 2 ? SOCK_STREAM : SOCK_DGRAM };
        collector_start(&collector);
        struct leat_flow_sink *sink = open_sink(kinds[i / 2], &collector, i % 2);
        struct leat_flow_sink_stats final;
        for (uint64_t number = 0; number < 10000; number++) {
            send_flow(sink, number);
            if (number % 500 == 0)
                tick(sink, &collector);
        }
        until_flows(sink, &collector, 10000);
        check_all(&collector, 10000);
        sink->ops->close(sink, 1000, &final);
        collect(&collector);
        assert_int_equal(final.records, 10000);
        assert_int_equal(final.lost, 0);
        assert_int_equal(final.held, 0);
        check_all(&collector, 10000);
        collector_end(&collector);
    }
}

/* T29: the collector dies and comes back, again and again: with a spool all records come, in order,
 * with the right sequence numbers in each session. */
static void test_collector_dies(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_STREAM };
    collector_start(&collector);
    struct leat_flow_sink *sink = open_sink(stream_kind, &collector, true);
    uint64_t number = 0;
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < 3000; i++)
            send_flow(sink, number++);
        until_flows(sink, &collector, number);
        until_acknowledged(sink, &collector);
        collector_stop(&collector);
        until_away(sink);
        for (uint32_t i = 0; i < 20000; i++)
            send_flow(sink, number++);
        collector_start(&collector);
        until_flows(sink, &collector, number);
    }
    assert_int_equal(stats_of(sink).lost, 0);
    check_all(&collector, number);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* It dies with records on their way, which it had not read: they are sent again in the next
 * session, before what came since. */
static void test_comes_back(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_STREAM };
    collector_start(&collector);
    struct leat_flow_sink *sink = open_sink(stream_kind, &collector, true);
    uint64_t number = 0;
    while (number < 20000)
        send_flow(sink, number++);
    collector.fd = accept(collector.listener, NULL, NULL);
    collector_stop(&collector);
    until_away(sink);
    const uint64_t arrived = stats_of(sink).records;
    assert_true(arrived < 20000);
    while (number < 25000)
        send_flow(sink, number++);
    collector.next = arrived;
    collector_start(&collector);
    until_flows(sink, &collector, number - arrived);
    check_all(&collector, number - arrived);
    assert_int_equal(stats_of(sink).lost, 0);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* The exporter ends while the collector is away, and so does the next; the third one sends it all.
 */
static void test_spool_outlives_exporter(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_STREAM };
    collector_start(&collector);
    collector_stop(&collector);
    uint64_t number = 0;
    for (uint32_t run = 0; run < 2; run++) {
        struct leat_flow_sink *sink = open_sink(stream_kind, &collector, true);
        struct leat_flow_sink_stats final;
        assert_true(away(sink));
        for (uint32_t i = 0; i < 5000; i++)
            send_flow(sink, number++);
        sink->ops->close(sink, 100, &final);
        assert_int_equal(final.held, number);
        assert_int_equal(final.taken, number); /* found ones, too */
        assert_int_equal(final.lost, 0);
        assert_non_null(strstr(final.state, "records in the spool"));
    }
    collector_start(&collector);
    struct leat_flow_sink *sink = open_sink(stream_kind, &collector, true);
    for (uint32_t i = 0; i < 5000; i++)
        send_flow(sink, number++);
    until_flows(sink, &collector, number);
    check_all(&collector, number);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* Somebody empties the spool's files while what they held is on its way: it arrives, and since that
 * cannot be noted any more, the same records are looked for again, and lost. */
static void test_spool_emptied(void **state) {
    (void)state;
    char command[128];
    struct collector collector = { .type = SOCK_STREAM };
    collector_start(&collector);
    collector_stop(&collector);
    struct leat_flow_sink *sink = open_sink(stream_kind, &collector, true);
    for (uint64_t number = 0; number < 20000; number++)
        send_flow(sink, number);
    collector_start(&collector);
    for (uint32_t i = 0; i < 1000 && collector.flows == 0; i++) {
        tick(sink, &collector);
        poll(NULL, 0, 1);
    }
    snprintf(command, sizeof(command), "truncate -s 0 %s/*/*.ipfix", directory);
    assert_int_equal(system(command), 0);
    for (uint32_t i = 0; i < 20; i++) {
        tick(sink, &collector);
        stats_of(sink);
        poll(NULL, 0, 1);
    }
    collector_stop(&collector);
    until_away(sink);
    collector_start(&collector);
    for (uint32_t i = 0; i < 1000 && away(sink); i++) {
        tick(sink, &collector);
        poll(NULL, 0, 1);
    }
    assert_false(away(sink));
    assert_true(stats_of(sink).lost > 0);
    assert_true(stats_of(sink).records >= collector.flows);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* T28: it stops reading: a bounded amount is held, the rest is counted, with packets and octets,
 * and told to the collector when it reads again. */
static void test_stops_reading(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_STREAM };
    collector_start(&collector);
    struct leat_flow_sink *sink = open_sink(stream_kind, &collector, false);
    uint64_t number = 0;
    while (stats_of(sink).lost < 10000) {
        for (uint32_t i = 0; i < 1000; i++)
            send_flow(sink, number++);
        tick(sink, NULL);
        assert_true(number < 1000000);
    }
    struct leat_flow_sink_stats stats = stats_of(sink);
    assert_int_equal(stats.lost_packets, 3 * stats.lost);
    assert_int_equal(stats.records + stats.held + stats.lost, number);
    until_flows(sink, &collector, number - stats.lost);
    assert_int_equal(collector.problems, 0);
    for (uint32_t i = 0; i < 400; i++) /* 80 seconds: the options come again */
        tick(sink, &collector);
    assert_int_equal(collector.unsent, stats.lost);
    assert_int_equal(stats_of(sink).records + stats.lost, number);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* The same with a spool: nothing is lost. */
static void test_stops_reading_with_spool(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_STREAM };
    collector_start(&collector);
    struct leat_flow_sink *sink = open_sink(stream_kind, &collector, true);
    uint64_t number = 0;
    for (; number < 300000; number++) {
        send_flow(sink, number);
        if (number % 1000 == 0)
            tick(sink, NULL);
    }
    until_flows(sink, &collector, number);
    check_all(&collector, number);
    assert_int_equal(stats_of(sink).lost, 0);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* T30: over UDP nobody has to be there. What ICMP errors tell of is lost, and no record else. T16:
 * who listens there next gets templates soon. */
static void test_udp_refused(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_DGRAM };
    collector_start(&collector);
    collector_stop(&collector);
    struct leat_flow_sink *sink = open_sink("ipfix", &collector, false);
    uint64_t number = 0;
    while (number < 5000)
        send_flow(sink, number++);
    for (uint32_t i = 0; i < 15; i++) /* the last message, too */
        tick(sink, NULL);
    assert_false(away(sink));
    struct leat_flow_sink_stats stats = stats_of(sink);
    /* Not always all: the kernel limits how many ICMP errors it makes (icmp_msgs_burst). */
    assert_true(stats.failures > 0 && stats.lost > 0);
    assert_int_equal(stats.held, 0);
    assert_int_equal(stats.records + stats.lost, 5000);
    assert_int_equal(stats.refused, stats.lost);
    assert_int_equal(stats.lost_packets, 3 * stats.lost);

    collector_start(&collector);
    for (uint32_t i = 0; i < 15; i++) /* the test's clock began at a whole second */
        tick(sink, &collector);
    collector.next = 5000;
    while (number < 10000)
        send_flow(sink, number++);
    until_flows(sink, &collector, 5000);
    check_all(&collector, 5000);
    assert_int_equal(stats_of(sink).lost, stats.lost);
    assert_int_equal(stats_of(sink).records, 10000 - stats.lost);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* With a spool: away; what comes meanwhile arrives when it is back. */
static void test_udp_spooled(void **state) {
    (void)state;
    struct collector collector = { .type = SOCK_DGRAM };
    collector_start(&collector);
    collector_stop(&collector);
    struct leat_flow_sink *sink = open_sink("ipfix", &collector, true);
    until_away(sink); /* the templates were refused */
    for (uint64_t number = 0; number < 20000; number++)
        send_flow(sink, number);
    collector_start(&collector);
    until_flows(sink, &collector, 20000);
    check_all(&collector, 20000);

    /* It dies again: what was sent before that shows is lost, and told so; the message that goes
     * ahead again and again is not. */
    collector_stop(&collector);
    uint64_t number = 20000;
    for (uint32_t i = 0; i < 200; i++) {
        for (uint32_t n = 0; n < 50; n++)
            send_flow(sink, number++);
        tick(sink, NULL);
        poll(NULL, 0, 5);
    }
    const struct leat_flow_sink_stats stats = stats_of(sink);
    assert_true(stats.failures >= 3);
    assert_true(stats.refused > 0 && stats.refused < 1000);
    assert_int_equal(stats.lost, stats.refused);
    assert_int_equal(stats.records + stats.held + stats.lost, number);
    collector_start(&collector);
    collector.next = 20000 + stats.lost;
    until_flows(sink, &collector, number - stats.lost);
    check_all(&collector, number - stats.lost);
    assert_int_equal(stats_of(sink).lost, stats.lost);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&collector);
}

/* One sink of two, each with its collector. */
static struct leat_flow_sink *open_failover(struct leat_flow_sink *members[2],
                                            struct collector *first, struct collector *second) {
    struct leat_flow_sink *sink;
    collector_start(first);
    collector_start(second);
    members[0] = open_sink(stream_kind, first, false);
    members[1] = open_sink(stream_kind, second, false);
    assert_int_equal(leat_flow_sink_failover(&sink, members, 2), 0);
    return sink;
}

static void until_back(struct leat_flow_sink *sink, struct leat_flow_sink *member,
                       struct collector *collector) {
    for (uint32_t i = 0; i < 5000 && away(member); i++) {
        tick(sink, collector);
        poll(NULL, 0, 1);
    }
    assert_false(away(member));
}

/* Records go to the second while the first is away, and to the first again. */
static void test_failover(void **state) {
    (void)state;
    struct collector first = { .type = SOCK_STREAM }, second = { .type = SOCK_STREAM };
    struct leat_flow_sink *members[2], *sink = open_failover(members, &first, &second);
    uint64_t number = 0;
    while (number < 1000)
        send_flow(sink, number++);
    until_flows(sink, &first, 1000);
    until_acknowledged(sink, &first);
    collector_stop(&first);
    until_away(members[0]);
    second.next = number;
    while (number < 3000)
        send_flow(sink, number++);
    until_flows(sink, &second, 2000);
    check_all(&second, 2000);
    collector_start(&first);
    until_back(sink, members[0], &first);
    first.next = number;
    while (number < 4000)
        send_flow(sink, number++);
    until_flows(sink, &first, 2000);
    check_all(&first, 2000);
    struct leat_flow_sink_stats final;
    sink->ops->close(sink, 1000, &final);
    assert_int_equal(final.records, 4000);
    assert_int_equal(final.lost, 0);
    collector_end(&first);
    collector_end(&second);
}

/* A collector that is there but reads nothing is as good as away, until it reads again. */
static void test_failover_from_one_that_stops_reading(void **state) {
    (void)state;
    struct collector first = { .type = SOCK_STREAM }, second = { .type = SOCK_STREAM };
    struct leat_flow_sink *members[2], *sink = open_failover(members, &first, &second);
    uint64_t number = 0, before;
    while (second.flows < 1000) {
        for (uint32_t i = 0; i < 1000; i++)
            send_flow(sink, number++);
        tick(sink, &second);
        assert_true(number < 1000000);
    }
    assert_true(away(members[0]));
    assert_non_null(strstr(stats_of(members[0]).state, "takes nothing since"));
    until_back(sink, members[0], &first);
    for (before = number; number < before + 1000;)
        send_flow(sink, number++);
    const uint64_t lost = stats_of(sink).lost;
    assert_int_equal(stats_of(members[1]).lost, 0);
    until_flows(sink, &second, stats_of(members[1]).taken);
    until_flows(sink, &first, number - lost - second.flows);
    assert_int_equal(stats_of(sink).lost, lost);
    assert_int_equal(first.next, number);
    sink->ops->close(sink, 1000, NULL);
    collector_end(&first);
    collector_end(&second);
}

int main(int argc, char **argv) {
    const struct CMUnitTest streams[] = {
        cmocka_unit_test_setup(test_sends, set_up),
        cmocka_unit_test_setup(test_collector_dies, set_up),
        cmocka_unit_test_setup(test_comes_back, set_up),
        cmocka_unit_test_setup(test_spool_outlives_exporter, set_up),
        cmocka_unit_test_setup(test_spool_emptied, set_up),
        cmocka_unit_test_setup(test_stops_reading, set_up),
        cmocka_unit_test_setup(test_stops_reading_with_spool, set_up),
        cmocka_unit_test_setup(test_failover, set_up),
        cmocka_unit_test_setup(test_failover_from_one_that_stops_reading, set_up),
    };
    const struct CMUnitTest datagrams[] = {
        cmocka_unit_test_setup(test_udp_refused, set_up),
        cmocka_unit_test_setup(test_udp_spooled, set_up),
    };
    const bool sctp = argc > 1 && strcmp(argv[1], "sctp") == 0;
    if (sctp) {
        stream_kind = "ipfix+sctp";
        stream_protocol = IPPROTO_SCTP;
    }
    if (!mkdtemp(directory)) {
        perror("mkdtemp");
        return 1;
    }
    int failed = cmocka_run_group_tests(streams, NULL, NULL);
    if (!sctp)
        failed += cmocka_run_group_tests(datagrams, NULL, NULL);
    set_up(NULL);
    rmdir(directory);
    return failed;
}
