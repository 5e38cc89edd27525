/* SPDX-License-Identifier: BSD-2-Clause */
/* One record of two: sums are added up, and what only a first packet tells is the earlier one's. */
#include "join_merge.h"
#include "parts.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define CLOCKS_APART_NS 1000000000 /* of two workers, one of which may have been kept waiting */
#define SYSTEM_PORTS    1024

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

void leat_flow_keep(struct leat_flow *to, struct leat_flow_room *room,
                    const struct leat_flow *from) {
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

bool leat_flow_opposite(const struct leat_flow *one, const struct leat_flow *other) {
    return one->port[0] != other->port[0] ||
           memcmp(one->address[0], other->address[0], sizeof(one->address[0])) != 0;
}

uint64_t leat_flow_first_ns(const struct leat_flow *flow) {
    const struct leat_flow_side *side = flow->side;
    return side[1].packets && side[1].first_ns < side[0].first_ns ? side[1].first_ns
                                                                  : side[0].first_ns;
}

uint64_t leat_flow_last_ns(const struct leat_flow *flow) {
    const struct leat_flow_side *side = flow->side;
    return side[1].packets && side[1].last_ns > side[0].last_ns ? side[1].last_ns : side[0].last_ns;
}

/* --- who began */

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

/* Whether `one`, and not the opposite `other`, has the initiator as its source (RFC 5103, 5). Two
 * workers that read the clock once a batch tell that from times only when these are far enough
 * apart; TCP's first flags always do, and else who answers from a system port (RFC 6335, 6). */
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

/* --- the other end becomes the source */

#define SWAP(pair)                                       \
    do {                                                 \
        __typeof__((pair)[0]) swapped;                   \
        memcpy(&swapped, &(pair)[0], sizeof(swapped));   \
        memcpy(&(pair)[0], &(pair)[1], sizeof(swapped)); \
        memcpy(&(pair)[1], &swapped, sizeof(swapped));   \
    } while (0)

static void turn_notes(struct leat_flow_notes *notes) {
    SWAP(notes->tcp_options);
    SWAP(notes->tcp_options_high);
    SWAP(notes->ip_options);
    SWAP(notes->flow_label);
    SWAP(notes->tcp_window);
    SWAP(notes->icmp_type_code);
    SWAP(notes->ip_id);
}

static void turn(struct leat_flow *flow) {
    SWAP(flow->address);
    SWAP(flow->port);
    SWAP(flow->side);
    const struct leat_flow_parts *parts = &flow->parts;
    if (parts->notes)
        turn_notes(parts->notes);
    for (uint32_t i = 0; parts->packets && i < parts->packets->count; i++)
        parts->packets->side[i] ^= 1;
    if (parts->sizes) {
        SWAP(parts->sizes->size);
        SWAP(parts->sizes->gap);
        SWAP(parts->sizes->last_ns);
    }
}

/* --- what is added up; `turned`: side 0 of the one is side 1 of the other */

static bool begins_earlier(const struct leat_flow_side *side, const struct leat_flow_side *than) {
    return side->packets && (!than->packets || side->first_ns < than->first_ns);
}

static void merge_side(struct leat_flow_side *side, const struct leat_flow_side *other) {
    if (!other->packets)
        return;
    if (!side->packets) {
        *side = *other;
        return;
    }
    if (begins_earlier(other, side)) {
        side->first_ns = other->first_ns;
        side->tcp_flags_first = other->tcp_flags_first;
        side->tos = other->tos;
    }
    side->packets += other->packets;
    side->octets += other->octets;
    side->frame_octets += other->frame_octets;
    side->payload_octets += other->payload_octets;
    side->tcp_flags |= other->tcp_flags;
    side->fragment_flags |= other->fragment_flags;
    if (other->last_ns > side->last_ns)
        side->last_ns = other->last_ns;
    if (other->ttl_min < side->ttl_min)
        side->ttl_min = other->ttl_min;
    if (other->ttl_max > side->ttl_max)
        side->ttl_max = other->ttl_max;
}

static void merge_notes(struct leat_flow *flow, const struct leat_flow *other, uint32_t turned) {
    struct leat_flow_notes *notes = flow->parts.notes;
    const struct leat_flow_notes *more = other->parts.notes;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t of = i ^ turned;
        notes->tcp_options[i] |= more->tcp_options[of];
        notes->tcp_options_high[i] |= more->tcp_options_high[of];
        notes->ip_options[i] |= more->ip_options[of];
        if (!begins_earlier(&other->side[of], &flow->side[i]))
            continue;
        notes->flow_label[i] = more->flow_label[of];
        notes->tcp_window[i] = more->tcp_window[of];
        notes->icmp_type_code[i] = more->icmp_type_code[of];
        notes->ip_id[i] = more->ip_id[of];
    }
}

/* The first packets of two lists, in the order of their times, as one worker would have seen them.
 */
static void merge_lists(struct leat_flow_packet_list *list,
                        const struct leat_flow_packet_list *other, uint32_t turned) {
    const struct leat_flow_packet_list mine = *list;
    uint32_t a = 0, b = 0;
    memset(list, 0, sizeof(*list));
    while (list->count < LEAT_FLOW_PACKET_LIST_DEFAULT && (a < mine.count || b < other->count)) {
        bool theirs = a == mine.count || (b < other->count && other->time_ns[b] < mine.time_ns[a]);
        const struct leat_flow_packet_list *from = theirs ? other : &mine;
        uint32_t i = theirs ? b++ : a++, n = list->count++;
        list->side[n] = (uint8_t)(from->side[i] ^ (theirs && turned));
        list->tcp_flags[n] = from->tcp_flags[i];
        list->length[n] = from->length[i];
        list->time_ns[n] = from->time_ns[i];
    }
}

static void merge_sizes(struct leat_flow_sizes *sizes, const struct leat_flow_sizes *other,
                        uint32_t turned) {
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t of = side ^ turned;
        for (uint32_t i = 0; i < LEAT_FLOW_SIZE_BINS; i++)
            sizes->size[side][i] += other->size[of][i];
        for (uint32_t i = 0; i < LEAT_FLOW_TIME_BINS; i++)
            sizes->gap[side][i] += other->gap[of][i];
        if (other->last_ns[of] > sizes->last_ns[side])
            sizes->last_ns[side] = other->last_ns[of];
    }
}

/* What `first` says tells the name; the other may know more of it. */
static void merge_applications(struct leat_flow_application *merged,
                               const struct leat_flow_application *first,
                               const struct leat_flow_application *other) {
    const struct leat_flow_application more = *other; /* may be `merged` */
    if (first->kind == LEAT_FLOW_APPLICATION_NONE) {
        *merged = more;
        return;
    }
    *merged = *first;
    if (merged->kind != more.kind)
        return;
    if (!merged->name[0])
        memcpy(merged->name, more.name, sizeof(merged->name));
    if (!merged->ja4[0])
        memcpy(merged->ja4, more.ja4, sizeof(merged->ja4));
    if (!merged->dns_rcode)
        merged->dns_rcode = more.dns_rcode;
    if (!merged->dns_type)
        merged->dns_type = more.dns_type;
    if (!merged->quic_version)
        merged->quic_version = more.quic_version;
}

/* Of the one that has what came first: where it was seen. `turned` as it is by now. */
static void merge_parts(struct leat_flow *flow, const struct leat_flow *other, uint32_t turned,
                        bool other_first) {
    const struct leat_flow_parts *parts = &flow->parts, *more = &other->parts;
    if (parts->notes && more->notes) {
        merge_notes(flow, other, turned);
        if (other_first)
            memcpy(parts->notes->mac, more->notes->mac, sizeof(parts->notes->mac));
    }
    if (parts->histogram && more->histogram)
        for (uint32_t i = 0; i < 256; i++)
            parts->histogram->bytes[i] += more->histogram->bytes[i];
    if (parts->packets && more->packets)
        merge_lists(parts->packets, more->packets, turned);
    if (parts->sizes && more->sizes)
        merge_sizes(parts->sizes, more->sizes, turned);
    if (parts->application && more->application)
        merge_applications(parts->application, other_first ? more->application : parts->application,
                           other_first ? parts->application : more->application);
}

/* --- why it ended */

/* No worker can tell that TCP ended, unless by a reset, that saw one side's FIN only. */
static bool tcp_is_over(const struct leat_flow *flow) {
    uint16_t flags[] = { flow->side[0].tcp_flags, flow->side[1].tcp_flags };
    uint16_t fin = flow->biflow ? flags[0] & flags[1] & TCP_FIN : flags[0] & TCP_FIN;
    return flow->protocol == IPPROTO_TCP && ((flags[0] | flags[1]) & TCP_RST || fin);
}

static bool was_cut(uint8_t end) {
    return end == LEAT_FLOW_END_ACTIVE || end == LEAT_FLOW_END_RESOURCES;
}

void leat_flow_merge(struct leat_flow *flow, const struct leat_flow *other) {
    uint32_t turned = leat_flow_opposite(flow, other);
    bool other_first =
        turned ? !began(flow, other) : leat_flow_first_ns(other) < leat_flow_first_ns(flow);
    bool other_last = leat_flow_last_ns(other) > leat_flow_last_ns(flow);
    bool as_late = leat_flow_last_ns(other) == leat_flow_last_ns(flow);
    if (other_last || (as_late && other_first))
        flow->end = other->end;
    if (turned && other_first) {
        turn(flow);
        turned = false;
    }
    merge_parts(flow, other, turned, other_first);
    for (uint32_t i = 0; i < 2; i++)
        merge_side(&flow->side[i], &other->side[i ^ turned]);
    if (other_first) {
        flow->scope = other->scope;
        flow->id = other->id;
        flow->worker = other->worker;
    }
    if (other->start_ns < flow->start_ns)
        flow->start_ns = other->start_ns;
    flow->limited |= other->limited;
    if (tcp_is_over(flow) && !was_cut(flow->end))
        flow->end = LEAT_FLOW_END_DETECTED;
}
