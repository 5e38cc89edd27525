/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe_frame.h"
#include <leat/checksum.h>
#include <leat/parse.h>
#include <string.h>

#define MAGIC       0x1ea7
#define PROBE_BYTES 18
#define ETHER_BYTES 14
#define TAG_BYTES   4
#define IP4_BYTES   20
#define IP6_BYTES   40
#define UDP_BYTES   8
#define HOP_LIMIT   64

static uint32_t network_offset(const struct probe_flow *flow) {
    return ETHER_BYTES + (flow->tagged ? TAG_BYTES : 0);
}

static uint32_t udp_offset(const struct probe_flow *flow) {
    return network_offset(flow) + (flow->ipv6 ? IP6_BYTES : IP4_BYTES);
}

uint32_t probe_bytes_min(const struct probe_flow *flow) {
    return udp_offset(flow) + UDP_BYTES + PROBE_BYTES;
}

static void put_ethernet(uint8_t *frame, const struct probe_flow *flow) {
    memcpy(frame, flow->dst_mac, 6);
    memcpy(frame + 6, flow->src_mac, 6);
    uint8_t *type = frame + 12;
    if (flow->tagged) {
        leat_put_be16(type, LEAT_ETHER_VLAN);
        leat_put_be16(type + 2, flow->vlan);
        type += TAG_BYTES;
    }
    leat_put_be16(type, flow->ipv6 ? LEAT_ETHER_IP6 : LEAT_ETHER_IP4);
}

/* RFC 791: version and header length, then everything that is not named is zero. */
static void put_ip4(uint8_t *ip, uint32_t bytes, const struct probe_flow *flow) {
    memset(ip, 0, IP4_BYTES);
    ip[0] = 0x45;
    leat_put_be16(ip + 2, bytes);
    ip[8] = HOP_LIMIT;
    ip[9] = LEAT_PROTO_UDP;
    memcpy(ip + 12, flow->src, 4);
    memcpy(ip + 16, flow->dst, 4);
    leat_put_be16(ip + 10, leat_ip4_checksum(ip, IP4_BYTES));
}

/* RFC 8200, section 3. */
static void put_ip6(uint8_t *ip, uint32_t bytes, const struct probe_flow *flow) {
    leat_put_be32(ip, 0x60000000);
    leat_put_be16(ip + 4, bytes - IP6_BYTES);
    ip[6] = LEAT_PROTO_UDP;
    ip[7] = HOP_LIMIT;
    memcpy(ip + 8, flow->src, 16);
    memcpy(ip + 24, flow->dst, 16);
}

static void put_probe(uint8_t *at, uint32_t bytes, const struct probe *probe) {
    leat_put_be16(at, MAGIC);
    leat_put_be16(at + 2, probe->stream);
    leat_put_be16(at + 4, (uint16_t)(probe->sequence >> 32));
    leat_put_be32(at + 6, (uint32_t)probe->sequence);
    leat_put_be32(at + 10, (uint32_t)(probe->time_ns >> 32));
    leat_put_be32(at + 14, (uint32_t)probe->time_ns);
    memset(at + PROBE_BYTES, (uint8_t)probe->sequence, bytes - PROBE_BYTES);
}

void probe_make(uint8_t *frame, uint32_t bytes, const struct probe_flow *flow,
                const struct probe *probe) {
    uint8_t *ip = frame + network_offset(flow), *udp = frame + udp_offset(flow);
    uint32_t ip_bytes = bytes - network_offset(flow), udp_bytes = bytes - udp_offset(flow);
    put_ethernet(frame, flow);
    leat_put_be16(udp, flow->sport);
    leat_put_be16(udp + 2, flow->dport);
    leat_put_be16(udp + 4, udp_bytes);
    leat_put_be16(udp + 6, 0);
    put_probe(udp + UDP_BYTES, udp_bytes - UDP_BYTES, probe);
    if (!flow->ipv6) {
        put_ip4(ip, ip_bytes, flow);
        return;
    }
    put_ip6(ip, ip_bytes, flow);
    uint64_t sum = leat_sum_pseudo6(ip, ip + 24, LEAT_PROTO_UDP, udp_bytes);
    sum = leat_sum_add(sum, leat_sum(udp, udp_bytes));
    leat_put_be16(udp + 6, leat_sum_udp(leat_sum_finish(sum)));
}

static bool filled(const uint8_t *bytes, uint32_t n, uint8_t with) {
    return n == 0 || (bytes[0] == with && !memcmp(bytes, bytes + 1, n - 1));
}

static bool all_filled(const struct leat_pkt *pkts, uint32_t n, uint32_t offset, uint8_t with) {
    bool good = filled(pkts[0].data + offset, pkts[0].len - offset, with);
    for (uint32_t i = 1; i < n; i++)
        good &= filled(pkts[i].data, pkts[i].len, with);
    return good;
}

static bool checksums_good(const struct leat_pkt *pkts, uint32_t n, const struct leat_headers *h) {
    if (h->flags & LEAT_HEADERS_IP4)
        return leat_ip4_checksum_ok(pkts[0].data + h->l3, IP4_BYTES);
    return leat_l4_verify(pkts, n, h) == LEAT_CHECKSUM_OK;
}

static uint32_t frame_bytes(const struct leat_pkt *pkts, uint32_t n) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += pkts[i].len;
    return bytes;
}

enum probe_verdict probe_read(const struct leat_pkt *pkts, uint32_t n, struct probe *probe) {
    struct leat_headers h;
    const uint8_t *frame = pkts[0].data;
    leat_parse(frame, frame + pkts[0].len, &h);
    if (h.protocol != LEAT_PROTO_UDP || !h.payload || h.payload + PROBE_BYTES > pkts[0].len)
        return PROBE_OTHER;
    const uint8_t *at = frame + h.payload;
    if (leat_be16(at) != MAGIC)
        return PROBE_OTHER;
    probe->stream = leat_be16(at + 2);
    probe->sequence = (uint64_t)leat_be16(at + 4) << 32 | leat_be32(at + 6);
    probe->time_ns = (uint64_t)leat_be32(at + 10) << 32 | leat_be32(at + 14);
    bool good = !h.problem && !(h.flags & (LEAT_HEADERS_FRAGMENT | LEAT_HEADERS_OPTIONS)) &&
                h.end == frame_bytes(pkts, n) && leat_be16(frame + h.l4 + 4) == h.end - h.l4 &&
                checksums_good(pkts, n, &h) && all_filled(pkts, n, h.payload + PROBE_BYTES, at[9]);
    return good ? PROBE_GOOD : PROBE_ALTERED;
}
