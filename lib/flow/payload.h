/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the bytes behind the transport header tell: histograms, lists of first packets, and the
 * names that TLS, QUIC, DNS and HTTP carry. Each function adds one packet to one part of a record.
 * Payload is hostile: every length is checked, nothing is allocated, work per packet is bounded.
 */
#ifndef LEAT_FLOW_PAYLOAD_H
#define LEAT_FLOW_PAYLOAD_H

#include "flow.h"
#include "packet.h"

/* `counted` are the payload bytes of this side that are in the histogram already; returns how many
 * were added, so that a side ends with at most `limit`. */
uint32_t leat_flow_histogram_add(struct leat_flow_histogram *histogram,
                                 const struct leat_flow_packet *packet, uint32_t counted,
                                 uint32_t limit);

/* Shannon entropy of the bytes in bits a byte, 0 to 8, times 1,000; 0 for none. */
uint32_t leat_flow_entropy(const struct leat_flow_histogram *histogram);

void leat_flow_packet_list_add(struct leat_flow_packet_list *list,
                               const struct leat_flow_packet *packet, uint32_t side, uint32_t max);

void leat_flow_sizes_add(struct leat_flow_sizes *sizes, const struct leat_flow_packet *packet,
                         uint32_t side);

/* Looks at the payload of one of a flow's first packets: what it is, and the name in it. Fills what
 * is not known yet. `scratch` is one worker's; it holds the pieces of handshakes that span packets,
 * a bounded number of them. */
struct leat_flow_scratch;
int leat_flow_scratch_create(struct leat_flow_scratch **scratch);
void leat_flow_scratch_destroy(struct leat_flow_scratch *scratch);
void leat_flow_application_add(struct leat_flow_scratch *scratch,
                               struct leat_flow_application *application,
                               const struct leat_flow_packet *packet, uint64_t flow_id);

#endif
