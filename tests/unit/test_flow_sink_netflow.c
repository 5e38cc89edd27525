/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow over UDP to a collector that is not there yet: what was refused is counted, and who
 * listens there next learns the templates soon, long before they are due. */
#include "flow_records.h"
#include "lib/flow/clock.h"
#include "lib/flow/sinks.h"
#include <arpa/inet.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TICK_NS 200000000ull

static struct leat_fields fields;
static uint16_t port;
static uint64_t now_ns;

/* On a port of its own at first, then on the same one again. */
static int listen_there(void) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(port) };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    port = ntohs(address.sin_port);
    return fd;
}

static struct leat_flow_sink *open_sink(const char *kind) {
    struct leat_flow_sink_opts opts = { .size = sizeof(opts), .fields = &fields };
    struct leat_flow_sink *sink;
    char name[64];
    assert_int_equal(leat_fields_parse(&fields, "default", false), 0);
    port = 0;
    close(listen_there()); /* nobody is there now */
    snprintf(name, sizeof(name), "%s://127.0.0.1:%u", kind, port);
    if (leat_flow_sink_open(&sink, name, &opts) != 0)
        fail_msg("%s", leat_error());
    now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
    return sink;
}

static void give(struct leat_flow_sink *sink, uint32_t from, uint32_t n) {
    struct flow_record record;
    for (uint32_t i = from; i < from + n; i++) {
        flow_record_make(&record, i, now_ns);
        sink->ops->record(sink, &record.flow);
    }
}

static void ticks(struct leat_flow_sink *sink, uint32_t n) {
    while (n-- > 0)
        sink->ops->tick(sink, now_ns += TICK_NS);
}

static struct leat_flow_sink_stats stats_of(struct leat_flow_sink *sink) {
    struct leat_flow_sink_stats stats;
    sink->ops->stats(sink, &stats);
    assert_int_equal(stats.taken, stats.records + stats.held + stats.lost);
    return stats;
}

/* Messages that have come, and how many of them begin with templates (RFC 3954, 5.2). */
static uint32_t collect(int fd, uint32_t *templates) {
    uint8_t message[2048];
    uint32_t count = 0;
    for (ssize_t n; (n = recv(fd, message, sizeof(message), 0)) > 0; count++) {
        assert_true(n >= 24);
        if (leat_be16(message) == 9 && leat_be16(message + 20) == 0)
            ++*templates;
    }
    return count;
}

/* 100 records, 75 of them both ways, of which 25 are of IPv6. */
static void version_9_repeats_what_was_refused(void **state) {
    (void)state;
    struct leat_flow_sink *sink = open_sink("netflow9");
    give(sink, 0, 100);
    assert_int_equal(stats_of(sink).taken, 175);
    assert_true(stats_of(sink).held > 0);
    ticks(sink, 10);
    assert_int_equal(stats_of(sink).held, 0);
    assert_int_equal(stats_of(sink).refused, 175);
    assert_int_equal(stats_of(sink).lost, 175);

    uint32_t templates = 0;
    int fd = listen_there();
    ticks(sink, 10); /* two seconds; ten minutes are what they take otherwise */
    assert_true(collect(fd, &templates) > 0);
    assert_true(templates > 0);

    templates = 0;
    give(sink, 100, 100);
    ticks(sink, 20);
    assert_true(collect(fd, &templates) > 0);
    assert_int_equal(templates, 0); /* nothing was refused any more */
    struct leat_flow_sink_stats final;
    sink->ops->close(sink, 0, &final);
    assert_int_equal(final.taken, 350);
    assert_int_equal(final.records, 175);
    assert_int_equal(final.lost, 175);
    assert_string_equal(final.state, "closed");
    close(fd);
}

/* It has none to repeat; what it has no place for is lost. */
static void version_5_counts(void **state) {
    (void)state;
    struct leat_flow_sink *sink = open_sink("netflow5");
    give(sink, 0, 100);
    ticks(sink, 10);
    assert_int_equal(stats_of(sink).taken, 25 + 75 + 50);
    assert_int_equal(stats_of(sink).refused, 75 + 50);
    assert_int_equal(stats_of(sink).lost, 25 + 75 + 50);

    uint32_t templates = 0;
    int fd = listen_there();
    ticks(sink, 10);
    assert_int_equal(collect(fd, &templates), 0);
    give(sink, 0, 100);
    struct leat_flow_sink_stats final;
    sink->ops->close(sink, 0, &final);
    assert_true(collect(fd, &templates) > 0);
    assert_int_equal(final.taken, 300);
    assert_int_equal(final.records, 75 + 50);
    assert_int_equal(final.lost, 25 + 150);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_9_repeats_what_was_refused),
        cmocka_unit_test(version_5_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
