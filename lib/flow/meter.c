/* SPDX-License-Identifier: BSD-2-Clause */
/* One worker's metering: what happens to a frame from the port to the cache. */
#include "meter.h"
#include "clock.h"
#include "filter.h"
#include "lib/core/error.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Packets decoded before they are counted: they and their frames' headers fit the first cache. */
#define GROUP 32

/* How far ahead headers are fetched. */
#define AHEAD 8

/* What a capture says of a frame of which it has a part is not believed beyond this: it is the most
 * that libpcap captures. */
#define WIRE_LEN_MAX 262144

/* What a reload replaces. */
struct settings {
    struct leat_flow_filter *filter; /* NULL: all frames */
    struct leat_flow_sampler sampler;
    uint64_t active_ns, idle_ns;
    struct settings *older; /* that are to be freed, too */
};

struct counters {
    _Atomic uint64_t frames, octets, filtered, unsampled, selected;
    _Atomic uint64_t ignored_octets, first_ignored_ns, last_ignored_ns;
    _Atomic uint64_t skipped[LEAT_FLOW_SKIP_COUNT];
};

/* Of one batch; added to the counters at its end. */
struct sums {
    uint64_t frames, octets, filtered, unsampled, selected;
    uint64_t skipped[LEAT_FLOW_SKIP_COUNT], ignored_octets;
    struct leat_span ignored_when;
};

struct leat_flow_meter {
    struct leat_flow_decoder *decoder;
    struct leat_flow_cache *cache;
    struct leat_flow_queue *queue;
    struct settings *settings;
    bool times;
    uint32_t interface;
    struct leat_flow_packet packets[GROUP + LEAT_FLOW_DECODED_MAX];

    _Alignas(64) struct counters counters;
    _Alignas(64) _Atomic(struct settings *) next; /* to be taken over by the worker */
    _Atomic(struct settings *) last;              /* what it used before */
};

/* --- opening */

static void settings_free(struct settings *settings) {
    while (settings) {
        struct settings *older = settings->older;
        leat_flow_filter_destroy(settings->filter);
        free(settings);
        settings = older;
    }
}

static int settings_make(struct settings **settings, const struct leat_flow_meter_opts *opts) {
    struct settings *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow meter: no memory");
    leat_flow_sampler_init(&made->sampler, &opts->sampling);
    made->active_ns = opts->cache.active_ns;
    made->idle_ns = opts->cache.idle_ns;
    int err = opts->filter ? leat_flow_filter_create(&made->filter, opts->filter) : 0;
    if (err < 0) {
        free(made);
        return err;
    }
    *settings = made;
    return 0;
}

static bool ended(void *ctx, const struct leat_flow *flow) {
    struct leat_flow_meter *meter = ctx;
    return leat_flow_queue_put(meter->queue, flow);
}

static int open_decoder(struct leat_flow_meter *meter, const struct leat_flow_meter_opts *opts) {
    struct leat_flow_decode_opts decode = opts->decode;
    decode.uniflow = opts->cache.uniflow;
    decode.scopes =
        LEAT_FLOW_SCOPES_OF(opts->cache.flows ? opts->cache.flows : LEAT_FLOW_CACHE_FLOWS);
    decode.details |= !!(opts->cache.features & LEAT_FLOW_NOTES);
    return leat_flow_decoder_create(&meter->decoder, &decode);
}

static int open_cache(struct leat_flow_meter *meter, const struct leat_flow_meter_opts *opts) {
    struct leat_flow_cache_opts cache = opts->cache;
    cache.ended = ended;
    cache.scopes = leat_flow_decoder_scopes(meter->decoder);
    cache.ctx = meter;
    return leat_flow_cache_create(&meter->cache, &cache);
}

int leat_flow_meter_create(struct leat_flow_meter **meter,
                           const struct leat_flow_meter_opts *opts) {
    if (!opts->queue)
        return leat_fail(EINVAL, "flow meter: no queue to the exporter was given");
    struct leat_flow_meter *made = aligned_alloc(64, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow meter: no memory");
    memset(made, 0, sizeof(*made));
    made->queue = opts->queue;
    made->times = opts->times;
    made->interface = opts->interface;
    int err = settings_make(&made->settings, opts);
    if (err == 0)
        err = open_decoder(made, opts);
    if (err == 0)
        err = open_cache(made, opts);
    if (err < 0) {
        leat_flow_meter_destroy(made);
        return err;
    }
    *meter = made;
    return 0;
}

void leat_flow_meter_destroy(struct leat_flow_meter *meter) {
    if (!meter)
        return;
    leat_flow_cache_destroy(meter->cache);
    leat_flow_decoder_destroy(meter->decoder);
    settings_free(meter->settings);
    settings_free(atomic_load(&meter->next));
    settings_free(atomic_load(&meter->last));
    free(meter);
}

/* --- reload */

/* By the worker. What it used before is left for the next reload, since freeing takes locks. */
static void take_over(struct leat_flow_meter *meter) {
    if (__builtin_expect(!atomic_load_explicit(&meter->next, memory_order_relaxed), 1))
        return;
    struct settings *last = meter->settings;
    meter->settings = atomic_exchange(&meter->next, NULL);
    leat_flow_cache_set_timeouts(meter->cache, meter->settings->active_ns,
                                 meter->settings->idle_ns);
    last->older = atomic_exchange(&meter->last, NULL);
    atomic_store(&meter->last, last);
}

int leat_flow_meter_reload(struct leat_flow_meter *meter, const struct leat_flow_meter_opts *opts) {
    struct settings *next;
    int err = settings_make(&next, opts);
    if (err < 0)
        return err;
    settings_free(atomic_exchange(&meter->next, next)); /* which the worker has not seen */
    settings_free(atomic_exchange(&meter->last, NULL));
    return 0;
}

/* --- a batch */

/* A frame of several buffers: its headers are looked for in the first one. Returns its length.
 * leat_rx() never gives part of a frame; if there is one, what there is counts. */
static uint32_t add_segments(const struct leat_pkt *pkts, uint32_t n, uint32_t *segments) {
    uint32_t len = 0, whole = leat_frame_segments(pkts, n);
    *segments = whole ? whole : n;
    for (uint32_t i = 0; i < *segments; i++)
        len += pkts[i].len;
    return len;
}

/* Before decoding: whether the frame is wanted at all. */
static inline bool wanted(struct leat_flow_meter *meter, const struct leat_pkt *pkt, uint32_t len,
                          struct sums *sums) {
    struct settings *settings = meter->settings;
    if (settings->filter && !leat_flow_filter_passes(settings->filter, pkt->data, pkt->len, len)) {
        sums->filtered++;
        return false;
    }
    if (settings->sampler.sampling.kind != LEAT_FLOW_SAMPLING_NONE &&
        !leat_flow_sampler_next(&settings->sampler)) {
        sums->unsampled++;
        return false;
    }
    return true;
}

/* Returns how many packets of the frame are to be counted; they go to `packets`. */
static inline uint32_t meter_frame(struct leat_flow_meter *meter, const struct leat_pool *pool,
                                   const struct leat_pkt *pkt, uint32_t len, uint64_t now_ns,
                                   struct leat_flow_packet *packets, struct sums *sums) {
    const struct leat_meta *meta = NULL;
    if (pkt->flags & LEAT_PKT_META) {
        meta = leat_pkt_meta(pool, pkt);
        if (meter->times && pkt->flags & LEAT_PKT_TIME)
            now_ns = meta->time_ns;
        if (meta->wire_len > len)
            len = meta->wire_len < WIRE_LEN_MAX ? meta->wire_len : WIRE_LEN_MAX;
    }
    sums->frames++;
    sums->octets += len;
    if (!wanted(meter, pkt, len, sums))
        return 0;
    int n = leat_flow_decode(meter->decoder, pkt->data, pkt->len, len, now_ns, meter->interface,
                             meta, pkt->flags, packets);
    if (n < 0) {
        sums->skipped[-1 - n]++;
        if (n != -1 - LEAT_FLOW_SKIP_NOT_IP) {
            sums->ignored_octets += len;
            leat_span_add(&sums->ignored_when, now_ns);
        }
        return 0;
    }
    if (meter->settings->sampler.sampling.kind == LEAT_FLOW_SAMPLING_HASH &&
        !leat_flow_sampler_takes(&meter->settings->sampler, packets)) {
        sums->unsampled++;
        return 0;
    }
    sums->selected++;
    return (uint32_t)n;
}

static inline void add(_Atomic uint64_t *counter, uint64_t n) {
    if (n)
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                              memory_order_relaxed);
}

static void add_sums(struct counters *counters, const struct sums *sums) {
    add(&counters->frames, sums->frames);
    add(&counters->octets, sums->octets);
    add(&counters->filtered, sums->filtered);
    add(&counters->unsampled, sums->unsampled);
    add(&counters->selected, sums->selected);
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        add(&counters->skipped[i], sums->skipped[i]);
    add(&counters->ignored_octets, sums->ignored_octets);
    if (!sums->ignored_when.last_ns)
        return;
    if (!atomic_load_explicit(&counters->first_ignored_ns, memory_order_relaxed))
        atomic_store_explicit(&counters->first_ignored_ns, sums->ignored_when.first_ns,
                              memory_order_relaxed);
    atomic_store_explicit(&counters->last_ignored_ns, sums->ignored_when.last_ns,
                          memory_order_relaxed);
}

void leat_flow_meter_add(struct leat_flow_meter *meter, const struct leat_pool *pool,
                         const struct leat_pkt *pkts, uint32_t n) {
    struct sums sums = { 0 };
    take_over(meter);
    leat_flow_scopes_reclaim(leat_flow_decoder_scopes(meter->decoder));
    uint64_t now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
    uint32_t decoded = 0;
    for (uint32_t i = 0; i < n;) {
        uint32_t segments = 1, len = pkts[i].len;
        if (pkts[i].flags & LEAT_PKT_MORE)
            len = add_segments(&pkts[i], n - i, &segments);
        if (i + AHEAD < n)
            __builtin_prefetch(pkts[i + AHEAD].data);
        decoded += meter_frame(meter, pool, &pkts[i], len, now_ns, &meter->packets[decoded], &sums);
        i += segments;
        if (decoded >= GROUP) {
            leat_flow_cache_add(meter->cache, meter->packets, decoded);
            decoded = 0;
        }
    }
    if (decoded)
        leat_flow_cache_add(meter->cache, meter->packets, decoded);
    add_sums(&meter->counters, &sums);
}

void leat_flow_meter_tick(struct leat_flow_meter *meter, uint64_t now_ns) {
    take_over(meter);
    leat_flow_cache_tick(meter->cache, now_ns);
}

uint32_t leat_flow_meter_flush(struct leat_flow_meter *meter, enum leat_flow_end reason) {
    return leat_flow_cache_flush(meter->cache, reason);
}

uint32_t leat_flow_meter_top(struct leat_flow_meter *meter, struct leat_flow *flows, uint32_t n,
                             enum leat_flow_top by) {
    return leat_flow_cache_top(meter->cache, flows, n, by);
}

void leat_flow_meter_stats(const struct leat_flow_meter *meter,
                           struct leat_flow_meter_stats *stats) {
    const struct counters *counters = &meter->counters;
#define READ(name) .name = atomic_load_explicit(&counters->name, memory_order_relaxed)
    *stats = (struct leat_flow_meter_stats){
        READ(frames),
        READ(octets),
        READ(filtered),
        READ(unsampled),
        READ(selected),
        READ(ignored_octets),
        .ignored_when = { atomic_load_explicit(&counters->first_ignored_ns, memory_order_relaxed),
                          atomic_load_explicit(&counters->last_ignored_ns, memory_order_relaxed) },
    };
#undef READ
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        stats->skipped[i] = atomic_load_explicit(&counters->skipped[i], memory_order_relaxed);
    leat_flow_cache_stats(meter->cache, &stats->cache);
}
