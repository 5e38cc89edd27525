/* SPDX-License-Identifier: BSD-2-Clause */
/* Metering of live traffic: its table, programs and counters. */
#include "clock.h"
#include "inline_private.h"
#include "lib/bpf/egress.h"
#include "lib/bpf/filter.h"
#include "lib/core/error.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <leat/error.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FLOWS_DEFAULT      65536
#define RING_DEFAULT_BYTES (4u << 20)
#define CORES_MAX          1024

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

/* What the programs are told before they are loaded, and their maps' sizes. */
static void tell_sampling(struct inline_bpf__rodata *to, const struct leat_flow_sampling *from) {
    if (from->kind == LEAT_FLOW_SAMPLING_COUNT) {
        to->sample_taken = from->interval;
        to->sample_period = from->interval + from->space;
    } else if (from->kind == LEAT_FLOW_SAMPLING_UNIFORM) {
        uint64_t below = ((uint64_t)from->size << 32) / from->population;
        to->sample_below = below > UINT32_MAX ? UINT32_MAX : (uint32_t)below;
    }
}

static int prepare(struct leat_flow_inline *self, int stages, uint32_t slot) {
    struct inline_bpf *object = self->object;
    const struct leat_table_opts table = table_opts(self);
    const uint32_t unit_bytes = leat_table_unit_bytes(&table);
    object->rodata->slot = slot;
    object->rodata->uniflow = self->opts.uniflow;
    object->rodata->key_parts = self->opts.key & (LEAT_INLINE_KEY_VLAN | LEAT_INLINE_KEY_TOS);
    tell_sampling(object->rodata, &self->opts.sampling);
    object->rodata->copies_wanted = self->opts.copy_packets;
    int err = bpf_map__reuse_fd(object->maps.leat_stages, stages);
    if (err == 0)
        err = bpf_map__set_max_entries(object->maps.flows,
                                       (uint32_t)(self->region_bytes / unit_bytes));
    if (err == 0 && self->opts.copy_packets)
        err = bpf_map__set_max_entries(object->maps.copies, self->opts.ring_bytes);
    return err;
}

static int load(void *ctx, int stages, uint32_t slot) {
    struct leat_flow_inline *self = ctx;
    struct leat_table_opts opts = table_opts(self);
    self->region_bytes = leat_table_bytes(&opts);
    self->object = inline_bpf__open();
    if (!self->object)
        return leat_fail(errno, "%s: cannot open its BPF programs: %s", self->name,
                         strerror(errno));
    libbpf_print_fn_t print = libbpf_set_print(be_quiet);
    int err = prepare(self, stages, slot);
    if (err == 0)
        err = inline_bpf__load(self->object);
    libbpf_set_print(print);
    if (err < 0)
        return leat_fail(-err, "%s: cannot load the programs that count flows: %s", self->name,
                         strerror(-err));
    err = make_table(self);
    if (err == 0)
        err = leat_inline_copies_open(self);
    if (err < 0)
        return err;
    return self->opts.filter
               ? leat_filter_load_received(self->name, bpf_map__fd(self->object->maps.behind_in),
                                           self->opts.filter, stages, slot)
               : dup(bpf_program__fd(self->object->progs.leat_flow_in));
}

static void set_defaults(struct leat_flow_inline_opts *opts) {
    if (!opts->flows)
        opts->flows = FLOWS_DEFAULT;
    if (!opts->ring_bytes)
        opts->ring_bytes = RING_DEFAULT_BYTES;
    if (!opts->copy_packets)
        opts->features = 0;
}

/* Frames that it sends are seen where the kernel can show them. */
static int attach_egress(struct leat_flow_inline *self) {
    if (self->opts.received_only) {
        snprintf(self->unsent, sizeof(self->unsent), "%s: only what it receives is to be counted",
                 self->name);
        return 0;
    }
    int program =
        self->opts.filter
            ? leat_filter_load_sent(self->name, bpf_map__fd(self->object->maps.behind_out),
                                    self->opts.filter)
            : dup(bpf_program__fd(self->object->progs.leat_flow_out));
    if (program < 0)
        return program;
    int link = leat_egress_attach(self->name, self->ifindex, program);
    close(program);
    if (link == -ENOTSUP) {
        snprintf(self->unsent, sizeof(self->unsent), "%s", leat_error());
        return 0;
    }
    self->egress = link;
    return link < 0 ? link : 0;
}

static int open_inline(struct leat_flow_inline *self, const char *interface,
                       const struct leat_flow_inline_opts *opts) {
    self->opts = *opts;
    set_defaults(&self->opts);
    self->realtime = leat_flow_clock_ns(CLOCK_REALTIME) - leat_flow_clock_ns(CLOCK_MONOTONIC);
    leat_flow_inline_set_timeouts(self, opts->active_ns, opts->idle_ns);
    self->name = strdup(interface);
    if (!self->name)
        return leat_fail(ENOMEM, "%s: no memory", interface);
    self->ifindex = if_nametoindex(interface);
    if (!self->ifindex)
        return leat_fail(ENODEV, "%s: no such interface", interface);
    int err = leat_bpf_wait_open(&self->wait);
    if (err < 0)
        return err;
    struct leat_stage_opts stage = {
        .mode = opts->generic ? LEAT_XDP_GENERIC : LEAT_XDP_AUTO,
        .queues = 1,
        .load = load,
        .ctx = self,
    };
    err = leat_stage_open(&self->stage, interface, self->ifindex, &stage);
    if (err < 0)
        return err;
    self->mode = leat_stage_mode(self->stage);
    return attach_egress(self);
}

static int check(const char *interface, const struct leat_flow_inline_opts *opts) {
    const uint32_t keys = LEAT_FLOW_KEY_VLAN | LEAT_FLOW_KEY_TOS | LEAT_FLOW_KEY_INTERFACE;
    if (opts->key & ~keys)
        return leat_fail(ENOTSUP,
                         "%s: inline, flows can differ by VLAN, ToS and interface; MPLS labels and "
                         "tunnels are not looked behind",
                         interface);
    if (opts->sampling.kind != LEAT_FLOW_SAMPLING_NONE &&
        opts->sampling.kind != LEAT_FLOW_SAMPLING_COUNT &&
        opts->sampling.kind != LEAT_FLOW_SAMPLING_UNIFORM)
        return leat_fail(ENOTSUP,
                         "%s: inline, packets can be sampled by count or uniformly: a program of "
                         "the kernel chooses them, one at a time",
                         interface);
    return 0;
}

int leat_flow_inline_open(struct leat_flow_inline **live, const char *interface,
                          const struct leat_flow_inline_opts *opts) {
    int err = check(interface, opts);
    *live = NULL;
    if (err < 0)
        return err;
    *live = calloc(1, sizeof(**live));
    if (!*live)
        return leat_fail(ENOMEM, "%s: no memory", interface);
    (*live)->egress = -1;
    (*live)->wait = (struct leat_bpf_wait){ -1, -1 };
    err = open_inline(*live, interface, opts);
    if (err < 0) {
        leat_flow_inline_close(*live);
        *live = NULL;
    }
    return err;
}

static void take_off(struct leat_flow_inline *self) {
    if (self->egress >= 0)
        close(self->egress);
    leat_stage_close(self->stage);
    self->egress = -1;
    self->stage = NULL;
}

int leat_flow_inline_stop(struct leat_flow_inline *self) {
    take_off(self);
    return leat_bpf_wait_for_programs(&self->wait);
}

void leat_flow_inline_close(struct leat_flow_inline *self) {
    if (!self)
        return;
    take_off(self);
    leat_bpf_wait_close(&self->wait);
    leat_inline_copies_close(self);
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
    return self->mode == LEAT_XDP_NATIVE ? "native" : "generic";
}

const char *leat_flow_inline_unsent(const struct leat_flow_inline *self) {
    return self->unsent[0] ? self->unsent : NULL;
}

void leat_flow_inline_stats(const struct leat_flow_inline *self,
                            struct leat_flow_meter_stats *stats) {
    struct leat_table_stats table;
    leat_table_stats(self->table, &table);
    *stats = (struct leat_flow_meter_stats){
        .frames = counter(self, LEAT_INLINE_FRAMES),
        .octets = counter(self, LEAT_INLINE_OCTETS),
        .filtered = counter(self, LEAT_INLINE_FILTERED),
        .unsampled = counter(self, LEAT_INLINE_UNSAMPLED),
        .ignored_octets = counter(self, LEAT_INLINE_IGNORED_OCTETS),
        .selected = counter(self, LEAT_INLINE_COUNTED),
        .cache = {
            .octets = counter(self, LEAT_INLINE_IP_OCTETS),
            .flows_made = table.inserts,
            .flows = table.used,
            .flows_max = table.capacity,
            .memory_bytes = (uint64_t)bpf_map__max_entries(self->object->maps.flows) *
                            bpf_map__value_size(self->object->maps.flows),
        },
        .copied = read_once(&self->copies.copied),
        .uncopied = read_once(&self->copies.undecoded) + counter(self, LEAT_INLINE_UNCOPIED),
    };
    stats->cache.packets = stats->selected;
    stats->skipped[LEAT_FLOW_SKIP_NOT_IP] = counter(self, LEAT_INLINE_NOT_IP);
    stats->skipped[LEAT_FLOW_SKIP_MALFORMED] = counter(self, LEAT_INLINE_MALFORMED);
    stats->skipped[LEAT_FLOW_SKIP_TRUNCATED] = counter(self, LEAT_INLINE_TRUNCATED);
    stats->skipped[LEAT_FLOW_SKIP_NO_ROOM] = counter(self, LEAT_INLINE_FULL);
    for (uint32_t i = 0; i < sizeof(self->flows_ended) / sizeof(*self->flows_ended); i++)
        stats->cache.flows_ended[i] = read_once(&self->flows_ended[i]);
}
