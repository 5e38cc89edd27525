/* SPDX-License-Identifier: BSD-2-Clause */
#include "join.h"
#include "decode.h"
#include "lib/core/error.h"
#include "parts.h"
#include <errno.h>
#include <leat/table.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_NS         2000000000
#define CLOCKS_APART_NS 1000000000 /* of two workers, one of which may have been kept waiting */
#define SYSTEM_PORTS    1024

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

/* The connection, whichever way a half goes: the lower (address, port) first. */
struct join_key {
    uint8_t address[2][16];
    uint16_t port[2];
    uint8_t version, protocol, tos, tunnel;
    uint16_t vlan[4];
    uint32_t label;
    uint32_t interface;
    uint32_t tunnel_id[2];
};

_Static_assert(sizeof(struct join_key) == 64, "no holes: keys are compared as bytes");

/* What a waiting record's parts are copied to. */
struct room {
    struct leat_flow_notes notes;
    struct leat_flow_histogram histogram;
    struct leat_flow_packet_list packets;
    struct leat_flow_sizes sizes;
    struct leat_flow_application application;
};

/* An entry of the table. All that wait form a list in the order in which they came. */
struct half {
    struct join_key key;
    uint32_t before, after;
    uint64_t since_ns;
    struct leat_flow flow;
};

struct leat_flow_join {
    struct leat_flow_join_opts opts;
    struct leat_table *table;
    struct room *rooms; /* by entry; pages are there once they are written */
    uint32_t oldest, newest, waiting;
    uint64_t pairs, alone;
};

static void make_key(struct join_key *key, const struct leat_flow *flow, uint32_t parts) {
    const struct leat_flow_scope *scope = &flow->scope;
    size_t bytes = flow->version == 4 ? 4 : 16;
    int order = memcmp(flow->address[0], flow->address[1], bytes);
    if (order == 0)
        order = flow->port[0] < flow->port[1] ? -1 : 1;
    uint32_t low = order > 0;
    memset(key, 0, sizeof(*key));
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(key->address[i], flow->address[i ^ low], bytes);
        key->port[i] = flow->port[i ^ low];
    }
    key->version = flow->version;
    key->protocol = flow->protocol;
    if (parts & LEAT_FLOW_KEY_TOS)
        key->tos = flow->side[0].tos;
    if (parts & LEAT_FLOW_KEY_VLAN)
        for (uint32_t i = 0; i < scope->vlan_count && i < 4; i++)
            key->vlan[i] = scope->vlan_tci[i] & 0xfff;
    if ((parts & LEAT_FLOW_KEY_MPLS) && scope->label_count)
        key->label = scope->label[0] >> 4;
    if (parts & LEAT_FLOW_KEY_INTERFACE)
        key->interface = scope->interface;
    if (parts & LEAT_FLOW_KEY_TUNNEL) {
        key->tunnel = scope->tunnel;
        memcpy(key->tunnel_id, &scope->tunnel_id, sizeof(key->tunnel_id));
    }
}

int leat_flow_join_create(struct leat_flow_join **join, const struct leat_flow_join_opts *opts) {
    struct leat_flow_join *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "join: no memory");
    made->opts = *opts;
    if (!made->opts.halves)
        made->opts.halves = 65536;
    leat_flow_join_set_wait(made, opts->wait_ns);
    made->oldest = made->newest = LEAT_TABLE_NONE;
    const struct leat_table_opts table = { .size = sizeof(table),
                                           .capacity = made->opts.halves,
                                           .key_bytes = sizeof(struct join_key),
                                           .entry_bytes = sizeof(struct half) };
    int status = leat_table_create(&made->table, &table);
    if (status) {
        free(made);
        return status;
    }
    made->rooms = calloc(leat_table_entries(made->table), sizeof(*made->rooms));
    if (!made->rooms) {
        uint32_t halves = made->opts.halves;
        leat_flow_join_destroy(made);
        return leat_fail(ENOMEM, "join: no memory for %u halves", halves);
    }
    *join = made;
    return 0;
}

void leat_flow_join_destroy(struct leat_flow_join *join) {
    if (!join)
        return;
    leat_table_destroy(join->table);
    free(join->rooms);
    free(join);
}

static struct half *half_at(const struct leat_flow_join *join, uint32_t index) {
    return leat_table_entry(join->table, index);
}

/* Copies a record with its parts. */
static void keep(struct leat_flow *to, struct room *room, const struct leat_flow *from) {
    *to = *from;
#define KEEP(part)                      \
    if (from->parts.part) {             \
        room->part = *from->parts.part; \
        to->parts.part = &room->part;   \
    }
    KEEP(notes)
    KEEP(histogram)
    KEEP(packets)
    KEEP(sizes)
    KEEP(application)
#undef KEEP
}

static void wait_for_other(struct leat_flow_join *join, uint32_t index,
                           const struct leat_flow *flow, uint64_t now_ns) {
    struct half *half = half_at(join, index);
    keep(&half->flow, &join->rooms[index], flow);
    half->since_ns = now_ns;
    half->before = join->newest;
    half->after = LEAT_TABLE_NONE;
    if (join->newest != LEAT_TABLE_NONE)
        half_at(join, join->newest)->after = index;
    else
        join->oldest = index;
    join->newest = index;
    join->waiting++;
}

static void unlink_half(struct leat_flow_join *join, const struct half *half) {
    if (half->before != LEAT_TABLE_NONE)
        half_at(join, half->before)->after = half->after;
    else
        join->oldest = half->after;
    if (half->after != LEAT_TABLE_NONE)
        half_at(join, half->after)->before = half->before;
    else
        join->newest = half->before;
    join->waiting--;
}

/* What waited has waited in vain. */
static void hand_on_alone(struct leat_flow_join *join, const struct half *half) {
    join->opts.record(join->opts.ctx, &half->flow);
    join->alone++;
    unlink_half(join, half);
}

static void let_oldest_go(struct leat_flow_join *join) {
    uint32_t index = join->oldest;
    hand_on_alone(join, half_at(join, index));
    leat_table_remove(join->table, index);
}

/* In the order of their times, as one worker would have seen them. */
static void merge_lists(struct leat_flow_packet_list *merged,
                        const struct leat_flow_packet_list *first,
                        const struct leat_flow_packet_list *second) {
    uint32_t a = 0, b = 0;
    memset(merged, 0, sizeof(*merged));
    while (merged->count < LEAT_FLOW_PACKET_LIST_DEFAULT &&
           (a < first->count || b < second->count)) {
        bool from_second =
            a == first->count || (b < second->count && second->time_ns[b] < first->time_ns[a]);
        const struct leat_flow_packet_list *from = from_second ? second : first;
        uint32_t i = from_second ? b++ : a++, n = merged->count++;
        merged->side[n] = from_second;
        merged->tcp_flags[n] = from->tcp_flags[i];
        merged->length[n] = from->length[i];
        merged->time_ns[n] = from->time_ns[i];
    }
}

static void merge_notes(struct leat_flow_notes *notes, const struct leat_flow_notes *other) {
    notes->tcp_options[1] = other->tcp_options[0];
    notes->tcp_options_high[1] = other->tcp_options_high[0];
    notes->ip_options[1] = other->ip_options[0];
    notes->flow_label[1] = other->flow_label[0];
    notes->tcp_window[1] = other->tcp_window[0];
    notes->icmp_type_code[1] = other->icmp_type_code[0];
    notes->ip_id[1] = other->ip_id[0];
}

static void merge_sizes(struct leat_flow_sizes *sizes, const struct leat_flow_sizes *other) {
    memcpy(sizes->size[1], other->size[0], sizeof(sizes->size[1]));
    memcpy(sizes->gap[1], other->gap[0], sizeof(sizes->gap[1]));
    sizes->last_ns[1] = other->last_ns[0];
}

/* What the client says tells the name; the answer may know more of it. */
static void merge_application(struct leat_flow_application *application,
                              const struct leat_flow_application *other) {
    if (application->kind == LEAT_FLOW_APPLICATION_NONE) {
        *application = *other;
        return;
    }
    if (application->kind != other->kind)
        return;
    if (!application->name[0])
        memcpy(application->name, other->name, sizeof(application->name));
    if (!application->ja4[0])
        memcpy(application->ja4, other->ja4, sizeof(application->ja4));
    if (!application->dns_rcode)
        application->dns_rcode = other->dns_rcode;
    if (!application->dns_type)
        application->dns_type = other->dns_type;
    if (!application->quic_version)
        application->quic_version = other->quic_version;
}

static bool only_syn(const struct leat_flow *flow) {
    return (flow->side[0].tcp_flags_first & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* ICMP's ports are types and codes (packet.h). */
static bool asks_for_echo(const struct leat_flow *flow) {
    return flow->port[1] >> 8 == (flow->version == 4 ? 8 : 128);
}

static bool to_system_port(const struct leat_flow *flow) {
    return flow->port[1] < SYSTEM_PORTS;
}

/* Whether `one` holds what the initiator sent (RFC 5103, 5). Two workers that read the clock once a
 * batch tell that from times only when these are far enough apart; TCP's first flags always do, and
 * else who answers from a system port (RFC 6335, 6). */
static bool began(const struct leat_flow *one, const struct leat_flow *other) {
    int64_t later_ns = (int64_t)(other->start_ns - one->start_ns);
    if (one->protocol == IPPROTO_TCP && only_syn(one) != only_syn(other))
        return only_syn(one);
    bool (*asks)(const struct leat_flow *) =
        leat_flow_is_icmp(one) ? asks_for_echo : to_system_port;
    if (llabs(later_ns) < CLOCKS_APART_NS && asks(one) != asks(other))
        return asks(one);
    return later_ns >= 0;
}

/* Neither half alone can tell that TCP ended, unless by a reset: each saw one side's FIN. */
static uint8_t end_of(const struct leat_flow *first, const struct leat_flow *second) {
    uint16_t flags[] = { first->side[0].tcp_flags, second->side[0].tcp_flags };
    uint8_t end = second->side[0].last_ns > first->side[0].last_ns ? second->end : first->end;
    bool cut = end == LEAT_FLOW_END_ACTIVE || end == LEAT_FLOW_END_RESOURCES;
    bool over = (flags[0] | flags[1]) & TCP_RST || flags[0] & flags[1] & TCP_FIN;
    return first->protocol == IPPROTO_TCP && over && !cut ? LEAT_FLOW_END_DETECTED : end;
}

/* Hands on the biflow of two halves. */
static void pair(struct leat_flow_join *join, const struct leat_flow *one,
                 const struct leat_flow *other) {
    bool swap = !began(one, other);
    const struct leat_flow *first = swap ? other : one, *second = swap ? one : other;
    struct leat_flow whole;
    struct room room;
    keep(&whole, &room, first);
    whole.side[1] = second->side[0];
    whole.end = end_of(first, second);
    whole.limited |= second->limited;
    struct leat_flow_parts *parts = &whole.parts;
    const struct leat_flow_parts *more = &second->parts;
    if (parts->notes && more->notes)
        merge_notes(parts->notes, more->notes);
    if (parts->histogram && more->histogram)
        for (uint32_t i = 0; i < 256; i++)
            parts->histogram->bytes[i] += more->histogram->bytes[i];
    if (parts->packets && more->packets)
        merge_lists(parts->packets, first->parts.packets, more->packets);
    if (parts->sizes && more->sizes)
        merge_sizes(parts->sizes, more->sizes);
    if (parts->application && more->application)
        merge_application(parts->application, more->application);
    join->opts.record(join->opts.ctx, &whole);
    join->pairs++;
}

void leat_flow_join_add(struct leat_flow_join *join, const struct leat_flow *flow,
                        uint64_t now_ns) {
    if (!flow->biflow || flow->side[1].packets ||
        (join->opts.tunnels_only && !flow->scope.tunnel)) {
        join->opts.record(join->opts.ctx, flow);
        return;
    }
    struct join_key key;
    make_key(&key, flow, join->opts.key);
    uint64_t hash = leat_table_hash(join->table, &key, sizeof(key));
    if (join->waiting == join->opts.halves &&
        leat_table_find(join->table, &key, sizeof(key), hash) == LEAT_TABLE_NONE)
        let_oldest_go(join);
    bool made;
    uint32_t index = leat_table_insert(join->table, &key, sizeof(key), hash, &made);
    if (made) {
        wait_for_other(join, index, flow, now_ns);
        return;
    }
    struct half *half = half_at(join, index);
    bool other_way =
        memcmp(half->flow.address[0], flow->address[1], key.version == 4 ? 4 : 16) == 0 &&
        half->flow.port[0] == flow->port[1];
    if (other_way && half->flow.worker != flow->worker) {
        pair(join, &half->flow, flow);
        unlink_half(join, half);
        leat_table_remove(join->table, index);
    } else { /* the same side again: what waited has missed its other half */
        hand_on_alone(join, half);
        wait_for_other(join, index, flow, now_ns);
    }
}

void leat_flow_join_expire(struct leat_flow_join *join, uint64_t now_ns) {
    while (join->oldest != LEAT_TABLE_NONE) {
        uint64_t since_ns = half_at(join, join->oldest)->since_ns;
        if (now_ns != UINT64_MAX && now_ns - since_ns < join->opts.wait_ns)
            return;
        let_oldest_go(join);
    }
}

void leat_flow_join_set_wait(struct leat_flow_join *join, uint64_t wait_ns) {
    join->opts.wait_ns = wait_ns ? wait_ns : WAIT_NS;
}

uint32_t leat_flow_join_waiting(const struct leat_flow_join *join) {
    return join->waiting;
}

uint64_t leat_flow_join_pairs(const struct leat_flow_join *join) {
    return join->pairs;
}

uint64_t leat_flow_join_alone(const struct leat_flow_join *join) {
    return join->alone;
}
