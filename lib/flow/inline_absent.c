/* SPDX-License-Identifier: BSD-2-Clause */
/* inline.h in a build without BPF programs: it cannot be opened. */
#include "inline.h"
#include "lib/core/error.h"
#include <errno.h>

int leat_flow_inline_open(struct leat_flow_inline **live, const char *interface,
                          const struct leat_flow_inline_opts *opts) {
    (void)opts;
    *live = NULL;
    return leat_fail(ENOTSUP,
                     "%s: cannot meter inline: this build has no BPF programs; it takes clang, "
                     "bpftool and libbpf",
                     interface);
}

int leat_flow_inline_stop(struct leat_flow_inline *live) {
    (void)live;
    return -ENOTSUP;
}

void leat_flow_inline_close(struct leat_flow_inline *live) {
    (void)live;
}

int leat_flow_inline_look(struct leat_flow_inline *live) {
    (void)live;
    return -ENOTSUP;
}

int leat_flow_inline_sweep(struct leat_flow_inline *live) {
    (void)live;
    return -ENOTSUP;
}

int leat_flow_inline_flush(struct leat_flow_inline *live, enum leat_flow_end reason) {
    (void)live, (void)reason;
    return 0;
}

uint32_t leat_flow_inline_top(struct leat_flow_inline *live, struct leat_flow *flows, uint32_t n,
                              enum leat_flow_top by) {
    (void)live, (void)flows, (void)n, (void)by;
    return 0;
}

void leat_flow_inline_set_timeouts(struct leat_flow_inline *live, uint64_t active_ns,
                                   uint64_t idle_ns) {
    (void)live, (void)active_ns, (void)idle_ns;
}

const char *leat_flow_inline_mode(const struct leat_flow_inline *live) {
    (void)live;
    return "absent";
}

const char *leat_flow_inline_unsent(const struct leat_flow_inline *live) {
    (void)live;
    return "absent";
}

void leat_flow_inline_stats(const struct leat_flow_inline *live,
                            struct leat_flow_meter_stats *stats) {
    (void)live;
    *stats = (struct leat_flow_meter_stats){ 0 };
}
