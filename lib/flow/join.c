/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Those that wait: the table has an entry a flow, from which its records are chained; all of them
 * form a list in the order in which they are to go.
 */
#include "join.h"
#include "decode.h"
#include "join_merge.h"
#include "lib/core/error.h"
#include "map.h"
#include "mix.h"
#include <errno.h>
#include <leat/table.h>
#include <stdlib.h>
#include <string.h>

#define PIECES        65536
#define PIECES_OF_ALL 262144
#define WAIT_NS       2000000000
#define IDLE_NS       30000000000
#define RECORDS_OF_KEY \
    8 /* that wait at a time: lives of one five-tuple, or what active timeouts cut */
#define NONE UINT32_MAX

/* The connection, whichever way a record goes: the lower (address, port) first. */
struct join_key {
    uint8_t address[2][16];
    uint16_t port[2];
    uint8_t version, protocol, tos, zero;
    uint64_t scope; /* hash of what of it is in the key */
};

_Static_assert(sizeof(struct join_key) == 48, "no holes: keys are compared as bytes");

/* An entry of the table. */
struct chain {
    struct join_key key;
    uint32_t first, count;
};

struct piece {
    struct leat_flow flow;
    uint64_t since_ns;
    uint64_t workers_done; /* bit of each that has no more of it */
    uint32_t chain;        /* entry of the table */
    uint32_t next;         /* of the chain, or free as well */
    uint32_t before, after;
};

struct leat_flow_join {
    struct leat_flow_join_opts opts;
    uint64_t secret;
    struct leat_table *table;
    struct piece *pieces;         /* pages are there once they are written ... */
    struct leat_flow_room *rooms; /* ... here, too */
    uint32_t used, free;          /* numbers ever given are below `used` */
    uint32_t oldest, newest, waiting;
    uint64_t merged, alone;
};

static void make_key(struct join_key *key, const struct leat_flow_join *join,
                     const struct leat_flow *flow) {
    const struct leat_flow_scope scope =
        leat_flow_scope_key(&flow->scope, join->opts.key, !flow->biflow);
    size_t bytes = sizeof(flow->address[0]);
    int order = memcmp(flow->address[0], flow->address[1], bytes);
    if (order == 0)
        order = flow->port[0] - flow->port[1];
    uint32_t low = flow->biflow && order > 0;
    memset(key, 0, sizeof(*key));
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(key->address[i], flow->address[i ^ low], bytes);
        key->port[i] = flow->port[i ^ low];
    }
    key->version = flow->version;
    key->protocol = flow->protocol;
    if (join->opts.key & LEAT_FLOW_KEY_TOS)
        key->tos = flow->side[!flow->side[0].packets].tos;
    key->scope = leat_flow_mix(join->secret, &scope, sizeof(scope));
}

static int open_table(struct leat_flow_join *join) {
    const struct leat_table_opts table = { .size = sizeof(table),
                                           .capacity = join->opts.pieces,
                                           .key_bytes = sizeof(struct join_key),
                                           .entry_bytes = sizeof(struct chain) };
    return leat_table_create(&join->table, &table);
}

int leat_flow_join_create(struct leat_flow_join **join, const struct leat_flow_join_opts *opts) {
    struct leat_flow_join *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "join: no memory");
    made->opts = *opts;
    uint32_t pieces = opts->pieces                       ? opts->pieces
                      : opts->what == LEAT_FLOW_JOIN_ALL ? PIECES_OF_ALL
                                                         : PIECES;
    made->opts.pieces = pieces;
    leat_flow_join_set_times(made, &opts->times);
    made->oldest = made->newest = made->free = NONE;
    made->pieces = leat_map_lazily(pieces * sizeof(*made->pieces));
    made->rooms = leat_map_lazily(pieces * sizeof(*made->rooms));
    int status = leat_flow_mix_secret(&made->secret, 0);
    if (status)
        leat_fail(-status, "join: cannot get a secret: %s", strerror(-status));
    else if (!made->pieces || !made->rooms)
        status = leat_fail(ENOMEM, "join: no memory for %u records that wait", pieces);
    else
        status = open_table(made);
    if (status) {
        leat_flow_join_destroy(made);
        return status;
    }
    *join = made;
    return 0;
}

void leat_flow_join_destroy(struct leat_flow_join *join) {
    if (!join)
        return;
    leat_table_destroy(join->table);
    leat_unmap(join->pieces, join->opts.pieces * sizeof(*join->pieces));
    leat_unmap(join->rooms, join->opts.pieces * sizeof(*join->rooms));
    free(join);
}

static struct chain *chain_at(const struct leat_flow_join *join, uint32_t entry) {
    return leat_table_entry(join->table, entry);
}

/* --- those that wait, in the order in which they are to go */

static void append(struct leat_flow_join *join, uint32_t number, uint64_t now_ns) {
    struct piece *piece = &join->pieces[number];
    piece->since_ns = now_ns;
    piece->before = join->newest;
    piece->after = NONE;
    if (join->newest != NONE)
        join->pieces[join->newest].after = number;
    else
        join->oldest = number;
    join->newest = number;
    join->waiting++;
}

static void take_out(struct leat_flow_join *join, uint32_t number) {
    const struct piece *piece = &join->pieces[number];
    if (piece->before != NONE)
        join->pieces[piece->before].after = piece->after;
    else
        join->oldest = piece->after;
    if (piece->after != NONE)
        join->pieces[piece->after].before = piece->before;
    else
        join->newest = piece->before;
    join->waiting--;
}

static void let_go(struct leat_flow_join *join, uint32_t number) {
    struct piece *piece = &join->pieces[number];
    struct chain *chain = chain_at(join, piece->chain);
    join->opts.record(join->opts.ctx, &piece->flow);
    uint32_t *link = &chain->first;
    while (*link != number)
        link = &join->pieces[*link].next;
    *link = piece->next;
    if (--chain->count == 0)
        leat_table_remove(join->table, piece->chain);
    take_out(join, number);
    piece->next = join->free;
    join->free = number;
}

static bool has_both_directions(const struct leat_flow *flow) {
    return flow->side[0].packets && flow->side[1].packets;
}

/* It has waited in vain, or long enough. */
static void give_up(struct leat_flow_join *join, uint32_t number) {
    const struct leat_flow *flow = &join->pieces[number].flow;
    join->alone += flow->biflow && !has_both_directions(flow);
    let_go(join, number);
}

/* Nothing is missing but where any worker may see anything. */
static bool is_complete(const struct leat_flow_join *join, const struct leat_flow *flow) {
    return join->opts.what != LEAT_FLOW_JOIN_ALL && (!flow->biflow || has_both_directions(flow));
}

/* --- which belong together */

static uint64_t bit_of(const struct leat_flow *flow) {
    return 1ull << (flow->worker & 63);
}

/* Nanoseconds that both records cover; below zero: those that lie between them. */
static int64_t overlap(const struct leat_flow *one, const struct leat_flow *other) {
    uint64_t first_ns[] = { leat_flow_first_ns(one), leat_flow_first_ns(other) };
    uint64_t last_ns[] = { leat_flow_last_ns(one), leat_flow_last_ns(other) };
    uint64_t from_ns = first_ns[first_ns[1] > first_ns[0]];
    uint64_t to_ns = last_ns[last_ns[1] < last_ns[0]];
    return (int64_t)(to_ns - from_ns);
}

static uint64_t span(const struct leat_flow *one, const struct leat_flow *other) {
    uint64_t first_ns[] = { leat_flow_first_ns(one), leat_flow_first_ns(other) };
    uint64_t last_ns[] = { leat_flow_last_ns(one), leat_flow_last_ns(other) };
    return last_ns[last_ns[1] > last_ns[0]] - first_ns[first_ns[1] < first_ns[0]];
}

static bool may_belong(const struct leat_flow_join *join, const struct piece *piece,
                       const struct leat_flow *flow) {
    const struct leat_flow_join_times *times = &join->opts.times;
    if (piece->workers_done & bit_of(flow))
        return false;
    int64_t both_ns = overlap(&piece->flow, flow);
    return both_ns >= 0 ||
           ((uint64_t)-both_ns <= times->idle_ns && span(&piece->flow, flow) < times->active_ns);
}

/* Which of a chain, newest first, a record belongs to. */
static uint32_t find_other(const struct leat_flow_join *join, const struct chain *chain,
                           const struct leat_flow *flow) {
    uint32_t best = NONE;
    int64_t most_ns = INT64_MIN;
    for (uint32_t i = chain->first; i != NONE; i = join->pieces[i].next) {
        const struct piece *piece = &join->pieces[i];
        if (!may_belong(join, piece, flow))
            continue;
        int64_t both_ns = overlap(&piece->flow, flow);
        if (both_ns >= most_ns) { /* the oldest of equals */
            most_ns = both_ns;
            best = i;
        }
    }
    return best;
}

/* --- what comes */

/* A worker that called a record's end, but not for silence that others may have filled, has no more
 * of it; and of halves a worker has one. */
static uint64_t done_by(const struct leat_flow_join *join, const struct leat_flow *flow) {
    bool silent = flow->end == LEAT_FLOW_END_IDLE && join->opts.what == LEAT_FLOW_JOIN_ALL;
    return silent ? 0 : bit_of(flow);
}

static void add_to(struct leat_flow_join *join, uint32_t number, const struct leat_flow *flow,
                   uint64_t now_ns) {
    struct piece *piece = &join->pieces[number];
    leat_flow_merge(&piece->flow, flow);
    piece->workers_done |= done_by(join, flow);
    join->merged++;
    if (is_complete(join, &piece->flow)) {
        let_go(join, number);
    } else if (join->opts.what == LEAT_FLOW_JOIN_ALL) { /* others may come as late again */
        take_out(join, number);
        append(join, number, now_ns);
    }
}

static uint32_t take_number(struct leat_flow_join *join) {
    uint32_t number = join->free;
    if (number == NONE)
        return join->used++;
    join->free = join->pieces[number].next;
    return number;
}

static uint32_t oldest_of(const struct leat_flow_join *join, const struct chain *chain) {
    uint32_t number = chain->first;
    while (join->pieces[number].next != NONE)
        number = join->pieces[number].next;
    return number;
}

static void wait_for_others(struct leat_flow_join *join, const struct join_key *key, uint64_t hash,
                            const struct leat_flow *flow, uint64_t now_ns) {
    bool made;
    if (join->waiting == join->opts.pieces)
        give_up(join, join->oldest);
    uint32_t entry = leat_table_insert(join->table, key, sizeof(*key), hash, &made);
    struct chain *chain = chain_at(join, entry);
    if (made)
        chain->first = NONE;
    else if (chain->count == RECORDS_OF_KEY)
        give_up(join, oldest_of(join, chain));
    uint32_t number = take_number(join);
    struct piece *piece = &join->pieces[number];
    leat_flow_keep(&piece->flow, &join->rooms[number], flow);
    piece->workers_done = done_by(join, flow);
    piece->chain = entry;
    piece->next = chain->first;
    chain->first = number;
    chain->count++;
    append(join, number, now_ns);
}

/* Whether others of its kind may be with other workers. */
static bool may_be_a_piece(const struct leat_flow_join *join, const struct leat_flow *flow) {
    return join->opts.what == LEAT_FLOW_JOIN_ALL ||
           (flow->biflow && (join->opts.what == LEAT_FLOW_JOIN_HALVES || flow->scope.tunnel));
}

void leat_flow_join_add(struct leat_flow_join *join, const struct leat_flow *flow,
                        uint64_t now_ns) {
    if (!may_be_a_piece(join, flow)) {
        join->opts.record(join->opts.ctx, flow);
        return;
    }
    struct join_key key;
    make_key(&key, join, flow);
    uint64_t hash = leat_table_hash(join->table, &key, sizeof(key));
    uint32_t entry = leat_table_find(join->table, &key, sizeof(key), hash);
    uint32_t other =
        entry == LEAT_TABLE_NONE ? NONE : find_other(join, chain_at(join, entry), flow);
    if (other != NONE)
        add_to(join, other, flow, now_ns);
    else if (is_complete(join, flow))
        join->opts.record(join->opts.ctx, flow);
    else
        wait_for_others(join, &key, hash, flow, now_ns);
}

void leat_flow_join_expire(struct leat_flow_join *join, uint64_t now_ns) {
    while (join->oldest != NONE) {
        uint64_t since_ns = join->pieces[join->oldest].since_ns;
        if (now_ns != UINT64_MAX && now_ns - since_ns < join->opts.times.wait_ns)
            return;
        give_up(join, join->oldest);
    }
}

void leat_flow_join_set_times(struct leat_flow_join *join,
                              const struct leat_flow_join_times *times) {
    join->opts.times = (struct leat_flow_join_times){
        .wait_ns = times->wait_ns ? times->wait_ns : WAIT_NS,
        .idle_ns = times->idle_ns ? times->idle_ns : IDLE_NS,
        .active_ns = times->active_ns ? times->active_ns : UINT64_MAX,
    };
}

uint32_t leat_flow_join_waiting(const struct leat_flow_join *join) {
    return join->waiting;
}

uint64_t leat_flow_join_merged(const struct leat_flow_join *join) {
    return join->merged;
}

uint64_t leat_flow_join_alone(const struct leat_flow_join *join) {
    return join->alone;
}
