/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parsers of what flows carry. One of a stream gets all its bytes from the first on as far as
 * they came without a gap (some of them again, when more have come), and says whether more would
 * tell more. It writes nothing into the record before it is sure whose bytes these are.
 */
#ifndef LEAT_FLOW_APPLICATION_H
#define LEAT_FLOW_APPLICATION_H

#include "crypto.h"
#include "payload.h"
#include "pieces.h"

#define LEAT_QUIC_PACKET_MAX 9216 /* an Initial packet in a jumbo frame */

struct leat_flow_scratch {
    struct leat_pieces *pieces;
    struct leat_flow_crypto *crypto;
    uint8_t handshake[LEAT_PIECES_BYTES];
    uint8_t packet[LEAT_QUIC_PACKET_MAX];
};

enum leat_flow_found {
    LEAT_FLOW_OTHER, /* not of this protocol */
    LEAT_FLOW_MORE,  /* it may be, or is, and more bytes tell more */
    LEAT_FLOW_DONE,
};

enum leat_flow_found leat_flow_tls(struct leat_flow_scratch *scratch,
                                   struct leat_flow_application *application, const uint8_t *bytes,
                                   uint32_t n);
enum leat_flow_found leat_flow_http(struct leat_flow_application *application, const uint8_t *bytes,
                                    uint32_t n);
enum leat_flow_found leat_flow_dns(struct leat_flow_application *application, const uint8_t *bytes,
                                   uint32_t n);
enum leat_flow_found leat_flow_dns_stream(struct leat_flow_application *application,
                                          const uint8_t *bytes, uint32_t n);
void leat_flow_quic(struct leat_flow_scratch *scratch, struct leat_flow_application *application,
                    const struct leat_flow_packet *packet, uint64_t flow_id);

/* A ClientHello, from its handshake header on: 'q' in QUIC, 't' in TLS. The name is there as soon
 * as its extension is, the fingerprint when all is. */
enum leat_flow_found leat_flow_client_hello(struct leat_flow_scratch *scratch,
                                            struct leat_flow_application *application,
                                            const uint8_t *bytes, uint32_t n, char transport);

#endif
