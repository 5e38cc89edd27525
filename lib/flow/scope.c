/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scopes lie in an array by their numbers, chained from the buckets of a hash table that grows by
 * one bucket with each scope (linear hashing: bucket `buckets` splits off the one that it has all
 * but the top bit in common with), so that no packet waits for a rehash. Both are memory that costs
 * nothing until it is written: a probe of plain Ethernet pays for none of it.
 */
#include "scope.h"
#include "lib/core/error.h"
#include "map.h"
#include "mix.h"
#include <stdlib.h>

/* Numbers looked at for each one that was given: what nobody holds is then at most as many again as
 * what is held. */
#define LOOKS 4

#define FREE UINT32_MAX /* in place of the holders of a number that stands for nothing */

struct entry {
    struct leat_flow_scope scope;
    uint32_t holders;
    uint32_t next; /* of its bucket, or free as well; 0: none */
};

struct leat_flow_scopes {
    uint64_t secret;
    uint32_t most;
    uint32_t used;  /* numbers ever given are below, 0 included */
    uint32_t count; /* in buckets */
    uint32_t free;
    uint32_t given; /* since numbers were reclaimed */
    uint32_t hand;  /* the number looked at last */
    uint32_t last;  /* given or found last: packets come in trains */
    uint32_t buckets, mask;
    uint32_t *heads;
    struct entry *entries;
};

static size_t heads_bytes(uint32_t most) {
    return (most + (size_t)1) * sizeof(uint32_t);
}

static size_t entries_bytes(uint32_t most) {
    return (most + (size_t)1) * sizeof(struct entry);
}

int leat_flow_scopes_create(struct leat_flow_scopes **scopes, uint64_t most, uint64_t seed) {
    struct leat_flow_scopes *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow scopes: cannot allocate: out of memory");
    int err = leat_flow_mix_secret(&made->secret, seed);
    made->most = most < LEAT_FLOW_SCOPES_MAX ? (uint32_t)most : LEAT_FLOW_SCOPES_MAX;
    made->used = made->buckets = 1;
    made->heads = leat_map_lazily(heads_bytes(made->most));
    made->entries = leat_map_lazily(entries_bytes(made->most));
    if (!err && made->heads && made->entries) {
        *scopes = made;
        return 0;
    }
    uint32_t room = made->most;
    leat_flow_scopes_destroy(made);
    if (err)
        return leat_fail(-err, "flow scopes: cannot get a secret: %s", strerror(-err));
    return leat_fail(ENOMEM, "flow scopes: cannot allocate room for %u: out of memory", room);
}

void leat_flow_scopes_destroy(struct leat_flow_scopes *scopes) {
    if (!scopes)
        return;
    leat_unmap(scopes->heads, heads_bytes(scopes->most));
    leat_unmap(scopes->entries, entries_bytes(scopes->most));
    free(scopes);
}

static bool same(const struct entry *entry, const struct leat_flow_scope *scope) {
    return memcmp(&entry->scope, scope, sizeof(*scope)) == 0;
}

static uint32_t bucket_of(const struct leat_flow_scopes *scopes,
                          const struct leat_flow_scope *scope) {
    uint32_t hash = (uint32_t)leat_flow_mix(scopes->secret, scope, sizeof(*scope));
    uint32_t bucket = hash & scopes->mask;
    return bucket < scopes->buckets ? bucket : hash & scopes->mask >> 1;
}

static void put_into(struct leat_flow_scopes *scopes, uint32_t bucket, uint32_t number) {
    scopes->entries[number].next = scopes->heads[bucket];
    scopes->heads[bucket] = number;
}

/* One bucket more. */
static void split(struct leat_flow_scopes *scopes) {
    if (scopes->buckets > scopes->mask)
        scopes->mask = scopes->mask << 1 | 1;
    uint32_t from = scopes->buckets++ & scopes->mask >> 1;
    uint32_t number = scopes->heads[from];
    scopes->heads[from] = 0;
    while (number) {
        uint32_t next = scopes->entries[number].next;
        put_into(scopes, bucket_of(scopes, &scopes->entries[number].scope), number);
        number = next;
    }
}

/* A number that stands for nothing; 0: there is none. */
static uint32_t take(struct leat_flow_scopes *scopes) {
    uint32_t number = scopes->free;
    if (number) {
        scopes->free = scopes->entries[number].next;
        return number;
    }
    return scopes->used <= scopes->most ? scopes->used++ : 0;
}

int leat_flow_scopes_number(struct leat_flow_scopes *scopes, const struct leat_flow_scope *scope) {
    if (same(&scopes->entries[scopes->last], scope))
        return (int)scopes->last;
    if (same(&scopes->entries[0], scope))
        return 0;

    uint32_t number = scopes->heads[bucket_of(scopes, scope)];
    while (number && !same(&scopes->entries[number], scope))
        number = scopes->entries[number].next;
    if (!number) {
        number = take(scopes);
        if (!number)
            return -1;
        scopes->entries[number] = (struct entry){ .scope = *scope };
        scopes->given++;
        if (++scopes->count > scopes->buckets)
            split(scopes);
        put_into(scopes, bucket_of(scopes, scope), number);
    }
    scopes->last = number;
    return (int)number;
}

const struct leat_flow_scope *leat_flow_scopes_get(const struct leat_flow_scopes *scopes,
                                                   uint32_t number) {
    return &scopes->entries[number].scope;
}

void leat_flow_scopes_hold(struct leat_flow_scopes *scopes, uint32_t number) {
    if (number)
        scopes->entries[number].holders++;
}

void leat_flow_scopes_release(struct leat_flow_scopes *scopes, uint32_t number) {
    if (number)
        scopes->entries[number].holders--;
}

static void forget(struct leat_flow_scopes *scopes, uint32_t number) {
    struct entry *entry = &scopes->entries[number];
    uint32_t *link = &scopes->heads[bucket_of(scopes, &entry->scope)];
    while (*link != number)
        link = &scopes->entries[*link].next;
    *link = entry->next;
    entry->holders = FREE;
    entry->next = scopes->free;
    scopes->free = number;
    scopes->count--;
    if (scopes->last == number)
        scopes->last = 0;
}

void leat_flow_scopes_reclaim(struct leat_flow_scopes *scopes) {
    uint32_t looks = scopes->given * LOOKS;
    scopes->given = 0;
    for (; looks; looks--) {
        scopes->hand = scopes->hand + 1 < scopes->used ? scopes->hand + 1 : 1;
        if (scopes->entries[scopes->hand].holders == 0)
            forget(scopes, scopes->hand);
    }
}

uint32_t leat_flow_scopes_count(const struct leat_flow_scopes *scopes) {
    return scopes->count;
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
