/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packets are metered: the selectors of RFC 5475, sections 5 and 6.2. */
#include "sampling.h"
#include "lib/core/error.h"
#include <errno.h>
#include <leat/parse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const struct {
    const char *prefix;
    enum leat_flow_sampling_kind kind;
} kinds[] = {
    { "random:", LEAT_FLOW_SAMPLING_RANDOM },
    { "uniform:", LEAT_FLOW_SAMPLING_UNIFORM },
    { "hash:", LEAT_FLOW_SAMPLING_HASH },
};

/* A decimal number at `*text`, which moves behind it. */
static bool take_number(const char **text, uint64_t max, uint64_t *number) {
    if (**text < '0' || **text > '9')
        return false;
    char *end;
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0 && *number <= max;
}

static int fail(const char *text) {
    return leat_fail(EINVAL,
                     "sampling '%s': neither N/M (N of each M packets, N not above M) nor "
                     "random:N/M, uniform:N/M or hash:N/M:SEED",
                     text);
}

int leat_flow_sampling_parse(struct leat_flow_sampling *sampling, const char *text) {
    struct leat_flow_sampling parsed = { .kind = LEAT_FLOW_SAMPLING_COUNT };
    const char *at = text;
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, length) == 0) {
            parsed.kind = kinds[i].kind;
            at = text + length;
        }
    }
    uint64_t size, population;
    if (!take_number(&at, UINT32_MAX, &size) || *at++ != '/' ||
        !take_number(&at, UINT32_MAX, &population) || size == 0 || size > population)
        return fail(text);
    if (parsed.kind == LEAT_FLOW_SAMPLING_HASH &&
        (*at++ != ':' || !take_number(&at, UINT64_MAX, &parsed.seed)))
        return fail(text);
    if (*at)
        return fail(text);
    if (parsed.kind == LEAT_FLOW_SAMPLING_COUNT) {
        parsed.interval = (uint32_t)size;
        parsed.space = (uint32_t)(population - size);
    } else {
        parsed.size = (uint32_t)size;
        parsed.population = (uint32_t)population;
    }
    *sampling = parsed;
    return 0;
}

void leat_flow_sampler_init(struct leat_flow_sampler *sampler,
                            const struct leat_flow_sampling *sampling) {
    *sampler = (struct leat_flow_sampler){ .sampling = *sampling, .random = sampling->seed };
    if (sampler->random == 0 &&
        getrandom(&sampler->random, sizeof(sampler->random), 0) != sizeof(sampler->random))
        sampler->random = (uintptr_t)sampler; /* unlike others' is enough: nothing is secret */
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t next_random(struct leat_flow_sampler *sampler) {
    sampler->random += 0x9e3779b97f4a7c15;
    return mix(sampler->random) >> 32;
}

/* `interval` packets, then `space` others. */
static bool next_counted(struct leat_flow_sampler *sampler) {
    const struct leat_flow_sampling *sampling = &sampler->sampling;
    if (sampler->wanted) {
        sampler->wanted--;
        return true;
    }
    if (sampler->left) {
        sampler->left--;
        return false;
    }
    sampler->wanted = sampling->interval - 1;
    sampler->left = sampling->space;
    return true;
}

/* Exactly `size` of each `population`: a packet is taken with the probability that the ones still
 * wanted have among those still to come (Knuth, algorithm S). */
static bool next_of_population(struct leat_flow_sampler *sampler) {
    if (sampler->left == 0) {
        sampler->left = sampler->sampling.population;
        sampler->wanted = sampler->sampling.size;
    }
    bool taken = next_random(sampler) * sampler->left < (uint64_t)sampler->wanted << 32;
    sampler->left--;
    sampler->wanted -= taken;
    return taken;
}

bool leat_flow_sampler_next(struct leat_flow_sampler *sampler) {
    const struct leat_flow_sampling *sampling = &sampler->sampling;
    switch (sampling->kind) {
    case LEAT_FLOW_SAMPLING_COUNT:
        return next_counted(sampler);
    case LEAT_FLOW_SAMPLING_RANDOM:
        return next_of_population(sampler);
    case LEAT_FLOW_SAMPLING_UNIFORM:
        return next_random(sampler) * sampling->population < (uint64_t)sampling->size << 32;
    case LEAT_FLOW_SAMPLING_NONE:
    case LEAT_FLOW_SAMPLING_HASH:
        break;
    }
    return true;
}

/* What no router changes and what differs from packet to packet (RFC 5475, 6.2.1): addresses,
 * protocol and length, the identification, and the first bytes of the transport header. Of UDP
 * these end before the checksum, which the sender's card may still have had to complete. */
struct invariant {
    uint32_t octets;
    uint16_t id;
    uint8_t protocol;
    uint8_t transport_bytes;
    uint8_t address[32];
    uint8_t transport[8];
};

_Static_assert(sizeof(struct invariant) == 48, "six words without a hole");

static void find_invariant(struct invariant *invariant, const struct leat_flow_packet *packet) {
    bool ip6 = packet->flags & LEAT_FLOW_IP6;
    *invariant = (struct invariant){ .octets = packet->octets };
    if (ip6) {
        invariant->protocol = packet->key6.protocol;
        memcpy(invariant->address, packet->ip + 8, 32);
    } else {
        invariant->protocol = packet->key4.protocol;
        invariant->id = leat_be16(packet->ip + 4);
        memcpy(invariant->address, packet->ip + 12, 8);
    }
    if (!(packet->flags & LEAT_FLOW_L4))
        return;
    uint16_t room = invariant->protocol == LEAT_PROTO_UDP ? 6 : sizeof(invariant->transport);
    invariant->transport_bytes = (uint8_t)(packet->l4_bytes < room ? packet->l4_bytes : room);
    memcpy(invariant->transport, packet->l4, invariant->transport_bytes);
}

bool leat_flow_sampler_takes(const struct leat_flow_sampler *sampler,
                             const struct leat_flow_packet *packet) {
    struct invariant invariant;
    uint64_t words[sizeof(invariant) / 8];
    find_invariant(&invariant, packet);
    memcpy(words, &invariant, sizeof(words));
    uint64_t hash = sampler->sampling.seed;
    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        hash = mix(hash + words[i] + 0x9e3779b97f4a7c15);
    return (hash >> 32) * sampler->sampling.population < (uint64_t)sampler->sampling.size << 32;
}
