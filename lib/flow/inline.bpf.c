/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat probe --inline: counts the flow of each frame in a table that user space reads, and passes
 * the frame on to the stages behind it and to the kernel's stack. It changes nothing and drops
 * nothing.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "inline_record.h"
#include <leat/parse.h>

#define LEAT_TABLE_ENTRY_BYTES 256 /* sizeof(struct leat_inline_record) */
#include <leat/table.h>

#define STAGES 8 /* LEAT_STAGES_MAX of lib/bpf/stage.h */

/* Its size and its values are set before it is loaded: the region of a shared table. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, uint8_t[LEAT_TABLE_UNIT(LEAT_TABLE_ENTRY_BYTES)]);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, LEAT_INLINE_COUNTERS);
    __type(key, uint32_t);
    __type(value, uint64_t);
} counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, STAGES);
    __type(key, uint32_t);
    __type(value, uint32_t);
} leat_stages SEC(".maps");

const volatile uint32_t slot; /* of this program among the stages */

static __always_inline void count(uint32_t counter, uint64_t n) {
    uint64_t *value = bpf_map_lookup_elem(&counters, &counter);
    if (value)
        *value += n;
}

static __always_inline uint32_t why_not(enum leat_problem problem) {
    switch (problem) {
    case LEAT_PROBLEM_ETHER_TRUNCATED:
    case LEAT_PROBLEM_TAG_TRUNCATED:
    case LEAT_PROBLEM_IP4_TRUNCATED:
    case LEAT_PROBLEM_IP6_TRUNCATED:
    case LEAT_PROBLEM_L4_TRUNCATED:
    case LEAT_PROBLEM_OUT_OF_REACH:
        return LEAT_INLINE_TRUNCATED;
    default:
        return LEAT_INLINE_MALFORMED;
    }
}

/* Copies `words` words from the packet; false beyond its end. */
static __always_inline int copy(void *to, const uint8_t *data, const uint8_t *data_end,
                                uint32_t offset, uint32_t words) {
    const uint8_t *from = leat_at(data, data_end, offset, words * 4);
    if (!from)
        return 0;
    for (uint32_t i = 0; i < words; i++)
        ((uint32_t *)to)[i] = ((const uint32_t *)from)[i];
    return 1;
}

/* Ports as they stand; of ICMP type and code as the receiver's. */
static __always_inline void read_ports(const uint8_t *data, const uint8_t *data_end,
                                       const struct leat_headers *h, uint16_t port[2]) {
    const uint8_t *l4 = leat_at(data, data_end, h->l4, 4);
    if (!(h->flags & LEAT_HEADERS_L4) || !l4)
        return;
    if (h->protocol == LEAT_PROTO_ICMP || h->protocol == LEAT_PROTO_ICMP6) {
        port[1] = *(const uint16_t *)l4;
        return;
    }
    port[0] = ((const uint16_t *)l4)[0];
    port[1] = ((const uint16_t *)l4)[1];
}

/* Whether the source is the higher end. */
static __always_inline uint32_t is_back(const struct leat_inline_key *key) {
    const uint32_t *source = (const uint32_t *)key->address[0];
    const uint32_t *destination = (const uint32_t *)key->address[1];
    for (uint32_t i = 0; i < 4; i++)
        if (source[i] != destination[i])
            return bpf_ntohl(source[i]) > bpf_ntohl(destination[i]);
    if (key->protocol == LEAT_PROTO_ICMP || key->protocol == LEAT_PROTO_ICMP6)
        return 0;
    return bpf_ntohs(key->port[0]) > bpf_ntohs(key->port[1]);
}

static __always_inline void turn_round(struct leat_inline_key *key) {
    uint32_t *source = (uint32_t *)key->address[0], *destination = (uint32_t *)key->address[1];
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t word = source[i];
        source[i] = destination[i];
        destination[i] = word;
    }
    uint16_t port = key->port[0];
    key->port[0] = key->port[1];
    key->port[1] = port;
}

#define TABLE ((struct leat_table *)(void *)&flows)

static __always_inline struct leat_inline_record *find_or_make(const struct leat_inline_key *key) {
    bool made;
    uint64_t hash = leat_table_hash(TABLE, key, sizeof(*key));
    uint32_t index = leat_table_insert(TABLE, key, sizeof(*key), hash, &made);
    return index == LEAT_TABLE_NONE ? NULL : leat_table_entry(TABLE, index);
}

/* What one packet adds. */
struct packet {
    uint64_t now_ns, frame_octets, octets, payload_octets, flags;
    uint8_t ttl, tos;
};

/* Reads addresses, ports and the rest; which way it goes, or -1. */
static __always_inline int read_packet(const uint8_t *data, const uint8_t *data_end,
                                       const struct leat_headers *h, struct leat_inline_key *key,
                                       struct packet *packet) {
    const uint8_t *ip = leat_at(data, data_end, h->l3, 20);
    if (!ip)
        return -1;
    if (h->flags & LEAT_HEADERS_IP4) {
        key->version = 4;
        packet->ttl = ip[8];
        packet->tos = ip[1];
        packet->flags = (uint64_t)(ip[6] & 0xe0) << LEAT_INLINE_FRAGMENTS;
        if (!copy(key->address[0], data, data_end, h->l3 + 12, 1) ||
            !copy(key->address[1], data, data_end, h->l3 + 16, 1))
            return -1;
    } else {
        key->version = 6;
        packet->ttl = ip[7];
        packet->tos = (uint8_t)(leat_be16(ip) >> 4);
        if (!copy(key->address[0], data, data_end, h->l3 + 8, 4) ||
            !copy(key->address[1], data, data_end, h->l3 + 24, 4))
            return -1;
    }
    key->protocol = h->protocol;
    read_ports(data, data_end, h, key->port);
    packet->octets = h->end - h->l3;
    packet->payload_octets = h->flags & LEAT_HEADERS_L4 ? h->end - h->payload : 0;
    if (h->flags & LEAT_HEADERS_L4 && h->protocol == LEAT_PROTO_TCP) {
        const uint8_t *tcp = leat_at(data, data_end, h->l4, 20);
        if (tcp)
            packet->flags |= leat_be16(tcp + 12) & 0x1ff;
    }
    uint32_t back = is_back(key);
    if (back)
        turn_round(key);
    return (int)back;
}

static __always_inline void add(struct leat_inline_side *side, const struct packet *packet) {
    if (__sync_fetch_and_add(&side->packets, 1) == 0) {
        side->first_ns = packet->now_ns;
        side->ttl_min = side->ttl_max = packet->ttl;
        side->tos = packet->tos;
        side->tcp_flags_first = (uint8_t)packet->flags;
    }
    __sync_fetch_and_add(&side->octets, packet->octets);
    __sync_fetch_and_add(&side->frame_octets, packet->frame_octets);
    __sync_fetch_and_add(&side->payload_octets, packet->payload_octets);
    if ((side->flags & packet->flags) != packet->flags)
        __sync_fetch_and_or(&side->flags, packet->flags);
    if (packet->ttl < side->ttl_min)
        side->ttl_min = packet->ttl;
    if (packet->ttl > side->ttl_max)
        side->ttl_max = packet->ttl;
    side->last_ns = packet->now_ns;
}

/*
 * The verifier looks at these two apart from each other and from the program, once each: inlined
 * they would multiply, and come near to the most that it is willing to look at.
 */
__attribute__((noinline)) int find_headers(struct xdp_md *ctx, struct leat_headers *h) {
    if (!h)
        return LEAT_PROBLEM_NONE;
    return leat_parse((const uint8_t *)(uintptr_t)ctx->data,
                      (const uint8_t *)(uintptr_t)ctx->data_end, h);
}

__attribute__((noinline)) int add_to_flow(const struct leat_inline_key *key,
                                          const struct packet *packet, uint32_t back) {
    if (!key || !packet)
        return LEAT_INLINE_FULL;
    struct leat_inline_key wanted = *key;
    struct leat_inline_record *record = find_or_make(&wanted);
    if (!record)
        return LEAT_INLINE_FULL;
    add(&record->side[back & 1], packet);
    return LEAT_INLINE_COUNTED;
}

/* Returns the counter under which the frame goes. */
static __always_inline uint32_t meter(struct xdp_md *ctx, uint32_t frame_octets) {
    struct leat_inline_key key = { 0 };
    struct leat_headers h = { 0 };
    enum leat_problem problem = (enum leat_problem)find_headers(ctx, &h);
    if (!(h.flags & (LEAT_HEADERS_IP4 | LEAT_HEADERS_IP6)))
        return problem && problem != LEAT_PROBLEM_ARP_TRUNCATED ? why_not(problem)
                                                                : LEAT_INLINE_NOT_IP;
    if (problem)
        return why_not(problem);
    struct packet packet = { .now_ns = bpf_ktime_get_ns(), .frame_octets = frame_octets };
    int back = read_packet((const uint8_t *)(uintptr_t)ctx->data,
                           (const uint8_t *)(uintptr_t)ctx->data_end, &h, &key, &packet);
    if (back < 0)
        return LEAT_INLINE_TRUNCATED;
    uint32_t counter = (uint32_t)add_to_flow(&key, &packet, (uint32_t)back);
    if (counter == LEAT_INLINE_COUNTED)
        count(LEAT_INLINE_IP_OCTETS, packet.octets);
    return counter;
}

SEC("xdp.frags")
int leat_flow_inline(struct xdp_md *ctx) {
    uint32_t octets = (uint32_t)bpf_xdp_get_buff_len(ctx);

    count(LEAT_INLINE_FRAMES, 1);
    count(LEAT_INLINE_OCTETS, octets);
    count(meter(ctx, octets), 1);
    for (uint32_t next = 0; next < STAGES; next++)
        if (next > slot)
            bpf_tail_call(ctx, &leat_stages, next);
    return XDP_PASS;
}

char terms[] SEC("license") = "Dual BSD/GPL";
