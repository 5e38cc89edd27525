/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does it cost to meter a 64 B packet? Frames in memory go through the meter of leat probe
 * into the queue to an exporter that throws the records away, in one thread: by the number of flows
 * (in random order), all known, or with one packet in ten of a flow never seen before. Beside it
 * the stages alone, and the bound of the machine: two random cache lines a packet, one to read and
 * one to change, in arrays as large as the table's. Prints CSV.
 */
#include "lib/core/cycles.h"
#include "lib/flow/cache_private.h"
#include "lib/flow/meter.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <leat/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define RING        4096 /* frames made before they are metered */
#define BATCH       64   /* as leat_rx() would give them */
#define GROUP       32   /* packets counted together */
#define FRAME_BYTES 64
#define RUNS_MAX    31
#define PACE_NS     100 /* between packets, by their time stamps: 10 Mpps */

static struct {
    uint32_t runs, packets;
    bool quick;
} opts = { .runs = 5, .packets = 2000000 };

static double cycles_per_second;

/* --- the source */

/* Flows of a window are equally likely; with new ones it moves on, and leaves the oldest behind. */
struct source {
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_pkt pkts[RING];
    uint32_t base, window, new_in;
    uint64_t random, now_ns;
};

static const uint8_t plain_frame[FRAME_BYTES] = {
    2,    0,    0, 0,  0, 1,  2, 0, 0,  0,  0, 2, 8,  0,                    /* Ethernet */
    69,   0,    0, 50, 0, 0,  0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 1, 0, 1, /* IPv4 */
    0x30, 0x39, 0, 53, 0, 30, 0, 0, /* UDP, 22 bytes in it */
};

static int source_open(struct source *source) {
    struct leat_pool_opts pool = { .size = sizeof(pool), .buffers = 2 * RING, .stride = 512 };
    memset(source, 0, sizeof(*source));
    source->random = 1;
    source->now_ns = 1700000000000000000ull;
    if (leat_pool_create(&source->pool, &pool) < 0 ||
        leat_cache_open(&source->cache, source->pool) < 0)
        return -1;
    for (uint32_t i = 0; i < RING; i += BATCH)
        if (leat_alloc(source->cache, &source->pkts[i], BATCH) != BATCH)
            return -1;
    for (uint32_t i = 0; i < RING; i++) {
        memcpy(source->pkts[i].data, plain_frame, sizeof(plain_frame));
        source->pkts[i].len = FRAME_BYTES;
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

static uint32_t next_random(struct source *source) {
    source->random = source->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(source->random >> 32);
}

static void write_frame(struct source *source, uint32_t i, uint32_t flow) {
    uint32_t address = htonl(0x0a000000 + flow);
    memcpy(source->pkts[i].data + 26, &address, sizeof(address));
    leat_pkt_meta(source->pool, &source->pkts[i])->time_ns = source->now_ns += PACE_NS;
}

/* The next RING frames. */
static void source_fill(struct source *source) {
    for (uint32_t i = 0; i < RING; i++) {
        uint32_t any = (uint32_t)((uint64_t)next_random(source) * source->window >> 32);
        if (source->new_in && next_random(source) % source->new_in == 0) {
            source->base++;
            any = source->window - 1;
        }
        write_frame(source, i, source->base + any);
    }
}

/* --- the subject */

struct subject {
    struct leat_flow_meter *meter;
    struct leat_flow_decoder *decoder; /* the same parts once more, to time them one by one */
    struct leat_flow_cache *cache;
    struct leat_flow_queue *queue;
};

static bool ended(void *ctx, const struct leat_flow *flow) {
    return leat_flow_queue_put(ctx, flow);
}

static uint64_t drain(struct leat_flow_queue *queue) {
    uint64_t octets = 0;
    for (const struct leat_flow *flow; (flow = leat_flow_queue_peek(queue));
         leat_flow_queue_release(queue))
        octets += flow->side[0].octets;
    return octets;
}

/* New flows leave old ones behind, which fill a third of the room until they are idle. */
static struct leat_flow_meter_opts meter_opts(uint32_t flows, bool fresh,
                                              struct leat_flow_queue *queue) {
    struct leat_flow_meter_opts meter = { .times = true, .queue = queue };
    meter.cache.flows = flows + flows / 2;
    meter.cache.active_ns = 3600ull * 1000000000;
    meter.cache.idle_ns = fresh ? 5ull * flows * 2 / 3 * PACE_NS : meter.cache.active_ns;
    meter.cache.sweep_ns = meter.cache.idle_ns / 4 < 1000000000 ? 0 : 1000000000;
    return meter;
}

static int subject_open(struct subject *subject, uint32_t flows, bool fresh, bool parts) {
    memset(subject, 0, sizeof(*subject));
    if (leat_flow_queue_create(&subject->queue, 0, 0) < 0)
        return -1;
    struct leat_flow_meter_opts meter = meter_opts(flows, fresh, subject->queue);
    if (!parts)
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
}

/* Cycles of a ring full. */
struct spent {
    uint64_t source, total, decode, lookup, cache, export;
    uint64_t found; /* looked up with success */
};

static void meter_ring(struct subject *subject, const struct source *source, struct spent *spent) {
    uint64_t start = leat_cycles();
    for (uint32_t i = 0; i < RING; i += BATCH) {
        leat_flow_meter_add(subject->meter, source->pool, &source->pkts[i], BATCH);
        drain(subject->queue);
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

static void meter_ring_in_parts(struct subject *subject, const struct source *source,
                                struct spent *spent, bool lookup_only) {
    struct leat_flow_packet packets[GROUP + LEAT_FLOW_DECODED_MAX];
    for (uint32_t i = 0; i < RING; i += GROUP) {
        uint64_t start = leat_cycles();
        uint32_t n = 0;
        for (uint32_t k = i; k < i + GROUP; k++) {
            const struct leat_pkt *pkt = &source->pkts[k];
            const struct leat_meta *meta = leat_pkt_meta(source->pool, pkt);
            int got = leat_flow_decode(subject->decoder, pkt->data, pkt->len, pkt->len,
                                       meta->time_ns, 0, meta, pkt->flags, &packets[n]);
            n += got > 0 ? (uint32_t)got : 0;
        }
        uint64_t decoded = leat_cycles();
        spent->decode += decoded - start;
        if (lookup_only) {
            spent->found += look_up(subject->cache, packets, n);
            spent->lookup += leat_cycles() - decoded;
            continue;
        }
        leat_flow_cache_add(subject->cache, packets, n);
        uint64_t counted = leat_cycles();
        drain(subject->queue);
        spent->export += leat_cycles() - counted;
        spent->cache += counted - decoded;
    }
}

static void one_ring(struct subject *subject, struct source *source, struct spent *spent,
                     bool lookup_only) {
    uint64_t start = leat_cycles();
    source_fill(source);
    spent->source += leat_cycles() - start;
    if (subject->meter)
        meter_ring(subject, source, spent);
    else
        meter_ring_in_parts(subject, source, spent, lookup_only);
}

/* Every flow once. */
static void fill(struct subject *subject, struct source *source) {
    struct spent spent;
    uint32_t flow = 0;
    while (flow < source->window) {
        for (uint32_t i = 0; i < RING; i++, flow++)
            write_frame(source, i, source->base + (flow < source->window ? flow : 0));
        if (subject->meter)
            meter_ring(subject, source, &spent);
        else
            meter_ring_in_parts(subject, source, &spent, false);
    }
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

static double bound_cycles(const struct bound *bound, struct source *source, uint32_t packets) {
    uint32_t numbers[GROUP][2];
    uint64_t sum = 0, start = leat_cycles();
    for (uint32_t done = 0; done < packets; done += GROUP) {
        for (uint32_t i = 0; i < GROUP; i++) {
            uint64_t random = next_random(source);
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

static void print_mpps(uint32_t flows, uint32_t percent, const double *cycles, uint32_t n) {
    double mpps[RUNS_MAX];
    for (uint32_t i = 0; i < n; i++)
        mpps[i] = cycles_per_second / cycles[i] / 1e6;
    print_row("mpps", flows, percent, mpps, n);
}

static void print_cache(uint32_t flows, uint32_t percent,
                        const struct leat_flow_cache_stats *stats) {
    double in_cache = stats->flows, bytes = (double)stats->memory_bytes / stats->flows;
    print_row("flows in the cache", flows, percent, &in_cache, 1);
    print_row("bytes a flow", flows, percent, &bytes, 1);
}

enum { TOTAL, SOURCE, DECODE, LOOKUP, CACHE, EXPORT, BOUND, RATIO, ROWS };
static const char *const row_names[ROWS] = { "meter", "source", "decode", "look-up in cache",
                                             "cache", "export", "bound",  "meter/bound" };

/* Of known flows, between what else goes on; nothing is counted. */
static double time_lookups(struct subject *subject, struct source *source) {
    struct spent spent = { 0 };
    uint32_t packets = 0, new_in = source->new_in;
    source->new_in = 0;
    for (; packets < opts.packets / 4; packets += RING)
        one_ring(subject, source, &spent, true);
    source->new_in = new_in;
    return spent.found ? (double)spent.lookup / packets : 0;
}

/* Runs of the meter as a whole, or of its parts, into `rows`. */
static int run(struct source *source, uint32_t flows, uint32_t percent, bool parts,
               double rows[ROWS][RUNS_MAX]) {
    struct subject subject;
    struct spent ignored = { 0 };
    source->window = percent ? flows * 2 / 3 : flows;
    source->new_in = percent ? 100 / percent : 0;
    if (subject_open(&subject, flows, percent > 0, parts) < 0)
        return -1;
    fill(&subject, source);
    for (uint64_t n = 0; percent && n < 5ull * flows; n += RING) /* until as many come as go */
        one_ring(&subject, source, &ignored, false);
    for (uint32_t r = 0; r < opts.runs; r++) {
        struct spent spent = { 0 };
        uint32_t packets = 0;
        for (; packets < opts.packets; packets += RING)
            one_ring(&subject, source, &spent, false);
        rows[SOURCE][r] = (double)spent.source / packets;
        if (parts) {
            rows[DECODE][r] = (double)spent.decode / packets;
            rows[CACHE][r] = (double)spent.cache / packets;
            rows[EXPORT][r] = (double)spent.export / packets;
            rows[LOOKUP][r] = time_lookups(&subject, source);
        } else {
            rows[TOTAL][r] = (double)spent.total / packets;
        }
    }
    if (!parts) {
        struct leat_flow_meter_stats stats;
        leat_flow_meter_stats(subject.meter, &stats);
        print_cache(flows, percent, &stats.cache);
    }
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
        rows[BOUND][r] = bound_cycles(&bound, source, opts.packets);
        rows[RATIO][r] = rows[TOTAL][r] / rows[BOUND][r];
    }
    munmap(bound.buckets, bound.bucket_count * 64);
    munmap(bound.entries, bound.entry_count * 64);
    return 0;
}

static int measure(struct source *source, uint32_t flows, uint32_t percent) {
    static double rows[ROWS][RUNS_MAX];
    if (run(source, flows, percent, false, rows) < 0 ||
        run(source, flows, percent, true, rows) < 0 || run_bound(source, flows, rows) < 0) {
        fprintf(stderr, "flow_meter: %s\n", leat_error());
        return 1;
    }
    print_mpps(flows, percent, rows[TOTAL], opts.runs);
    for (uint32_t i = 0; i < ROWS; i++)
        print_row(row_names[i], flows, percent, rows[i], opts.runs);
    return 0;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double find_cycles_per_second(void) {
    double start_s = seconds_now(), now_s;
    uint64_t start = leat_cycles();
    while ((now_s = seconds_now()) - start_s < 0.1)
        ;
    return (double)(leat_cycles() - start) / (now_s - start_s);
}

static int usage(FILE *to) {
    fprintf(to, "Usage: flow_meter [--runs N] [--packets N] [--quick]\n\n"
                "Metering of 64 B packets on one core by the number of flows, without new ones "
                "and with 10 %% of\nthem, as CSV: min, median, max over the runs, in TSC cycles a "
                "packet but where the name says\nanother unit. --quick: up to 100,000 flows.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
    static const struct option longs[] = {
        { "runs", required_argument, NULL, 'r' },
        { "packets", required_argument, NULL, 'p' },
        { "quick", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 'r':
            opts.runs = (uint32_t)atoi(optarg);
            break;
        case 'p':
            opts.packets = (uint32_t)atoi(optarg);
            break;
        case 'q':
            opts.quick = true;
            break;
        case 'h':
            return usage(stdout);
        default:
            return usage(stderr);
        }
    }
    if (opts.runs < 1 || opts.runs > RUNS_MAX || opts.packets < 10000)
        return usage(stderr);
    static const uint32_t flows[] = { 10000, 100000, 1000000, 10000000 };
    struct source source;
    if (source_open(&source) < 0) {
        fprintf(stderr, "flow_meter: %s\n", leat_error());
        return 1;
    }
    cycles_per_second = find_cycles_per_second();
    puts("what,flows,new_percent,min,median,max");
    int err = 0;
    for (uint32_t i = 0; i < (opts.quick ? 2 : 4) && !err; i++)
        for (uint32_t percent = 0; percent <= 10 && !err; percent += 10)
            err = measure(&source, flows[i], percent);
    source_close(&source);
    return err;
}
