/* SPDX-License-Identifier: BSD-2-Clause */
/* Cutting TCP and UDP frames into segments. */
#include <leat/checksum.h>
#include <leat/parse.h>
#include <leat/segment.h>

#include <errno.h>
#include <string.h>

/* TCP flags, RFC 9293, 3.1 and RFC 3168. */
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

/* What is to be cut. */
struct plan {
    struct leat_headers h;
    uint32_t room; /* of a buffer */
    uint32_t mss;
    uint32_t payload;  /* bytes of it */
    uint32_t segments; /* at least one */
    uint32_t buffers;  /* all together */
};

/* A place in a frame's bytes. */
struct cursor {
    const struct leat_pkt *pkt;
    uint32_t offset; /* in its buffer */
};

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return (a + b - 1) / b;
}

static uint32_t frame_bytes(const struct leat_pkt *frame, uint32_t buffers) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < buffers; i++)
        bytes += frame[i].len;
    return bytes;
}

/* The headers, when they are what the request says. */
static int check_request(const struct leat_pkt *pkt, struct leat_headers *h) {
    uint32_t transport = pkt->flags & LEAT_PKT_L4_MASK;
    uint32_t l3 = leat_offload_l2_len(pkt->offload);
    uint32_t l4 = l3 + leat_offload_l3_len(pkt->offload);
    int ip6 = !!(pkt->flags & LEAT_PKT_IPV6);
    uint8_t protocol = transport == LEAT_PKT_L4_TCP ? LEAT_PROTO_TCP : LEAT_PROTO_UDP;

    if (!(pkt->flags & LEAT_PKT_TSO) || !leat_offload_mss(pkt->offload))
        return -EINVAL;
    if (transport != LEAT_PKT_L4_TCP && transport != LEAT_PKT_L4_UDP)
        return -EINVAL;
    if (leat_parse_at(pkt->data, pkt->data + pkt->len, l3, ip6 ? LEAT_NEXT_IP6 : LEAT_NEXT_IP4, h))
        return -EINVAL;
    if (!(h->flags & LEAT_HEADERS_L4) || h->flags & LEAT_HEADERS_FRAGMENT || !h->destination)
        return -EINVAL;
    return h->l4 == l4 && h->protocol == protocol ? 0 : -EINVAL;
}

static int make_plan(struct plan *plan, const struct leat_pkt *frame, uint32_t n, uint32_t room) {
    uint32_t buffers = leat_frame_segments(frame, n);
    if (!buffers)
        return -EMSGSIZE;
    int err = check_request(&frame[0], &plan->h);
    if (err)
        return err;

    uint32_t headers = plan->h.payload;
    plan->room = room = room < 0xffff ? room : 0xffff; /* what `len` can say */
    if (plan->h.end > frame_bytes(frame, buffers))
        return -EINVAL;
    if (headers > room)
        return -EMSGSIZE;
    plan->mss = leat_offload_mss(frame[0].offload);
    plan->payload = plan->h.end - headers;
    if (plan->mss > plan->payload) /* also keeps every length below inside 16 bits */
        plan->mss = plan->payload ? plan->payload : 1;
    plan->segments = plan->payload ? divide_up(plan->payload, plan->mss) : 1;
    uint32_t last = plan->payload - (plan->segments - 1) * plan->mss;
    plan->buffers = (plan->segments - 1) * divide_up(headers + plan->mss, room) +
                    divide_up(headers + last, room);
    return 0;
}

int leat_segment_count(const struct leat_pkt *frame, uint32_t n, uint32_t room) {
    struct plan plan;
    int err = make_plan(&plan, frame, n, room);
    return err ? err : (int)plan.buffers;
}

static void copy(uint8_t *to, struct cursor *from, uint32_t bytes) {
    while (bytes) {
        uint32_t piece = from->pkt->len - from->offset;
        if (piece > bytes)
            piece = bytes;
        memcpy(to, from->pkt->data + from->offset, piece);
        to += piece;
        bytes -= piece;
        from->offset += piece;
        if (bytes) {
            from->pkt++;
            from->offset = 0;
        }
    }
}

/* Headers and `bytes` of payload into as many buffers as they take; returns how many. */
static uint32_t fill(struct leat_pkt *out, uint32_t room, const struct leat_pkt *frame,
                     uint32_t headers, struct cursor *payload, uint32_t bytes) {
    uint32_t used = 0, taken = headers;

    memcpy(out[0].data, frame[0].data, headers);
    for (;;) {
        uint32_t piece = room - taken < bytes ? room - taken : bytes;
        copy(out[used].data + taken, payload, piece);
        bytes -= piece;
        out[used].len = (uint16_t)(taken + piece);
        out[used].flags = bytes ? LEAT_PKT_MORE : 0;
        out[used++].offload = 0;
        if (!bytes)
            return used;
        taken = 0;
    }
}

/* The fields that differ from segment to segment; the transport's checksum becomes the pseudo
 * header's sum, as LEAT_PKT_L4_CSUM wants it. */
static void write_headers(uint8_t *data, const struct plan *plan, uint32_t index, uint32_t bytes) {
    const struct leat_headers *h = &plan->h;
    uint8_t *ip = data + h->l3, *l4 = data + h->l4;
    uint32_t l4_bytes = h->payload - h->l4 + bytes;
    uint64_t pseudo;

    if (h->flags & LEAT_HEADERS_IP6) {
        leat_put_be16(ip + 4, h->payload - h->l3 - 40 + bytes);
        pseudo = leat_sum_pseudo6(ip, data + h->destination, h->protocol, l4_bytes);
    } else {
        leat_put_be16(ip + 2, h->payload - h->l3 + bytes);
        leat_put_be16(ip + 4, leat_be16(ip + 4) + index);
        pseudo = leat_sum_pseudo4(ip, h->protocol, l4_bytes);
    }

    if (h->protocol == LEAT_PROTO_TCP) {
        leat_put_be32(l4 + 4, leat_be32(l4 + 4) + index * plan->mss);
        if (index + 1 < plan->segments)
            l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
        if (index)
            l4[13] &= (uint8_t)~TCP_CWR;
        leat_put_be16(l4 + 16, leat_sum_fold(pseudo));
    } else {
        leat_put_be16(l4 + 4, l4_bytes);
        leat_put_be16(l4 + 6, leat_sum_fold(pseudo));
    }
}

int leat_segment(const struct leat_pkt *frame, uint32_t n, struct leat_pkt *out, uint32_t count,
                 uint32_t room, uint32_t options) {
    struct plan plan;
    int err = make_plan(&plan, frame, n, room);
    if (err)
        return err;
    if (count < plan.buffers)
        return -ENOBUFS;

    uint32_t headers = plan.h.payload, used = 0, left = plan.payload;
    uint16_t requests = frame[0].flags & (LEAT_PKT_IPV6 | LEAT_PKT_L4_MASK);
    requests |= LEAT_PKT_L4_CSUM | (requests & LEAT_PKT_IPV6 ? 0 : LEAT_PKT_IP_CSUM);
    struct cursor payload = { .pkt = frame, .offset = headers };

    for (uint32_t i = 0; i < plan.segments; i++) {
        uint32_t bytes = left < plan.mss ? left : plan.mss;
        struct leat_pkt *segment = &out[used];
        used += fill(segment, plan.room, frame, headers, &payload, bytes);
        left -= bytes;
        write_headers(segment->data, &plan, i, bytes);
        segment->flags |= requests;
        segment->offload = leat_offload(plan.h.l3, plan.h.l4 - plan.h.l3, 0);
        if (!(options & LEAT_SEGMENT_REQUEST_CHECKSUMS))
            leat_complete_checksum(segment, out + used - segment);
    }
    return (int)used;
}
