/* SPDX-License-Identifier: BSD-2-Clause */
/* An XDP program of nothing but lib/packet: passes UDP over IPv4 after counting the TTL down, with
 * checksums kept right, and drops what is malformed. */
#include <leat/checksum.h>
#include <leat/parse.h>

struct xdp_md {
    uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
enum { XDP_DROP = 1, XDP_PASS = 2 };

__attribute__((section("xdp"), used)) int packet_xdp(struct xdp_md *ctx) {
    uint8_t *data = (uint8_t *)(uintptr_t)ctx->data;
    uint8_t *data_end = (uint8_t *)(uintptr_t)ctx->data_end;
    struct leat_headers h;

    if (leat_parse(data, data_end, &h))
        return XDP_DROP;
    if (!(h.flags & LEAT_HEADERS_IP4) || h.protocol != LEAT_PROTO_UDP)
        return XDP_PASS;
    uint8_t *ip = (uint8_t *)leat_at(data, data_end, h.l3, 20);
    if (!ip || (h.l4 == h.l3 + 20 && !leat_ip4_checksum_ok(ip, 20)))
        return XDP_DROP;
    uint16_t before = leat_be16(ip + 8);
    ip[8]--;
    leat_put_be16(ip + 10, leat_checksum_update16(leat_be16(ip + 10), before, leat_be16(ip + 8)));
    return XDP_PASS;
}

__attribute__((section("license"), used)) char terms[] = "Dual BSD/GPL";
