/* SPDX-License-Identifier: BSD-2-Clause */
/* The half of inline.h that runs in user space: it makes the table, loads the program, and ends
 * flows.
 */
#include "inline.h"
#include "clock.h"
#include "inline.skel.h"
#include "inline_record.h"
#include "lib/bpf/stage.h"
#include "lib/bpf/wait.h"
#include "lib/core/error.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <leat/table.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RETIRED_MAX 4096       /* flows that end together, for one wait */
#define LINGER_NS   1000000000 /* after TCP's last word, for what is still on its way */
#define TCP_FIN     0x01
#define TCP_RST     0x04
#define CORES_MAX   1024

struct ending {
    uint32_t index;
    enum leat_flow_end reason;
};

struct leat_flow_inline {
    struct leat_flow_inline_opts opts;
    char *name;
    uint32_t ifindex;
    struct inline_bpf *object;
    struct leat_stage *stage;
    struct leat_table *table;
    void *region;
    size_t region_bytes;
    struct ending endings[RETIRED_MAX]; /* out of the table, not yet taken by `ended` */
    uint32_t ending_count;
    uint64_t flows_ended[6];
};

/* --- Opening --- */

static struct leat_table_opts table_opts(const struct leat_flow_inline *self) {
    return (struct leat_table_opts){
        .size = sizeof(struct leat_table_opts),
        .capacity = self->opts.flows,
        .key_bytes = sizeof(struct leat_inline_key),
        .entry_bytes = sizeof(struct leat_inline_record),
        .flags = LEAT_TABLE_SHARED,
        .seed = self->opts.seed,
    };
}

/* The map's memory is the table's region. */
static int make_table(struct leat_flow_inline *self) {
    struct leat_table_opts opts = table_opts(self);
    self->region = mmap(NULL, self->region_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                        bpf_map__fd(self->object->maps.flows), 0);
    if (self->region == MAP_FAILED) {
        self->region = NULL;
        return leat_fail(errno, "%s: cannot map the table of flows: %s", self->name,
                         strerror(errno));
    }
    return leat_table_init(&self->table, self->region, self->region_bytes, &opts);
}

/* libbpf would tell the terminal why the verifier refuses it; its errno will do. */
static int be_quiet(enum libbpf_print_level level, const char *format, va_list arguments) {
    (void)level, (void)format, (void)arguments;
    return 0;
}

static int load(void *ctx, int stages, uint32_t slot) {
    struct leat_flow_inline *self = ctx;
    struct leat_table_opts opts = table_opts(self);
    self->region_bytes = leat_table_bytes(&opts);
    self->object = inline_bpf__open();
    if (!self->object)
        return leat_fail(errno, "%s: cannot open its XDP program: %s", self->name, strerror(errno));
    self->object->rodata->slot = slot;
    libbpf_print_fn_t print = libbpf_set_print(be_quiet);
    int err = bpf_map__reuse_fd(self->object->maps.leat_stages, stages);
    if (err == 0)
        err =
            bpf_map__set_max_entries(self->object->maps.flows,
                                     (uint32_t)(self->region_bytes / leat_table_unit_bytes(&opts)));
    if (err == 0)
        err = inline_bpf__load(self->object);
    libbpf_set_print(print);
    if (err < 0)
        return leat_fail(-err, "%s: cannot load the XDP program that counts flows: %s", self->name,
                         strerror(-err));
    err = make_table(self);
    return err < 0 ? err : dup(bpf_program__fd(self->object->progs.leat_flow_inline));
}

static int open_inline(struct leat_flow_inline *self, const char *interface,
                       const struct leat_flow_inline_opts *opts) {
    self->opts = *opts;
    self->opts.flows = opts->flows ? opts->flows : 65536;
    leat_flow_inline_set_timeouts(self, opts->active_ns, opts->idle_ns);
    self->name = strdup(interface);
    if (!self->name)
        return leat_fail(ENOMEM, "%s: no memory", interface);
    self->ifindex = if_nametoindex(interface);
    if (!self->ifindex)
        return leat_fail(ENODEV, "%s: no such interface", interface);
    struct leat_stage_opts stage = {
        .mode = opts->generic ? LEAT_XDP_GENERIC : LEAT_XDP_AUTO,
        .queues = 1,
        .load = load,
        .ctx = self,
    };
    return leat_stage_open(&self->stage, interface, self->ifindex, &stage);
}

int leat_flow_inline_open(struct leat_flow_inline **live, const char *interface,
                          const struct leat_flow_inline_opts *opts) {
    *live = calloc(1, sizeof(**live));
    if (!*live)
        return leat_fail(ENOMEM, "%s: no memory", interface);
    int err = open_inline(*live, interface, opts);
    if (err < 0) {
        leat_flow_inline_close(*live);
        *live = NULL;
    }
    return err;
}

void leat_flow_inline_close(struct leat_flow_inline *self) {
    if (!self)
        return;
    leat_stage_close(self->stage);
    if (self->region)
        munmap(self->region, self->region_bytes);
    inline_bpf__destroy(self->object);
    free(self->name);
    free(self);
}

void leat_flow_inline_set_timeouts(struct leat_flow_inline *self, uint64_t active_ns,
                                   uint64_t idle_ns) {
    uint64_t active = active_ns ? active_ns : 300000000000, idle = idle_ns ? idle_ns : 30000000000;
    __atomic_store_n(&self->opts.active_ns, active, __ATOMIC_RELAXED);
    __atomic_store_n(&self->opts.idle_ns, idle, __ATOMIC_RELAXED);
}

/* --- Ending flows --- */

static uint64_t read_once(const uint64_t *value) {
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

/* The first and the last packet of both sides; false: none was counted yet. */
static bool span(const struct leat_inline_record *record, uint64_t *first_ns, uint64_t *last_ns) {
    *first_ns = UINT64_MAX;
    *last_ns = 0;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t first = read_once(&record->side[i].first_ns);
        uint64_t last = read_once(&record->side[i].last_ns);
        if (first && first < *first_ns)
            *first_ns = first;
        if (last > *last_ns)
            *last_ns = last;
    }
    return *first_ns != UINT64_MAX && *last_ns >= *first_ns;
}

/* Why a flow ends now; 0: it goes on. */
static enum leat_flow_end end_of(const struct leat_flow_inline *self,
                                 const struct leat_inline_record *record, uint64_t now_ns) {
    uint64_t first_ns, last_ns;
    if (!span(record, &first_ns, &last_ns) || now_ns < last_ns)
        return 0;
    uint64_t flags[2] = { read_once(&record->side[0].flags), read_once(&record->side[1].flags) };
    bool over = ((flags[0] | flags[1]) & TCP_RST) || (flags[0] & flags[1] & TCP_FIN);
    if (over && now_ns - last_ns >= LINGER_NS)
        return LEAT_FLOW_END_DETECTED;
    if (now_ns - last_ns >= read_once(&self->opts.idle_ns))
        return LEAT_FLOW_END_IDLE;
    return now_ns - first_ns >= read_once(&self->opts.active_ns) ? LEAT_FLOW_END_ACTIVE : 0;
}

static void fill_side(struct leat_flow_side *to, const struct leat_inline_side *from,
                      uint64_t realtime) {
    if (!from->packets)
        return;
    *to = (struct leat_flow_side){
        .packets = from->packets,
        .octets = from->octets,
        .frame_octets = from->frame_octets,
        .payload_octets = from->payload_octets,
        .first_ns = from->first_ns + realtime,
        .last_ns = from->last_ns + realtime,
        .tcp_flags = from->flags & 0x1ff,
        .tcp_flags_first = from->tcp_flags_first,
        .ttl_min = from->ttl_min,
        .ttl_max = from->ttl_max,
        .tos = from->tos,
        .fragment_flags = (uint8_t)(from->flags >> LEAT_INLINE_FRAGMENTS),
    };
}

/* The side that was seen first becomes the source. */
static void fill_flow(const struct leat_flow_inline *self, const struct leat_inline_record *record,
                      enum leat_flow_end reason, struct leat_flow *flow) {
    const struct leat_inline_side *side = record->side;
    uint64_t realtime = leat_flow_clock_ns(CLOCK_REALTIME) - leat_flow_clock_ns(CLOCK_MONOTONIC);
    uint32_t first = side[1].packets && (!side[0].packets || side[1].first_ns < side[0].first_ns);
    *flow = (struct leat_flow){
        .version = record->key.version,
        .protocol = record->key.protocol,
        .end = (uint8_t)reason,
        .biflow = 1,
        .port = { be16toh(record->key.port[first]), be16toh(record->key.port[!first]) },
        .id = leat_table_hash(self->table, &record->key, sizeof(record->key)),
        .worker = self->opts.worker,
        .scope = { .interface = self->ifindex },
    };
    memcpy(flow->address[0], record->key.address[first], 16);
    memcpy(flow->address[1], record->key.address[!first], 16);
    fill_side(&flow->side[0], &side[first], realtime);
    fill_side(&flow->side[1], &side[!first], realtime);
    flow->start_ns = flow->side[0].first_ns;
}

/* Others read it meanwhile. */
static void count_ended(struct leat_flow_inline *self, enum leat_flow_end reason) {
    __atomic_store_n(&self->flows_ended[reason], self->flows_ended[reason] + 1, __ATOMIC_RELAXED);
}

/* Hands over what is out of the table, oldest first; what finds no room stays for the next time. */
static uint32_t hand_over(struct leat_flow_inline *self) {
    uint32_t done = 0;
    for (; done < self->ending_count; done++) {
        const struct ending *ending = &self->endings[done];
        struct leat_flow flow;
        fill_flow(self, leat_table_entry(self->table, ending->index), ending->reason, &flow);
        if (!self->opts.ended(self->opts.ctx, &flow))
            break;
        count_ended(self, ending->reason);
        leat_table_release(self->table, ending->index);
    }
    self->ending_count -= done;
    memmove(self->endings, self->endings + done, self->ending_count * sizeof(*self->endings));
    return done;
}

/* Takes flows out of the table: from then on their packets make new entries, but programs that
 * found the old ones may still add to them until the wait is over. `all`: whatever their times are.
 */
static int end_flows(struct leat_flow_inline *self, enum leat_flow_end all) {
    uint64_t now_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
    uint32_t entries = leat_table_entries(self->table), before = self->ending_count;
    for (uint32_t i = 0; i < entries && self->ending_count < RETIRED_MAX; i++) {
        if (!leat_table_used(self->table, i))
            continue;
        enum leat_flow_end reason = all;
        if (!all)
            reason = end_of(self, leat_table_entry(self->table, i), now_ns);
        if (!reason || !leat_table_retire(self->table, i))
            continue;
        self->endings[self->ending_count++] = (struct ending){ i, reason };
    }
    if (self->ending_count == before)
        return 0;
    int err = leat_bpf_wait_for_programs();
    return err < 0 ? err : (int)(self->ending_count - before);
}

int leat_flow_inline_sweep(struct leat_flow_inline *self) {
    hand_over(self);
    int ended = end_flows(self, 0);
    if (ended > 0)
        hand_over(self);
    return ended;
}

uint32_t leat_flow_inline_flush(struct leat_flow_inline *self, enum leat_flow_end reason) {
    uint32_t handed = 1;
    while (handed > 0) {
        if (end_flows(self, reason) < 0)
            break;
        handed = hand_over(self);
    }
    struct leat_table_stats stats;
    leat_table_stats(self->table, &stats);
    return stats.used;
}

/* --- Counters --- */

static uint64_t counter(const struct leat_flow_inline *self, uint32_t which) {
    uint64_t values[CORES_MAX];
    int cores = libbpf_num_possible_cpus();
    uint64_t sum = 0;
    if (cores < 1 || cores > CORES_MAX ||
        bpf_map_lookup_elem(bpf_map__fd(self->object->maps.counters), &which, values) < 0)
        return 0;
    for (int i = 0; i < cores; i++)
        sum += values[i];
    return sum;
}

const char *leat_flow_inline_mode(const struct leat_flow_inline *self) {
    return leat_stage_mode(self->stage) == LEAT_XDP_NATIVE ? "native" : "generic";
}

void leat_flow_inline_stats(const struct leat_flow_inline *self,
                            struct leat_flow_meter_stats *stats) {
    struct leat_table_stats table;
    leat_table_stats(self->table, &table);
    *stats = (struct leat_flow_meter_stats){
        .frames = counter(self, LEAT_INLINE_FRAMES),
        .octets = counter(self, LEAT_INLINE_OCTETS),
        .selected = counter(self, LEAT_INLINE_COUNTED),
        .cache = {
            .octets = counter(self, LEAT_INLINE_IP_OCTETS),
            .flows_made = table.inserts,
            .flows = table.used,
            .flows_max = table.capacity,
            .memory_bytes = self->region_bytes,
        },
    };
    stats->cache.packets = stats->selected;
    stats->skipped[LEAT_FLOW_SKIP_NOT_IP] = counter(self, LEAT_INLINE_NOT_IP);
    stats->skipped[LEAT_FLOW_SKIP_MALFORMED] = counter(self, LEAT_INLINE_MALFORMED);
    stats->skipped[LEAT_FLOW_SKIP_TRUNCATED] = counter(self, LEAT_INLINE_TRUNCATED);
    stats->skipped[LEAT_FLOW_SKIP_NO_ROOM] = counter(self, LEAT_INLINE_FULL);
    for (uint32_t i = 0; i < sizeof(self->flows_ended) / sizeof(*self->flows_ended); i++)
        stats->cache.flows_ended[i] = read_once(&self->flows_ended[i]);
}
