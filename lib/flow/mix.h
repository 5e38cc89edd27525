/* SPDX-License-Identifier: BSD-2-Clause */
/* A keyed hash for the small tables of decoding, whose keys a sender chooses. */
#ifndef LEAT_FLOW_MIX_H
#define LEAT_FLOW_MIX_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/* `bytes` is a multiple of 8. Each word goes through a multiplication folded to 64 bits. */
static inline uint64_t leat_flow_mix(uint64_t secret, const void *key, uint32_t bytes) {
    const uint8_t *at = key;
    uint64_t hash = secret;
    for (uint32_t i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, sizeof(word));
        unsigned __int128 product =
            (unsigned __int128)(hash ^ word) * (secret | 0x8000000000000001u);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64) ^ secret;
    }
    return hash;
}

/* The secret: `seed` where a test gives one, else one that nobody can know. 0 or -errno. */
static inline int leat_flow_mix_secret(uint64_t *secret, uint64_t seed) {
    *secret = seed;
    if (!seed && getrandom(secret, sizeof(*secret), 0) != sizeof(*secret))
        return -errno;
    return 0;
}

#endif
