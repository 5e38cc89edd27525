/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set-associative array, as a processor's cache is: four datagrams that hash to one set share it,
 * and a fifth replaces the one noted longest ago.
 */
#include "fragments.h"
#include "lib/core/error.h"
#include "mix.h"
#include <stdlib.h>

#define WAYS 4

struct datagram {
    struct leat_flow_fragment_id id; /* version 0: never used */
    uint64_t time_ns;                /* of its first fragment */
    struct leat_flow_fragment_ports ports;
};

struct leat_flow_fragments {
    uint64_t secret, timeout_ns;
    uint32_t set_mask;
    struct datagram (*sets)[WAYS];
};

int leat_flow_fragments_create(struct leat_flow_fragments **fragments, uint32_t datagrams,
                               uint64_t timeout_ns, uint64_t seed) {
    uint32_t sets = 1;
    while (sets < UINT32_MAX / WAYS / 2 && sets * WAYS < datagrams)
        sets *= 2;
    struct leat_flow_fragments *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow fragments: cannot allocate: out of memory");
    int err = leat_flow_mix_secret(&made->secret, seed);
    made->timeout_ns = timeout_ns;
    made->set_mask = sets - 1;
    made->sets = calloc(sets, sizeof(*made->sets));
    if (!err && made->sets) {
        *fragments = made;
        return 0;
    }
    leat_flow_fragments_destroy(made);
    if (err)
        return leat_fail(-err, "flow fragments: cannot get a secret: %s", strerror(-err));
    return leat_fail(ENOMEM,
                     "flow fragments: cannot allocate room for %u datagrams: out of memory; ask "
                     "for fewer",
                     sets * WAYS);
}

void leat_flow_fragments_destroy(struct leat_flow_fragments *fragments) {
    if (!fragments)
        return;
    free(fragments->sets);
    free(fragments);
}

static struct datagram *set_of(const struct leat_flow_fragments *fragments,
                               const struct leat_flow_fragment_id *id) {
    uint64_t hash = leat_flow_mix(fragments->secret, id, sizeof(*id));
    return fragments->sets[hash & fragments->set_mask];
}

static bool same(const struct leat_flow_fragment_id *a, const struct leat_flow_fragment_id *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

void leat_flow_fragments_note(struct leat_flow_fragments *fragments,
                              const struct leat_flow_fragment_id *id,
                              const struct leat_flow_fragment_ports *ports, uint64_t time_ns) {
    struct datagram *set = set_of(fragments, id), *place = set;
    for (uint32_t i = 0; i < WAYS; i++) {
        if (same(&set[i].id, id)) { /* the id came round again, or the fragment came twice */
            place = &set[i];
            break;
        }
        if (set[i].time_ns < place->time_ns)
            place = &set[i];
    }
    *place = (struct datagram){ .id = *id, .time_ns = time_ns, .ports = *ports };
}

const struct leat_flow_fragment_ports *
leat_flow_fragments_find(const struct leat_flow_fragments *fragments,
                         const struct leat_flow_fragment_id *id, uint64_t time_ns) {
    const struct datagram *set = set_of(fragments, id);
    for (uint32_t i = 0; i < WAYS; i++)
        if (same(&set[i].id, id)) {
            /* Captures may be a little out of order: a fragment from before the first is none too
             * old. */
            if (time_ns > set[i].time_ns && time_ns - set[i].time_ns > fragments->timeout_ns)
                return NULL;
            return &set[i].ports;
        }
    return NULL;
}
