/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does it cost to meter a 64 B packet? Frames in memory go through the meter of leat probe
 * into the queue to an exporter that throws the records away, in one thread: by the number of flows
 * (in random order), all known, or with one packet in ten of a flow never seen before. Then the
 * same with records that are exported, also by this thread. Beside it the stages alone, and the
 * bound of the machine: two random cache lines a packet, one to read and one to change, in arrays
 * as large as the table's. Prints CSV.
 */
#include "flow_source.h"
#include "lane.h"
#include "lib/core/cycles.h"
#include "lib/flow/cache_private.h"
#include "lib/flow/clock.h"
#include "lib/flow/meter.h"
#include "lib/flow/sinks.h"
#include "options.h"
#include <leat/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define RING  4096 /* frames made before they are metered */
#define BATCH 64   /* as leat_rx() would give them */
#define GROUP 32   /* packets counted together */

#define ETHERNET_MTU 1500 /* loopback would take larger messages */

static struct {
    uint32_t runs, packets, bytes, flows;
    bool quick;
    const char *sink;
} opts = { .runs = 5, .packets = 2000000, .bytes = 64 };

/* --- the source */

struct source {
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_pkt pkts[RING];
    struct flow_source flows;
};

static int source_open(struct source *source) {
    struct leat_pool_opts pool = { .size = sizeof(pool), .buffers = 2 * RING };
    pool.stride = opts.bytes <= 256 ? 512 : 0;
    memset(source, 0, sizeof(*source));
    if (leat_pool_create(&source->pool, &pool) < 0 ||
        leat_cache_open(&source->cache, source->pool) < 0)
        return -1;
    for (uint32_t i = 0; i < RING; i += BATCH)
        if (leat_alloc(source->cache, &source->pkts[i], BATCH) != BATCH)
            return -1;
    for (uint32_t i = 0; i < RING; i++) {
        flow_source_frame(source->pkts[i].data, opts.bytes);
        source->pkts[i].len = (uint16_t)opts.bytes;
        source->pkts[i].flags = LEAT_PKT_META | LEAT_PKT_TIME;
        *leat_pkt_meta(source->pool, &source->pkts[i]) = (struct leat_meta){ 0 };
    }
    return 0;
}

static void source_close(struct source *source) {
    for (uint32_t i = 0; i < RING; i += BATCH)
        leat_free(source->cache, &source->pkts[i], BATCH);
    leat_cache_close(source->cache);
    leat_pool_destroy(source->pool);
}

static void write_frame(struct source *source, uint32_t i, uint32_t flow) {
    flow_source_set_flow(source->pkts[i].data, flow);
    leat_pkt_meta(source->pool, &source->pkts[i])->time_ns = source->flows.now_ns;
}

/* The next RING frames. */
static void source_fill(struct source *source) {
    for (uint32_t i = 0; i < RING; i++) {
        uint32_t flow = flow_source_next(&source->flows);
        write_frame(source, i, flow);
    }
}

/* Those of the preamble: 0 when it is over. */
static uint32_t source_preamble(struct source *source) {
    uint32_t n = 0, flow;
    while (n < RING && flow_source_fill(&source->flows, &flow))
        write_frame(source, n++, flow);
    return n;
}

/* --- the subject */

/* What is measured: the meter as a whole, or its parts one by one. */
enum { WHOLE = 0, PARTS = 1, EXPORTED = 2 };

struct subject {
    struct leat_flow_meter *meter;
    struct leat_flow_decoder *decoder;
    struct leat_flow_cache *cache;
    struct leat_flow_queue *queue;
    struct leat_flow_sink *sink; /* NULL: records are thrown away */
    struct leat_fields fields;
    uint64_t records;
};

static bool ended(void *ctx, const struct leat_flow *flow) {
    return leat_flow_queue_put(ctx, flow);
}

static void drain(struct subject *subject) {
    for (const struct leat_flow *flow; (flow = leat_flow_queue_peek(subject->queue));
         leat_flow_queue_release(subject->queue)) {
        if (subject->sink)
            subject->sink->ops->record(subject->sink, flow);
        subject->records++;
    }
}

/* Without a sink known flows make no records. */
static struct leat_flow_meter_opts meter_opts(const struct subject *subject,
                                              const struct flow_source *flows) {
    struct leat_flow_meter_opts meter = { .times = true, .queue = subject->queue };
    meter.cache.flows = flow_source_room(flows);
    meter.cache.idle_ns = flow_source_idle_ns(flows);
    meter.cache.active_ns = flow_source_active_ns(flows);
    if (!subject->sink && meter.cache.active_ns < meter.cache.idle_ns)
        meter.cache.active_ns = meter.cache.idle_ns;
    meter.cache.sweep_ns = meter.cache.idle_ns / 4 < 1000000000 ? 0 : 1000000000;
    meter.cache.features = leat_fields_features(&subject->fields);
    return meter;
}

static int sink_open(struct subject *subject) {
    const struct leat_flow_sink_opts sink = { .size = sizeof(sink),
                                              .fields = &subject->fields,
                                              .mtu = ETHERNET_MTU };
    if (leat_fields_parse(&subject->fields, "default", false) < 0)
        return -1;
    return leat_flow_sink_open(&subject->sink, opts.sink, &sink);
}

static int subject_open(struct subject *subject, const struct flow_source *flows, int how) {
    memset(subject, 0, sizeof(*subject));
    if (how & EXPORTED && sink_open(subject) < 0)
        return -1;
    if (leat_flow_queue_create(&subject->queue, 0, leat_fields_features(&subject->fields)) < 0)
        return -1;
    struct leat_flow_meter_opts meter = meter_opts(subject, flows);
    if (!(how & PARTS))
        return leat_flow_meter_create(&subject->meter, &meter);
    meter.cache.ended = ended;
    meter.cache.ctx = subject->queue;
    if (leat_flow_decoder_create(&subject->decoder, &meter.decode) < 0)
        return -1;
    return leat_flow_cache_create(&subject->cache, &meter.cache);
}

static void subject_close(struct subject *subject) {
    leat_flow_meter_destroy(subject->meter);
    leat_flow_cache_destroy(subject->cache);
    leat_flow_decoder_destroy(subject->decoder);
    leat_flow_queue_destroy(subject->queue);
    if (subject->sink)
        subject->sink->ops->close(subject->sink, 1000, NULL);
}

/* Cycles of a ring full. */
struct spent {
    uint64_t source, total, decode, lookup, cache, export;
    uint64_t found; /* looked up with success */
};

static void meter_ring(struct subject *subject, const struct source *source, uint32_t n,
                       struct spent *spent) {
    uint64_t start = leat_cycles();
    for (uint32_t i = 0; i < n; i += BATCH) {
        leat_flow_meter_add(subject->meter, source->pool, &source->pkts[i],
                            n - i < BATCH ? n - i : BATCH);
        drain(subject);
    }
    spent->total += leat_cycles() - start;
}

/* As far as finding the records, as the cache does it. */
static uint64_t look_up(const struct leat_flow_cache *cache, const struct leat_flow_packet *packets,
                        uint32_t n) {
    struct leat_table *table = cache->family[0].table;
    uint64_t hashes[GROUP + LEAT_FLOW_DECODED_MAX], found = 0;
    for (uint32_t i = 0; i < n; i++) {
        hashes[i] = leat_table_hash(table, &packets[i].key4, sizeof(packets[i].key4));
        leat_table_prefetch(table, hashes[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        leat_table_prefetch_entry(table, hashes[i]);
    for (uint32_t i = 0; i < n; i++)
        found += leat_table_find(table, &packets[i].key4, sizeof(packets[i].key4), hashes[i]) !=
                 LEAT_TABLE_NONE;
    return found;
}

static void meter_ring_in_parts(struct subject *subject, const struct source *source, uint32_t n,
                                struct spent *spent, bool lookup_only) {
    struct leat_flow_packet packets[GROUP + LEAT_FLOW_DECODED_MAX];
    for (uint32_t i = 0; i < n; i += GROUP) {
        uint64_t start = leat_cycles();
        uint32_t count = 0;
        for (uint32_t k = i; k < i + GROUP && k < n; k++) {
            const struct leat_pkt *pkt = &source->pkts[k];
            const struct leat_meta *meta = leat_pkt_meta(source->pool, pkt);
            int got = leat_flow_decode(subject->decoder, pkt->data, pkt->len, pkt->len,
                                       meta->time_ns, 0, meta, pkt->flags, &packets[count]);
            count += got > 0 ? (uint32_t)got : 0;
        }
        uint64_t decoded = leat_cycles();
        spent->decode += decoded - start;
        if (lookup_only) {
            spent->found += look_up(subject->cache, packets, count);
            spent->lookup += leat_cycles() - decoded;
            continue;
        }
        leat_flow_cache_add(subject->cache, packets, count);
        uint64_t counted = leat_cycles();
        drain(subject);
        spent->export += leat_cycles() - counted;
        spent->cache += counted - decoded;
    }
}

static void meter_frames(struct subject *subject, const struct source *source, uint32_t n,
                         struct spent *spent, bool lookup_only) {
    if (subject->meter)
        meter_ring(subject, source, n, spent);
    else
        meter_ring_in_parts(subject, source, n, spent, lookup_only);
}

static void one_ring(struct subject *subject, struct source *source, struct spent *spent,
                     bool lookup_only) {
    uint64_t start = leat_cycles();
    source_fill(source);
    spent->source += leat_cycles() - start;
    meter_frames(subject, source, RING, spent, lookup_only);
}

static void fill(struct subject *subject, struct source *source) {
    struct spent spent = { 0 };
    for (uint32_t n; (n = source_preamble(source)) > 0;)
        meter_frames(subject, source, n, &spent, false);
}

/* --- the bound */

struct bound {
    uint64_t (*buckets)[8], (*entries)[8];
    size_t bucket_count, entry_count;
};

static void *map_lines(size_t lines) {
    void *at = mmap(NULL, lines * 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    madvise(at, lines * 64, MADV_HUGEPAGE);
    memset(at, 1, lines * 64);
    return at;
}

static double bound_cycles(const struct bound *bound, struct flow_source *source,
                           uint32_t packets) {
    uint32_t numbers[GROUP][2];
    uint64_t sum = 0, start = leat_cycles();
    for (uint32_t done = 0; done < packets; done += GROUP) {
        for (uint32_t i = 0; i < GROUP; i++) {
            uint64_t random = flow_source_random(source);
            numbers[i][0] = (uint32_t)(random * bound->bucket_count >> 32);
            numbers[i][1] =
                (uint32_t)((uint64_t)((uint32_t)random * 0x9e3779b1u) * bound->entry_count >> 32);
            __builtin_prefetch(bound->buckets[numbers[i][0]]);
        }
        for (uint32_t i = 0; i < GROUP; i++) {
            sum += bound->buckets[numbers[i][0]][0];
            __builtin_prefetch(bound->entries[numbers[i][1]], 1);
        }
        for (uint32_t i = 0; i < GROUP; i++)
            bound->entries[numbers[i][1]][0] += sum;
    }
    return (double)(leat_cycles() - start) / packets;
}

/* --- a point */

static int by_value(const void *a, const void *b) {
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static void print_row(const char *what, uint32_t flows, uint32_t percent, double *values,
                      uint32_t n) {
    // cppcheck-suppress uninitvar ; all are measured
    qsort(values, n, sizeof(*values), by_value);
    printf("%s,%u,%u,%.2f,%.2f,%.2f\n", what, flows, percent, values[0], values[n / 2],
           values[n - 1]);
    fflush(stdout);
}

static void print_mpps(const char *what, uint32_t flows, uint32_t percent, const double *cycles) {
    double mpps[RUNS_MAX];
    for (uint32_t i = 0; i < opts.runs; i++)
        mpps[i] = lane_tsc_hz() / cycles[i] / 1e6;
    print_row(what, flows, percent, mpps, opts.runs);
}

static void print_cache(const struct leat_flow_meter *meter, uint32_t flows, uint32_t percent) {
    struct leat_flow_meter_stats stats;
    leat_flow_meter_stats(meter, &stats);
    double in_cache = stats.cache.flows, bytes = (double)stats.cache.memory_bytes / in_cache;
    print_row("flows in the cache", flows, percent, &in_cache, 1);
    print_row("bytes a flow", flows, percent, &bytes, 1);
}

enum { TOTAL, SOURCE, DECODE, LOOKUP, CACHE, EXPORT, BOUND, RATIO, TOTAL_EXPORTED, IPFIX, RECORDS };
#define ROWS 11
static const char *const row_names[ROWS] = {
    "meter", "source",      "decode",        "look-up in cache", "cache",           "export",
    "bound", "meter/bound", "meter to sink", "export to sink",   "records a second"
};

static double records_exported; /* in all, preambles included */

/* Of known flows, between what else goes on; nothing is counted. */
static double time_lookups(struct subject *subject, struct source *source) {
    struct spent spent = { 0 };
    uint32_t packets = 0, new_in = source->flows.new_in;
    source->flows.new_in = 0;
    for (; packets < opts.packets / 4; packets += RING)
        one_ring(subject, source, &spent, true);
    source->flows.new_in = new_in;
    return spent.found ? (double)spent.lookup / packets : 0;
}

static void measure_run(struct subject *subject, struct source *source, uint32_t r, int how,
                        double rows[ROWS][RUNS_MAX]) {
    struct spent spent = { 0 };
    uint64_t packets = 0, records = subject->records;
    for (; packets < opts.packets; packets += RING)
        one_ring(subject, source, &spent, false);
    records = subject->records - records;
    if (how == WHOLE) {
        rows[SOURCE][r] = (double)spent.source / (double)packets;
        rows[TOTAL][r] = (double)spent.total / (double)packets;
    } else if (how == EXPORTED) {
        rows[TOTAL_EXPORTED][r] = (double)spent.total / (double)packets;
        rows[RECORDS][r] = (double)records * lane_tsc_hz() / (double)spent.total;
    } else if (how == PARTS) {
        rows[DECODE][r] = (double)spent.decode / (double)packets;
        rows[CACHE][r] = (double)spent.cache / (double)packets;
        rows[EXPORT][r] = (double)spent.export / (double)packets;
        rows[LOOKUP][r] = time_lookups(subject, source);
    } else {
        rows[IPFIX][r] = (double)spent.export / (double)packets;
    }
}

static int run(struct source *source, uint32_t flows, uint32_t percent, int how,
               double rows[ROWS][RUNS_MAX]) {
    struct subject subject;
    flow_source_start(&source->flows, flows, percent);
    if (subject_open(&subject, &source->flows, how) < 0)
        return -1;
    fill(&subject, source);
    for (uint32_t r = 0; r < opts.runs; r++)
        measure_run(&subject, source, r, how, rows);
    if (how == WHOLE)
        print_cache(subject.meter, flows, percent);
    if (how & EXPORTED)
        records_exported += (double)subject.records;
    subject_close(&subject);
    return 0;
}

static int run_bound(struct source *source, uint32_t flows, double rows[ROWS][RUNS_MAX]) {
    struct bound bound = { .bucket_count = flows * 3ull / 2 * 5 / 4 / 8 + 1, .entry_count = flows };
    bound.buckets = map_lines(bound.bucket_count);
    bound.entries = map_lines(bound.entry_count);
    if (!bound.buckets || !bound.entries)
        return -1;
    for (uint32_t r = 0; r < opts.runs; r++) {
        rows[BOUND][r] = bound_cycles(&bound, &source->flows, opts.packets);
        rows[RATIO][r] = rows[TOTAL][r] / rows[BOUND][r];
    }
    munmap(bound.buckets, bound.bucket_count * 64);
    munmap(bound.entries, bound.entry_count * 64);
    return 0;
}

static int measure(struct source *source, uint32_t flows, uint32_t percent) {
    static double rows[ROWS][RUNS_MAX];
    int rows_count = opts.sink ? ROWS : TOTAL_EXPORTED;
    int err = run(source, flows, percent, WHOLE, rows);
    if (err == 0 && opts.sink)
        err = run(source, flows, percent, EXPORTED, rows);
    if (err == 0)
        err = run(source, flows, percent, PARTS, rows);
    if (err == 0 && opts.sink)
        err = run(source, flows, percent, PARTS | EXPORTED, rows);
    if (err == 0)
        err = run_bound(source, flows, rows);
    if (err) {
        fprintf(stderr, "flow_meter: %s\n", leat_error());
        return 1;
    }
    print_mpps("mpps", flows, percent, rows[TOTAL]);
    if (opts.sink)
        print_mpps("mpps to sink", flows, percent, rows[TOTAL_EXPORTED]);
    for (int i = 0; i < rows_count; i++)
        print_row(row_names[i], flows, percent, rows[i], opts.runs);
    return 0;
}

static const struct bench_option options[] = {
    { "runs", .number = &opts.runs, .min = 1, .max = RUNS_MAX },
    { "packets", .number = &opts.packets, .min = 10000 },
    { "bytes", .number = &opts.bytes, .min = 60, .max = 1514 },
    { "flows", .number = &opts.flows, .min = 3, .max = 1 << 24 },
    { "sink", .text = &opts.sink },
    { "quick", .flag = &opts.quick },
    { 0 },
};

static const char usage[] =
    "Usage: flow_meter [--runs N] [--packets N] [--bytes N] [--flows N] [--sink NAME] [--quick]\n\n"
    "Metering of 64 B packets on one core by the number of flows, without new ones and with 10 % "
    "of\nthem, as CSV: min, median, max over the runs, in TSC cycles a packet but where the name "
    "says\nanother unit. --bytes: longer frames. --flows: this number only. --sink: once more with "
    "records\nthat leave for a sink such as ipfix://127.0.0.1:4739. --quick: up to 100,000 "
    "flows.\n";

int main(int argc, char **argv) {
    static const uint32_t all[] = { 10000, 100000, 1000000, 10000000 };
    int err = 0;
    if (!bench_options(argc, argv, options, usage, &err))
        return err;
    const uint32_t *flows = opts.flows ? &opts.flows : all;
    uint32_t points = opts.flows ? 1 : opts.quick ? 2 : 4;
    struct source source;
    if (source_open(&source) < 0) {
        fprintf(stderr, "flow_meter: %s\n", leat_error());
        return 1;
    }
    puts("what,flows,new_percent,min,median,max");
    for (uint32_t i = 0; i < points && !err; i++)
        for (uint32_t percent = 0; percent <= 10 && !err; percent += 10)
            err = measure(&source, flows[i], percent);
    if (opts.sink)
        print_row("records to sink", 0, 0, &records_exported, 1);
    source_close(&source);
    return err;
}
