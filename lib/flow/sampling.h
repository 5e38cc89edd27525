/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packets are metered (RFC 5475), announced to the collector with these numbers. */
#ifndef LEAT_FLOW_SAMPLING_H
#define LEAT_FLOW_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

enum leat_flow_sampling_kind { /* selectorAlgorithm, IANA element 304 */
                               LEAT_FLOW_SAMPLING_NONE = 0,
                               LEAT_FLOW_SAMPLING_COUNT = 1, /* `interval` packets of each `interval
                                                                + space`, systematic */
                               LEAT_FLOW_SAMPLING_RANDOM =
                                   3, /* `size` of each `population`, n-out-of-N */
                               LEAT_FLOW_SAMPLING_UNIFORM =
                                   4, /* each with the probability size / population */
                               LEAT_FLOW_SAMPLING_HASH =
                                   6, /* by a keyed hash of what does not change on the way (RFC
                                         5475, 6.2): all probes with one seed choose the same
                                         packets */
};

struct leat_flow_sampling {
    enum leat_flow_sampling_kind kind;
    uint32_t interval, space;
    uint32_t size, population;
    uint64_t seed; /* 0: random; of HASH: to be given, the same everywhere */
};

/* Parses "1/100" (count), "random:1/100", "uniform:1/100", "hash:1/100:SEED". -EINVAL, sentence. */
int leat_flow_sampling_parse(struct leat_flow_sampling *sampling, const char *text);

#endif
