/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packets are metered (RFC 5475). */
#ifndef LEAT_FLOW_SAMPLING_H
#define LEAT_FLOW_SAMPLING_H

#include "packet.h"
#include <stdbool.h>
#include <stdint.h>

enum leat_flow_sampling_kind {
    LEAT_FLOW_SAMPLING_NONE,
    LEAT_FLOW_SAMPLING_COUNT,   /* `interval` packets of each `interval + space`, systematic */
    LEAT_FLOW_SAMPLING_RANDOM,  /* `size` of each `population`, n-out-of-N */
    LEAT_FLOW_SAMPLING_UNIFORM, /* each with the probability size / population */
    LEAT_FLOW_SAMPLING_HASH,    /* by a keyed hash of what does not change on the way (RFC 5475,
                                   6.2): all probes with one seed choose the same packets */
};

struct leat_flow_sampling {
    enum leat_flow_sampling_kind kind;
    uint32_t interval, space;
    uint32_t size, population;
    uint64_t seed; /* 0: random; of HASH: to be given, the same everywhere */
};

/* Parses "1/100" (count), "random:1/100", "uniform:1/100", "hash:1/100:SEED". -EINVAL, sentence. */
int leat_flow_sampling_parse(struct leat_flow_sampling *sampling, const char *text);

/* One worker's place in the sequence of packets. */
struct leat_flow_sampler {
    struct leat_flow_sampling sampling;
    uint32_t left;   /* packets of the period or population still to come */
    uint32_t wanted; /* of these, to be taken */
    uint64_t random;
};

/* Random numbers begin anew: from the seed, or from the kernel's when that is 0. */
void leat_flow_sampler_init(struct leat_flow_sampler *sampler,
                            const struct leat_flow_sampling *sampling);

/* Whether the next packet is taken, when what it holds does not matter: not of HASH and NONE. */
bool leat_flow_sampler_next(struct leat_flow_sampler *sampler);

/* Whether this packet is taken, of HASH. */
bool leat_flow_sampler_takes(const struct leat_flow_sampler *sampler,
                             const struct leat_flow_packet *packet);

#endif
