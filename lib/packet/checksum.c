/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums over ranges and whole frames. */
#include <leat/checksum.h>

#include <errno.h>
#include <string.h>

/* Where each transport keeps its checksum. */
enum { TCP_FIELD = 16, UDP_FIELD = 6, SCTP_FIELD = 8, ICMP_FIELD = 2 };

static uint64_t load64(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Words of 64 bits, in four chains that do not wait for each other; the carries gather in the upper
 * halves. RFC 1071, 2 (C): wider words give the same sum. */
uint64_t leat_sum(const void *data, size_t bytes) {
    const uint8_t *p = data;
    unsigned __int128 a = 0, b = 0, c = 0, d = 0;

    for (; bytes >= 64; bytes -= 64, p += 64) {
        a += load64(p);
        b += load64(p + 8);
        c += load64(p + 16);
        d += load64(p + 24);
        a += load64(p + 32);
        b += load64(p + 40);
        c += load64(p + 48);
        d += load64(p + 56);
    }
    for (; bytes >= 8; bytes -= 8, p += 8)
        a += load64(p);
    if (bytes & 4) {
        uint32_t word;
        memcpy(&word, p, sizeof(word));
        b += word;
        p += 4;
    }
    uint16_t last[2] = { 0 };
    if (bytes & 2)
        memcpy(&last[0], p, 2);
    if (bytes & 1)
        memcpy(&last[1], p + (bytes & 2), 1);
    b += (uint64_t)last[0] + last[1];
    a += b + c + d;
    return leat_sum_add((uint64_t)a, (uint64_t)(a >> 64));
}

/* Calls `visit` on each piece of the frame's bytes from `offset` to `end`. */
static int for_pieces(const struct leat_pkt *pkts, uint32_t n, uint32_t offset, uint32_t end,
                      void (*visit)(void *ctx, const uint8_t *piece, uint32_t bytes), void *ctx) {
    uint32_t start = 0; /* of this buffer, in the frame */

    for (uint32_t i = 0; i < n && offset < end; i++) {
        uint32_t stop = start + pkts[i].len;
        if (offset < stop) {
            uint32_t bytes = (end < stop ? end : stop) - offset;
            visit(ctx, pkts[i].data + (offset - start), bytes);
            offset += bytes;
        }
        if (!(pkts[i].flags & LEAT_PKT_MORE))
            break;
        start = stop;
    }
    return offset < end ? -EMSGSIZE : 0;
}

struct sum_state {
    uint64_t sum;
    uint32_t bytes;
};

static void sum_piece(void *ctx, const uint8_t *piece, uint32_t bytes) {
    struct sum_state *state = ctx;
    uint64_t sum = leat_sum(piece, bytes);
    state->sum = leat_sum_add(state->sum, state->bytes % 2 ? leat_sum_odd(sum) : sum);
    state->bytes += bytes;
}

int leat_frame_sum(const struct leat_pkt *pkts, uint32_t n, uint32_t offset, uint32_t end,
                   uint64_t *sum) {
    struct sum_state state = { .sum = *sum };
    int err = for_pieces(pkts, n, offset, end, sum_piece, &state);
    if (!err)
        *sum = state.sum;
    return err;
}

static void crc_piece(void *ctx, const uint8_t *piece, uint32_t bytes) {
    uint32_t *crc = ctx;
    *crc = leat_crc32c(*crc, piece, bytes);
}

/* RFC 9260, 6.8: over the whole packet with the field as zero; stored with the low byte first. */
static int sctp_checksum(const struct leat_pkt *pkts, uint32_t n, uint32_t l4, uint32_t end,
                         uint32_t *checksum) {
    static const uint8_t zero[4];
    uint32_t crc = 0;
    int err = for_pieces(pkts, n, l4, l4 + SCTP_FIELD, crc_piece, &crc);
    crc = leat_crc32c(crc, zero, sizeof(zero));
    if (!err)
        err = for_pieces(pkts, n, l4 + SCTP_FIELD + 4, end, crc_piece, &crc);
    if (!err)
        *checksum = __builtin_bswap32(crc);
    return err;
}

static uint32_t field_offset(uint32_t protocol) {
    switch (protocol) {
    case LEAT_PROTO_TCP:
        return TCP_FIELD;
    case LEAT_PROTO_UDP:
        return UDP_FIELD;
    case LEAT_PROTO_SCTP:
        return SCTP_FIELD;
    default:
        return ICMP_FIELD;
    }
}

static uint64_t pseudo_sum(const uint8_t *data, const struct leat_headers *h, uint32_t bytes) {
    const uint8_t *ip = data + h->l3;
    if (h->flags & LEAT_HEADERS_IP6)
        return leat_sum_pseudo6(ip, data + h->destination, h->protocol, bytes);
    return h->protocol == LEAT_PROTO_ICMP ? 0 : leat_sum_pseudo4(ip, h->protocol, bytes);
}

int leat_l4_checksum(const struct leat_pkt *pkts, uint32_t n, const struct leat_headers *h,
                     uint32_t *checksum) {
    const uint8_t *data = pkts[0].data;

    if (!(h->flags & LEAT_HEADERS_L4) || h->flags & LEAT_HEADERS_FRAGMENT || !h->destination)
        return -ENOTSUP;
    uint32_t end = h->end;
    if (h->protocol == LEAT_PROTO_UDP) /* may be shorter than its datagram */
        end = h->l4 + leat_be16(data + h->l4 + 4);
    if (h->protocol == LEAT_PROTO_SCTP)
        return sctp_checksum(pkts, n, h->l4, end, checksum);

    uint32_t field = h->l4 + field_offset(h->protocol);
    uint64_t sum = pseudo_sum(data, h, end - h->l4);
    int err = leat_frame_sum(pkts, n, h->l4, field, &sum);
    if (!err)
        err = leat_frame_sum(pkts, n, field + 2, end, &sum);
    if (err)
        return err;
    *checksum = leat_sum_finish(sum);
    if (h->protocol == LEAT_PROTO_UDP)
        *checksum = leat_sum_udp((uint16_t)*checksum);
    return 0;
}

enum leat_verdict leat_l4_verify(const struct leat_pkt *pkts, uint32_t n,
                                 const struct leat_headers *h) {
    uint32_t right;
    if (leat_l4_checksum(pkts, n, h, &right))
        return LEAT_CHECKSUM_UNKNOWN;

    const uint8_t *field = pkts[0].data + h->l4 + field_offset(h->protocol);
    if (h->protocol == LEAT_PROTO_SCTP)
        return leat_be32(field) == right ? LEAT_CHECKSUM_OK : LEAT_CHECKSUM_BAD;
    uint16_t found = leat_be16(field);
    if (h->protocol == LEAT_PROTO_UDP && !found)
        return h->flags & LEAT_HEADERS_IP4 ? LEAT_CHECKSUM_NONE : LEAT_CHECKSUM_BAD;
    /* One's complement has two zeros, and senders may write either. */
    return found == right || (found == 0xffff && right == 0) ? LEAT_CHECKSUM_OK : LEAT_CHECKSUM_BAD;
}

/* Where the datagram at `l3` ends, or 0 when the header is nonsense. */
static uint32_t datagram_end(const uint8_t *data, uint32_t l3, uint32_t l3_len, int ip6) {
    const uint8_t *ip = data + l3;
    if (ip6)
        return l3_len >= 40 && ip[0] >> 4 == 6 ? l3 + 40 + leat_be16(ip + 4) : 0;
    return l3_len >= 20 && ip[0] >> 4 == 4 && (ip[0] & 15) * 4u == l3_len ? l3 + leat_be16(ip + 2)
                                                                          : 0;
}

/* The transport's checksum field holds the pseudo header's sum, so that summing from the transport
 * header to the end of the datagram completes it. */
static int complete_l4(struct leat_pkt *pkts, uint32_t n, uint32_t l4, uint32_t end) {
    uint32_t transport = pkts[0].flags & LEAT_PKT_L4_MASK;
    uint32_t field = transport == LEAT_PKT_L4_TCP   ? TCP_FIELD
                     : transport == LEAT_PKT_L4_UDP ? UDP_FIELD
                                                    : SCTP_FIELD;
    uint32_t bytes = transport == LEAT_PKT_L4_SCTP ? 4 : 2;
    if (!transport || l4 + field + bytes > pkts[0].len || l4 + field + bytes > end)
        return -EINVAL;

    uint8_t *checksum = pkts[0].data + l4 + field;
    uint32_t crc;
    if (transport == LEAT_PKT_L4_SCTP) {
        if (sctp_checksum(pkts, n, l4, end, &crc))
            return -EINVAL;
        leat_put_be32(checksum, crc);
        return 0;
    }
    uint64_t sum = 0;
    if (leat_frame_sum(pkts, n, l4, end, &sum))
        return -EINVAL;
    uint16_t value = leat_sum_finish(sum);
    leat_put_be16(checksum, transport == LEAT_PKT_L4_UDP ? leat_sum_udp(value) : value);
    return 0;
}

int leat_complete_checksum(struct leat_pkt *pkts, uint32_t n) {
    uint32_t flags = pkts[0].flags;
    int ip6 = !!(flags & LEAT_PKT_IPV6);

    if (!(flags & LEAT_PKT_REQUESTS))
        return 0;
    if (flags & LEAT_PKT_TSO || (ip6 && flags & LEAT_PKT_IP_CSUM))
        return -EINVAL;

    uint32_t l3 = leat_offload_l2_len(pkts[0].offload);
    uint32_t l3_len = leat_offload_l3_len(pkts[0].offload);
    if (l3 + l3_len > pkts[0].len || l3_len < 20)
        return -EINVAL;
    uint32_t end = datagram_end(pkts[0].data, l3, l3_len, ip6);
    if (!end)
        return -EINVAL;
    if (flags & LEAT_PKT_L4_CSUM) {
        int err = complete_l4(pkts, n, l3 + l3_len, end);
        if (err)
            return err;
    }
    if (flags & LEAT_PKT_IP_CSUM) {
        uint8_t *ip = pkts[0].data + l3;
        leat_put_be16(ip + 10, leat_ip4_checksum(ip, l3_len));
    }
    pkts[0].flags &= (uint16_t)~LEAT_PKT_REQUESTS;
    return 0;
}
