/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a flow carries, and the name in it. Streams are recognised by their first bytes, not by
 * their port, apart from DNS, which has no mark of its own. What spans packets is put together in
 * the scratch; a segment that comes before the one that begins the stream is missed.
 */
#include "application.h"
#include "../core/error.h"
#include "cursor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define TCP_HEADER_BYTES 20
#define TCP_SYN          0x02

enum dns_port { PORT_DNS = 53, PORT_MDNS = 5353, PORT_LLMNR = 5355 };

int leat_flow_scratch_create(struct leat_flow_scratch **scratch) {
    struct leat_flow_scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return leat_fail(ENOMEM, "flow meter: no memory to read handshakes in");
    int ret = leat_pieces_create(&s->pieces);
    if (ret == 0)
        ret = leat_flow_crypto_create(&s->crypto);
    if (ret < 0) {
        leat_flow_scratch_destroy(s);
        return ret;
    }
    *scratch = s;
    return 0;
}

void leat_flow_scratch_destroy(struct leat_flow_scratch *scratch) {
    if (!scratch)
        return;
    leat_flow_crypto_destroy(scratch->crypto);
    leat_pieces_destroy(scratch->pieces);
    free(scratch);
}

static bool dns_port(const struct leat_flow_packet *packet) {
    const uint16_t *port = packet->flags & LEAT_FLOW_IP6 ? packet->key6.port : packet->key4.port;
    for (uint32_t i = 0; i < 2; i++)
        switch (ntohs(port[i])) {
        case PORT_DNS:
        case PORT_MDNS:
        case PORT_LLMNR:
            return true;
        default:
            break;
        }
    return false;
}

static enum leat_flow_found parse(struct leat_flow_scratch *scratch,
                                  struct leat_flow_application *application, uint8_t kind,
                                  const uint8_t *bytes, uint32_t n) {
    switch (kind) {
    case LEAT_FLOW_APPLICATION_TLS:
        return leat_flow_tls(scratch, application, bytes, n);
    case LEAT_FLOW_APPLICATION_HTTP:
        return leat_flow_http(application, bytes, n);
    case LEAT_FLOW_APPLICATION_DNS:
        return leat_flow_dns_stream(application, bytes, n);
    default:
        return LEAT_FLOW_OTHER;
    }
}

/* The first protocol whose parser does not refuse the bytes; of a flow that is known, its own. */
static enum leat_flow_found recognise(struct leat_flow_scratch *scratch,
                                      struct leat_flow_application *application,
                                      const struct leat_flow_packet *packet, uint8_t *kind) {
    static const uint8_t kinds[] = { LEAT_FLOW_APPLICATION_DNS, LEAT_FLOW_APPLICATION_TLS,
                                     LEAT_FLOW_APPLICATION_HTTP };

    for (uint32_t i = 0; i < sizeof(kinds); i++) {
        *kind = kinds[i];
        if ((application->kind && application->kind != *kind) ||
            (*kind == LEAT_FLOW_APPLICATION_DNS && !dns_port(packet)))
            continue;
        enum leat_flow_found found =
            parse(scratch, application, *kind, packet->payload, packet->payload_here);
        if (found != LEAT_FLOW_OTHER)
            return found;
    }
    return LEAT_FLOW_OTHER;
}

static void add_segment(struct leat_flow_scratch *scratch,
                        struct leat_flow_application *application,
                        const struct leat_flow_packet *packet, uint64_t flow_id) {
    struct leat_cursor header = leat_cursor(packet->l4, packet->l4_bytes);
    leat_cursor_u32(&header); /* ports */
    uint32_t sequence = leat_cursor_u32(&header);
    if (packet->l4_bytes < TCP_HEADER_BYTES)
        return;
    if (packet->tcp_flags & TCP_SYN) /* with TCP Fast Open (RFC 7413), data follows its number */
        sequence++;

    struct leat_pieces_stream *stream = leat_pieces_find(scratch->pieces, flow_id, packet->side);
    if (!stream) {
        uint8_t kind;
        if (recognise(scratch, application, packet, &kind) != LEAT_FLOW_MORE)
            return;
        stream = leat_pieces_take(scratch->pieces, flow_id, packet->side);
        stream->kind = kind;
        stream->base = sequence;
        leat_pieces_put(stream, 0, packet->payload, packet->payload_here);
        return;
    }
    uint32_t there =
        leat_pieces_put(stream, sequence - stream->base, packet->payload, packet->payload_here);
    if (parse(scratch, application, stream->kind, stream->bytes, there) != LEAT_FLOW_MORE ||
        there == LEAT_PIECES_BYTES)
        leat_pieces_release(stream);
}

static void add_datagram(struct leat_flow_scratch *scratch,
                         struct leat_flow_application *application,
                         const struct leat_flow_packet *packet, uint64_t flow_id) {
    if (dns_port(packet) && application->kind != LEAT_FLOW_APPLICATION_QUIC)
        leat_flow_dns(application, packet->payload, packet->payload_here);
    if (application->kind != LEAT_FLOW_APPLICATION_DNS)
        leat_flow_quic(scratch, application, packet, flow_id);
}

/* Nothing more can be learned. Of DNS the answer may still come. */
static bool complete(const struct leat_flow_application *application) {
    return application->ja4[0] ||
           (application->kind == LEAT_FLOW_APPLICATION_HTTP && application->name[0]);
}

void leat_flow_application_add(struct leat_flow_scratch *scratch,
                               struct leat_flow_application *application,
                               const struct leat_flow_packet *packet, uint64_t flow_id) {
    if (!(packet->flags & LEAT_FLOW_L4) || packet->payload_here == 0 || complete(application))
        return;
    switch (packet->flags & LEAT_FLOW_IP6 ? packet->key6.protocol : packet->key4.protocol) {
    case IPPROTO_TCP:
        add_segment(scratch, application, packet, flow_id);
        break;
    case IPPROTO_UDP:
        add_datagram(scratch, application, packet, flow_id);
        break;
    default:
        break;
    }
}
