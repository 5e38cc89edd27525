/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands directly before a frame's first byte: before a received one what the XDP program
 * found out, before one to be sent what the device shall do
 * (Documentation/networking/xsk-tx-metadata.rst). The buffer's own struct leat_meta lies at its
 * start. */
#include "lib/bpf/stage.h"
#include "xdp_buffers.h"
#include <arpa/inet.h>
#include <leat/checksum.h>
#include <string.h>

#define TCP_CHECKSUM 16 /* offset in the header */
#define UDP_CHECKSUM 6

#define MAC_BYTES 12 /* of both addresses, before the tags */

/* Tells what the program found out of the frame that begins in this packet. */
void xdp_read_metadata(struct xdp_queue *q, struct leat_pkt *pkt) {
    struct leat_xdp_received received;
    struct leat_meta *meta = leat_pkt_meta(q->pool, pkt);
    if (pkt->data < (uint8_t *)(meta + 1) + sizeof(received))
        return; /* the program moved the frame's start so far that there is no room */
    memcpy(&received, pkt->data - sizeof(received), sizeof(received));
    uint32_t valid = received.valid & q->opts.rx_metadata;
    if (valid & LEAT_XDP_META_HASH) {
        pkt->hash = received.hash;
        pkt->flags |= LEAT_PKT_HASH;
    }
    if (!(valid & (LEAT_XDP_META_TIME | LEAT_XDP_META_VLAN)))
        return;
    *meta = (struct leat_meta){ .hash = pkt->hash,
                                .in_port = (uint16_t)q->head.public.port->index,
                                .in_queue = (uint16_t)q->head.public.index };
    pkt->flags |= LEAT_PKT_META;
    if (valid & LEAT_XDP_META_TIME) {
        meta->time_ns = received.time_ns;
        pkt->flags |= LEAT_PKT_TIME;
    }
    if (valid & LEAT_XDP_META_VLAN) {
        meta->vlan_tci[0] = received.vlan_tci;
        meta->vlan_proto[0] = ntohs(received.vlan_proto);
        pkt->flags |= LEAT_PKT_VLAN;
    }
}

/* Asks the device for the checksum of TCP or UDP, instead of completing it here. */
static void offload_checksum(struct leat_pkt *pkt, struct xdp_tx_metadata *request) {
    uint32_t start = leat_offload_l2_len(pkt->offload) + leat_offload_l3_len(pkt->offload);
    uint16_t l4 = pkt->flags & LEAT_PKT_L4_MASK;
    uint16_t field = l4 == LEAT_PKT_L4_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
    if ((l4 != LEAT_PKT_L4_TCP && l4 != LEAT_PKT_L4_UDP) || start + field + 2 > pkt->len)
        return;
    request->flags |= XDP_TXMD_FLAGS_CHECKSUM;
    request->csum_start = (uint16_t)start;
    request->csum_offset = field;
    pkt->flags &= (uint16_t)~LEAT_PKT_L4_CSUM;
}

/* Tags that a driver took out of the frame, or that the program wants, become a part of its bytes;
 * false: there is no room for them before the frame. */
static bool insert_tags(const struct xdp_queue *q, struct leat_pkt *pkt) {
    const struct leat_meta *meta = leat_pkt_meta(q->pool, pkt);
    uint8_t tags[8];
    uint16_t bytes = 0;
    for (uint32_t i = 0; i < 2 && meta->vlan_proto[i]; i++, bytes += 4) {
        leat_put_be16(tags + bytes, meta->vlan_proto[i]);
        leat_put_be16(tags + bytes + 2, meta->vlan_tci[i]);
    }
    uint8_t *start = pkt->data - bytes;
    if (start < (const uint8_t *)(meta + 1) || pkt->len < MAC_BYTES ||
        pkt->len + bytes + q->tx_reserve > q->chunk)
        return false;
    memmove(start, pkt->data, MAC_BYTES);
    memcpy(start + MAC_BYTES, tags, bytes);
    pkt->data = start;
    pkt->len += bytes;
    pkt->flags &= (uint16_t)~LEAT_PKT_VLAN;
    if (pkt->flags & LEAT_PKT_REQUESTS)
        pkt->offload =
            leat_offload(leat_offload_l2_len(pkt->offload) + bytes,
                         leat_offload_l3_len(pkt->offload), leat_offload_mss(pkt->offload));
    return true;
}

/* Does what a frame asks for, or has the device do it; false: neither can. `options` are those of
 * its first descriptor. */
bool xdp_write_metadata(struct xdp_queue *q, struct leat_pkt *pkts, uint32_t segments,
                        uint32_t *options) {
    struct xdp_tx_metadata request = { 0 };
    if (pkts->flags & LEAT_PKT_VLAN && !insert_tags(q, pkts))
        return false;
    if (pkts->flags & LEAT_PKT_LAUNCH) {
        if (!(q->opts.tx_metadata & XDP_TXMD_FLAGS_LAUNCH_TIME))
            return false;
        request.flags |= XDP_TXMD_FLAGS_LAUNCH_TIME;
        request.launch_time = leat_pkt_meta(q->pool, pkts)->launch_ns;
    }
    if (pkts->flags & LEAT_PKT_SENT) {
        if (!q->sent)
            return false;
        request.flags |= XDP_TXMD_FLAGS_TIMESTAMP;
    }
    if (pkts->flags & LEAT_PKT_L4_CSUM && q->opts.tx_metadata & XDP_TXMD_FLAGS_CHECKSUM)
        offload_checksum(pkts, &request);
    if (pkts->flags & LEAT_PKT_REQUESTS && leat_complete_checksum(pkts, segments) != 0)
        return false;
    if (request.flags) {
        memcpy(pkts->data - sizeof(request), &request, sizeof(request));
        *options = XDP_TX_METADATA;
        if (request.flags & XDP_TXMD_FLAGS_TIMESTAMP)
            xdp_sent_ask(q, leat_buffer_number(q->pool, pkts->data));
    }
    return true;
}
