/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Templates over UDP, when datagrams were refused: what nobody took may have been templates, and
 * who listens there next may know none. So they are said again, at most once a second.
 */
#ifndef LEAT_FLOW_REPEAT_H
#define LEAT_FLOW_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#define LEAT_REPEAT_NS 1000000000ull

struct leat_repeat {
    uint64_t due_ns; /* CLOCK_REALTIME; 0: nothing was refused */
};

static inline void leat_repeat_ask(struct leat_repeat *repeat, uint64_t now_ns) {
    if (repeat->due_ns == 0)
        repeat->due_ns = now_ns + LEAT_REPEAT_NS;
}

/* Whether it is time; it is, too, when the clock was set back. */
static inline bool leat_repeat_due(const struct leat_repeat *repeat, uint64_t now_ns) {
    return repeat->due_ns != 0 &&
           (now_ns >= repeat->due_ns || repeat->due_ns - now_ns > LEAT_REPEAT_NS);
}

#endif
