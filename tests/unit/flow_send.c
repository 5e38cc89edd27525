/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends records that are known beforehand (flow_records.h) to a sink, and tells what it says of
 * them as JSON; with what it was told on standard error. It fails if these numbers do not add up:
 *
 *   flow_send [-n RECORDS] [-f FIELDS] [-s SAMPLING] [-b BASE_SECONDS] [-m MTU] [-c CLOSE_MS] [-u]
 *             SINK
 */
#include "flow_records.h"
#include "lib/flow/sinks.h"
#include <inttypes.h>
#include <leat/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_EVERY = 100, CLOSE_MS = 20000 };

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void told(void *ctx, const char *sentence) {
    (void)ctx;
    fprintf(stderr, "%s\n", sentence);
}

static int failed(void) {
    fprintf(stderr, "%s\n", leat_error());
    return 1;
}

static void send_records(struct leat_flow_sink *sink, uint32_t n, uint64_t base_ns) {
    struct flow_record record;
    for (uint32_t i = 0; i < n; i++) {
        flow_record_make(&record, i, base_ns);
        sink->ops->record(sink, &record.flow);
        if (i % TICK_EVERY == TICK_EVERY - 1)
            sink->ops->tick(sink, now_ns());
    }
    sink->ops->tick(sink, now_ns());
}

int main(int argc, char **argv) {
    struct leat_fields fields;
    struct leat_flow_sink_opts opts = { .size = sizeof(opts), .fields = &fields, .told = told };
    const char *chosen = "default";
    uint32_t n = 100, close_ms = CLOSE_MS;
    uint64_t base_ns = now_ns() - 10000000000;
    int option;
    while ((option = getopt(argc, argv, "n:f:s:b:m:c:u")) != -1) {
        if (option == 'n')
            n = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'f')
            chosen = optarg;
        else if (option == 'b')
            base_ns = strtoull(optarg, NULL, 10) * 1000000000;
        else if (option == 'm')
            opts.mtu = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'c')
            close_ms = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'u')
            opts.uniflow = true;
        else if (option != 's' || leat_flow_sampling_parse(&opts.sampling, optarg) != 0)
            return 2;
    }
    if (optind + 1 != argc || leat_fields_parse(&fields, chosen, opts.uniflow) != 0)
        return 2;
    struct leat_flow_sink *sink;
    struct leat_flow_sink_stats final;
    if (leat_flow_sink_open(&sink, argv[optind], &opts) != 0)
        return failed();
    send_records(sink, n, base_ns);
    sink->ops->close(sink, close_ms, &final);
    fprintf(stderr,
            "{\"taken\":%" PRIu64 ",\"records\":%" PRIu64 ",\"octets\":%" PRIu64
            ",\"messages\":%" PRIu64 ",\"held\":%" PRIu64 ",\"lost\":%" PRIu64
            ",\"lost_packets\":%" PRIu64 ",\"lost_octets\":%" PRIu64 ",\"refused\":%" PRIu64
            ",\"failures\":%" PRIu64 ",\"state\":\"%s\"}\n",
            final.taken, final.records, final.octets, final.messages, final.held, final.lost,
            final.lost_packets, final.lost_octets, final.refused, final.failures, final.state);
    return final.taken == final.records + final.held + final.lost ? 0 : 3;
}
