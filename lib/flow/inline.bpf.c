/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat probe --inline: counts the flow of each frame in a table that user space reads. Two programs
 * over one set of maps:
 *
 *   leat_flow_in   XDP: what the interface receives; on to the stages behind it and the stack
 *   leat_flow_out  TCX: what it sends, as the stack hands it over: perhaps to be cut later (GSO)
 *
 * With a filter (lib/bpf/filter.h) in front of each, they get what it matches, and leat_other_in
 * and leat_other_out the others. They change nothing and drop nothing.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "inline_packet.h"
#include "lib/bpf/filter.h"

#define LEAT_TABLE_ENTRY_BYTES 192 /* sizeof(struct leat_inline_record) */
#include <leat/table.h>

#define STAGES        8    /* LEAT_STAGES_MAX of lib/bpf/stage.h */
#define ETHER_BYTES   14   /* of any frame */
#define HEADERS_BYTES 256  /* of a frame whose beginning is not in one piece, are put together */
#define TCX_NEXT      (-1) /* linux/bpf.h of Linux 6.6: the programs behind this one decide */

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

/* First packets of records, to user space; its size is set before it is loaded. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} copies SEC(".maps");

/* Where a copy is put together: the ring takes any length, but only from memory. */
struct copy {
    struct leat_inline_copy head;
    uint8_t frame[LEAT_INLINE_COPY_BYTES];
};
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct copy);
} desk SEC(".maps");

/* Where in its period a core is. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, uint32_t);
} sample_place SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, STAGES);
    __type(key, uint32_t);
    __type(value, uint32_t);
} leat_stages SEC(".maps");

/* Behind a filter of what is received, and of what is sent. */
int leat_other_in(struct xdp_md *ctx);
int leat_flow_in(struct xdp_md *ctx);
int leat_other_out(struct __sk_buff *skb);
int leat_flow_out(struct __sk_buff *skb);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, sizeof(uint32_t));
    __array(values, int(struct xdp_md *));
} behind_in SEC(".maps") = {
    .values = { [LEAT_FILTER_OTHERS] = &leat_other_in, [LEAT_FILTER_MATCHED] = &leat_flow_in },
};

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, sizeof(uint32_t));
    __array(values, int(struct __sk_buff *));
} behind_out SEC(".maps") = {
    .values = { [LEAT_FILTER_OTHERS] = &leat_other_out, [LEAT_FILTER_MATCHED] = &leat_flow_out },
};

const volatile uint32_t slot;          /* of this program among the stages */
const volatile uint32_t copies_wanted; /* of each record */
const volatile uint32_t
    sample_taken; /* of each `sample_period` packets of a core the first; 0: all */
const volatile uint32_t sample_period;
const volatile uint32_t sample_below; /* those whose random number is below; 0: all */

static __always_inline void count(uint32_t counter, uint64_t n) {
    uint64_t *value = bpf_map_lookup_elem(&counters, &counter);
    if (value)
        *value += n;
}

#define TABLE ((struct leat_table *)(void *)&flows)

/* Sampling (RFC 5475, 5.1 and 5.2.2). */
static __always_inline int is_chosen(void) {
    const uint32_t only = 0;
    if (sample_below)
        return bpf_get_prandom_u32() < sample_below;
    if (!sample_taken)
        return 1;
    uint32_t *place = bpf_map_lookup_elem(&sample_place, &only);
    if (!place)
        return 0;
    uint32_t mine = *place;
    *place = mine + 1 < sample_period ? mine + 1 : 0;
    return mine < sample_taken;
}

static __always_inline void add(struct leat_inline_side *side, const struct packet *packet) {
    if (__sync_fetch_and_add(&side->packets, packet->frames) == 0) {
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

/* Whoever makes the record tells the tags. */
static __always_inline void begin(struct leat_inline_record *record, const struct packet *packet) {
    record->vlan_count = packet->vlan_count;
    for (uint32_t i = 0; i < LEAT_INLINE_TAGS; i++)
        record->vlan_tci[i] = packet->vlan_tci[i];
}

/*
 * The verifier looks at these functions apart from each other and from the programs, once each:
 * inlined they would multiply, and come near to the most that it is willing to look at.
 */
__attribute__((noinline)) int find_headers_in(struct xdp_md *ctx, struct leat_headers *h) {
    if (!h)
        return LEAT_PROBLEM_NONE;
    return leat_parse((const uint8_t *)(uintptr_t)ctx->data,
                      (const uint8_t *)(uintptr_t)ctx->data_end, h);
}

__attribute__((noinline)) int find_headers_out(struct __sk_buff *skb, struct leat_headers *h) {
    if (!h)
        return LEAT_PROBLEM_NONE;
    return leat_parse((const uint8_t *)(uintptr_t)skb->data,
                      (const uint8_t *)(uintptr_t)skb->data_end, h);
}

__attribute__((noinline)) int find_big_in(struct xdp_md *ctx, uint32_t bytes,
                                          struct leat_headers *h) {
    if (!h)
        return LEAT_PROBLEM_NONE;
    return find_big((const uint8_t *)(uintptr_t)ctx->data,
                    (const uint8_t *)(uintptr_t)ctx->data_end, bytes, h);
}

__attribute__((noinline)) int find_big_out(struct __sk_buff *skb, struct leat_headers *h) {
    if (!h)
        return LEAT_PROBLEM_NONE;
    return find_big((const uint8_t *)(uintptr_t)skb->data,
                    (const uint8_t *)(uintptr_t)skb->data_end, skb->len, h);
}

__attribute__((noinline)) int add_to_flow(const struct leat_inline_key *key,
                                          struct packet *packet) {
    if (!key || !packet)
        return LEAT_INLINE_FULL;
    bool made;
    uint64_t hash = leat_table_hash(TABLE, key, sizeof(*key));
    uint32_t index = leat_table_insert(TABLE, key, sizeof(*key), hash, &made);
    struct leat_inline_record *record =
        index == LEAT_TABLE_NONE ? NULL : leat_table_entry(TABLE, index);
    if (!record)
        return LEAT_INLINE_FULL;
    if (made)
        begin(record, packet);
    add(&record->side[packet->back & 1], packet);
    packet->entry = index;
    packet->copy =
        record->copies < copies_wanted && __sync_fetch_and_add(&record->copies, 1) < copies_wanted;
    return LEAT_INLINE_COUNTED;
}

/* Returns the counter under which the packet goes. */
static __always_inline uint32_t meter(const uint8_t *data, const uint8_t *data_end,
                                      const struct leat_headers *h, enum leat_problem problem,
                                      struct packet *packet) {
    struct leat_inline_key key = { 0 };
    if (!(h->flags & (LEAT_HEADERS_IP4 | LEAT_HEADERS_IP6)))
        return problem && problem != LEAT_PROBLEM_ARP_TRUNCATED ? why_not(problem)
                                                                : LEAT_INLINE_NOT_IP;
    if (problem)
        return why_not(problem);
    packet->now_ns = bpf_ktime_get_ns();
    if (!read_packet(data, data_end, h, &key, packet))
        return LEAT_INLINE_TRUNCATED;
    if (packet->frames > 1)
        count_cuts(h, packet);
    return (uint32_t)add_to_flow(&key, packet);
}

static __always_inline void account(uint32_t counter, const struct packet *packet) {
    count(LEAT_INLINE_FRAMES, packet->frames);
    count(LEAT_INLINE_OCTETS, packet->frame_octets);
    count(counter, packet->frames);
    if (counter == LEAT_INLINE_COUNTED)
        count(LEAT_INLINE_IP_OCTETS, packet->octets);
    else if (counter == LEAT_INLINE_MALFORMED || counter == LEAT_INLINE_TRUNCATED ||
             counter == LEAT_INLINE_FULL)
        count(LEAT_INLINE_IGNORED_OCTETS, packet->frame_octets);
}

/* A copy without its frame yet, of which there are `*bytes` to be copied. The verifier of Linux 6.1
 * has to see, of the register that is used, that it is neither too many nor none. */
static __always_inline struct copy *begin_copy(const struct packet *packet, uint32_t *bytes) {
    const uint32_t only = 0;
    struct copy *copy = bpf_map_lookup_elem(&desk, &only);
    if (!packet || !copy)
        return NULL;
    uint32_t wanted = packet->bytes;
    if (wanted > LEAT_INLINE_COPY_BYTES)
        wanted = LEAT_INLINE_COPY_BYTES;
    __asm__ volatile("" : "+r"(wanted));
    if (wanted < ETHER_BYTES || wanted > LEAT_INLINE_COPY_BYTES)
        return NULL;
    *bytes = wanted;
    copy->head = (struct leat_inline_copy){ .time_ns = packet->now_ns,
                                            .entry = packet->entry,
                                            .frame_octets = packet->bytes,
                                            .captured = (uint16_t)wanted,
                                            .back = (uint16_t)packet->back };
    return copy;
}

/* To user space, if there is room. */
static __always_inline void put_copy(struct copy *copy, const struct packet *packet, uint32_t bytes,
                                     long loaded) {
    uint32_t length_at = packet->length_at & 63;
    if (length_at)
        copy->frame[length_at] = copy->frame[length_at + 1] = 0xff;
    if (loaded < 0 ||
        bpf_ringbuf_output(&copies, copy, sizeof(copy->head) + bytes, BPF_RB_NO_WAKEUP) < 0)
        count(LEAT_INLINE_UNCOPIED, 1);
}

__attribute__((noinline)) int copy_in(struct xdp_md *ctx, const struct packet *packet) {
    uint32_t bytes;
    struct copy *copy = begin_copy(packet, &bytes);
    if (copy)
        put_copy(copy, packet, bytes, bpf_xdp_load_bytes(ctx, 0, copy->frame, bytes));
    return 0;
}

__attribute__((noinline)) int copy_out(struct __sk_buff *skb, const struct packet *packet) {
    uint32_t bytes;
    struct copy *copy = begin_copy(packet, &bytes);
    if (copy)
        put_copy(copy, packet, bytes, bpf_skb_load_bytes(skb, 0, copy->frame, bytes));
    return 0;
}

static __always_inline uint32_t meter_in(struct xdp_md *ctx, struct packet *packet) {
    struct leat_headers h = { 0 };
    if (!is_chosen())
        return LEAT_INLINE_UNSAMPLED;
    enum leat_problem problem = (enum leat_problem)find_headers_in(ctx, &h);
    if (problem && packet->bytes > LENGTH_MAX) {
        problem = (enum leat_problem)find_big_in(ctx, packet->bytes, &h);
        note_big(&h, problem, packet);
    }
    return meter((const uint8_t *)(uintptr_t)ctx->data, (const uint8_t *)(uintptr_t)ctx->data_end,
                 &h, problem, packet);
}

static __always_inline int go_on(struct xdp_md *ctx) {
    for (uint32_t next = 0; next < STAGES; next++)
        if (next > slot)
            bpf_tail_call(ctx, &leat_stages, next);
    return XDP_PASS;
}

SEC("xdp.frags")
int leat_flow_in(struct xdp_md *ctx) {
    struct packet packet = { .frames = 1 };

    packet.frame_octets = packet.bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
    account(meter_in(ctx, &packet), &packet);
    if (packet.copy)
        copy_in(ctx, &packet);
    return go_on(ctx);
}

SEC("xdp.frags")
int leat_other_in(struct xdp_md *ctx) {
    struct packet packet = { .frames = 1 };

    packet.frame_octets = (uint32_t)bpf_xdp_get_buff_len(ctx);
    account(LEAT_INLINE_FILTERED, &packet);
    return go_on(ctx);
}

/* How many frames it will be. Who hands a frame over from outside (a guest) may leave the sum to
 * the kernel, which trusts none of his: then it is done here, as in qdisc_pkt_len_init(). */
static __always_inline uint32_t frames_of(const struct __sk_buff *skb,
                                          const struct leat_headers *h) {
    uint32_t size = skb->gso_size, frames = skb->gso_segs;
    if (!size)
        return 1;
    if (!frames && skb->len > h->payload)
        frames = (skb->len - h->payload + size - 1) / size;
    return frames ? frames : 1;
}

/* Its headers may lie in several pieces of memory, though they hardly ever do. */
static __always_inline enum leat_problem find_pieces(struct __sk_buff *skb,
                                                     struct leat_headers *h) {
    enum leat_problem problem = (enum leat_problem)find_headers_out(skb, h);
    if (!problem || why_not(problem) != LEAT_INLINE_TRUNCATED ||
        skb->data_end - skb->data >= skb->len)
        return problem;
    bpf_skb_pull_data(skb, skb->len < HEADERS_BYTES ? skb->len : HEADERS_BYTES);
    return (enum leat_problem)find_headers_out(skb, h);
}

/* Finds its headers, and what it is on the wire, where a tag comes before it. */
static __always_inline enum leat_problem measure(struct __sk_buff *skb, struct leat_headers *h,
                                                 struct packet *packet) {
    enum leat_problem problem = find_pieces(skb, h);
    if (problem && skb->len > LENGTH_MAX) {
        problem = (enum leat_problem)find_big_out(skb, h);
        note_big(h, problem, packet);
    }
    packet->frames = frames_of(skb, h);
    packet->frame_octets = skb->wire_len - packet->frames * (uint64_t)packet->extra;
    if (skb->vlan_present) {
        packet->vlan_count = 1;
        packet->vlan_tci[0] = (uint16_t)skb->vlan_tci;
        packet->frame_octets += packet->frames * 4;
    }
    return problem;
}

SEC("tc")
int leat_flow_out(struct __sk_buff *skb) {
    struct leat_headers h = { 0 };
    struct packet packet = { .bytes = skb->len };
    uint32_t counter = LEAT_INLINE_UNSAMPLED;
    enum leat_problem problem = measure(skb, &h, &packet);

    if (is_chosen())
        counter = meter((const uint8_t *)(uintptr_t)skb->data,
                        (const uint8_t *)(uintptr_t)skb->data_end, &h, problem, &packet);
    account(counter, &packet);
    if (packet.copy)
        copy_out(skb, &packet);
    return TCX_NEXT;
}

SEC("tc")
int leat_other_out(struct __sk_buff *skb) {
    struct leat_headers h = { 0 };
    struct packet packet = { 0 };

    measure(skb, &h, &packet);
    account(LEAT_INLINE_FILTERED, &packet);
    return TCX_NEXT;
}

char terms[] SEC("license") = "Dual BSD/GPL";
