/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scopes lie in an array by their numbers; an open-addressed index of twice as many places finds
 * them. Both are memory that costs nothing until it is written, so that a probe of plain Ethernet
 * pays for none of it.
 */
#include "scope.h"
#include "lib/core/error.h"
#include "mix.h"
#include <stdlib.h>

#define SCOPES (UINT16_MAX + 1u)
#define PLACES (2 * SCOPES)

struct leat_flow_scopes {
    uint64_t secret;
    uint32_t count;   /* numbers given, 0 included */
    uint16_t last;    /* given last: packets come in trains */
    uint16_t *places; /* numbers; 0: free */
    struct leat_flow_scope *scopes;
};

int leat_flow_scopes_create(struct leat_flow_scopes **scopes, uint64_t seed) {
    struct leat_flow_scopes *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow scopes: cannot allocate: out of memory");
    int err = leat_flow_mix_secret(&made->secret, seed);
    made->count = 1;
    made->places = calloc(PLACES, sizeof(*made->places));
    made->scopes = calloc(SCOPES, sizeof(*made->scopes));
    if (!err && made->places && made->scopes) {
        *scopes = made;
        return 0;
    }
    leat_flow_scopes_destroy(made);
    if (err)
        return leat_fail(-err, "flow scopes: cannot get a secret: %s", strerror(-err));
    return leat_fail(ENOMEM, "flow scopes: cannot allocate room for %u: out of memory", SCOPES);
}

void leat_flow_scopes_destroy(struct leat_flow_scopes *scopes) {
    if (!scopes)
        return;
    free(scopes->places);
    free(scopes->scopes);
    free(scopes);
}

static bool same(const struct leat_flow_scope *a, const struct leat_flow_scope *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

int leat_flow_scopes_number(struct leat_flow_scopes *scopes, const struct leat_flow_scope *scope) {
    if (same(&scopes->scopes[scopes->last], scope))
        return scopes->last;
    if (same(&scopes->scopes[0], scope))
        return 0;

    uint32_t place = leat_flow_mix(scopes->secret, scope, sizeof(*scope)) % PLACES;
    for (; scopes->places[place]; place = (place + 1) % PLACES)
        if (same(&scopes->scopes[scopes->places[place]], scope))
            return scopes->last = scopes->places[place];
    if (scopes->count == SCOPES)
        return -1;
    scopes->last = (uint16_t)scopes->count++;
    scopes->places[place] = scopes->last;
    scopes->scopes[scopes->last] = *scope;
    return scopes->last;
}

const struct leat_flow_scope *leat_flow_scopes_get(const struct leat_flow_scopes *scopes,
                                                   uint16_t number) {
    return &scopes->scopes[number];
}

const char *leat_flow_tunnel_name(enum leat_flow_tunnel tunnel) {
    static const char *const names[] = {
        [LEAT_FLOW_TUNNEL_NONE] = "none",     [LEAT_FLOW_TUNNEL_GRE] = "gre",
        [LEAT_FLOW_TUNNEL_IPIP] = "ipip",     [LEAT_FLOW_TUNNEL_VXLAN] = "vxlan",
        [LEAT_FLOW_TUNNEL_GENEVE] = "geneve", [LEAT_FLOW_TUNNEL_GTPU] = "gtpu",
    };
    if ((uint32_t)tunnel >= sizeof(names) / sizeof(names[0]))
        return NULL;
    return names[tunnel];
}
