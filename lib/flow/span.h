/* SPDX-License-Identifier: BSD-2-Clause */
/* When losses happened: collectors are told the first and the last time (RFC 7011, 4.2 and 4.3). */
#ifndef LEAT_FLOW_SPAN_H
#define LEAT_FLOW_SPAN_H

#include <stdint.h>

struct leat_span {
    uint64_t first_ns, last_ns; /* 0: it has not happened */
};

static inline void leat_span_add(struct leat_span *span, uint64_t time_ns) {
    if (!span->first_ns || time_ns < span->first_ns)
        span->first_ns = time_ns;
    if (time_ns > span->last_ns)
        span->last_ns = time_ns;
}

static inline void leat_span_join(struct leat_span *span, const struct leat_span *other) {
    if (!other->first_ns)
        return;
    leat_span_add(span, other->first_ns);
    leat_span_add(span, other->last_ns);
}

#endif
