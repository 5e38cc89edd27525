/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QUIC, versions 1 (RFC 9000) and 2 (RFC 9369): the ClientHello in the client's Initial packets.
 * These are sealed with keys that follow from a connection id in the packet itself (RFC 9001, 5.2):
 * not a secret, but a proof that the packet is QUIC.
 */
#include "application.h"
#include "cursor.h"
#include <string.h>

#define VERSION_1         0x00000001
#define VERSION_2         0x6b3343cf
#define CONNECTION_ID_MAX 20
#define COALESCED_MAX     4 /* packets of a datagram looked at */
#define SAMPLE_OFFSET     4 /* RFC 9001, 5.4.2: as if the packet number had four bytes */

enum packet_type { TYPE_INITIAL, TYPE_0RTT, TYPE_HANDSHAKE, TYPE_RETRY };

struct header {
    uint32_t version;
    enum packet_type type;
    struct leat_cursor connection; /* destination connection id */
    const uint8_t *start;
    uint32_t number_at; /* where the packet number is */
    uint32_t bytes;     /* of the packet, to its end */
};

struct keys {
    uint8_t key[LEAT_AES_BYTES], iv[LEAT_GCM_IV_BYTES], hp[LEAT_AES_BYTES];
};

/* RFC 9000, 16 */
static uint64_t read_varint(struct leat_cursor *c) {
    uint8_t first = leat_cursor_u8(c);
    uint32_t more = (1u << (first >> 6)) - 1;
    return (uint64_t)(first & 0x3f) << (8 * more) | leat_cursor_number(c, more);
}

/* The long header (RFC 9000, 17.2), and goes on behind the packet. False: it is none of these
 * versions. */
static bool read_header(struct leat_cursor *datagram, struct header *h) {
    struct leat_cursor c = *datagram;
    h->start = c.at;
    uint8_t first = leat_cursor_u8(&c);
    h->version = leat_cursor_u32(&c);
    if ((first & 0xc0) != 0xc0 || (h->version != VERSION_1 && h->version != VERSION_2))
        return false;
    /* Version 2 counts the types one further (RFC 9369, 3.2). */
    h->type = ((first >> 4) - (h->version == VERSION_2 ? 1 : 0)) & 3;
    uint8_t connection_bytes = leat_cursor_u8(&c);
    h->connection = leat_cursor_part(&c, connection_bytes);
    uint8_t source_bytes = leat_cursor_u8(&c);
    leat_cursor_part(&c, source_bytes);
    if (c.ended || connection_bytes > CONNECTION_ID_MAX || source_bytes > CONNECTION_ID_MAX)
        return false;
    if (h->type == TYPE_RETRY) { /* has no length: it is all of the datagram */
        datagram->left = 0;
        return true;
    }
    if (h->type == TYPE_INITIAL)
        leat_cursor_part(&c, read_varint(&c)); /* token */
    uint64_t length = read_varint(&c);
    h->number_at = (uint32_t)(c.at - h->start);
    leat_cursor_part(&c, length);
    h->bytes = (uint32_t)(c.at - h->start);
    *datagram = c;
    return true;
}

/* HKDF-Expand-Label (RFC 8446, 7.1) without a context; up to 32 bytes are one block of it. */
static bool expand(struct leat_flow_crypto *crypto, const uint8_t secret[LEAT_SHA256_BYTES],
                   const char *label, uint8_t *out, uint8_t n) {
    static const char prefix[] = "tls13 ";
    uint8_t info[64] = { 0, n, (uint8_t)(strlen(prefix) + strlen(label)) };
    uint8_t block[LEAT_SHA256_BYTES];
    uint32_t at = 3;

    memcpy(info + at, prefix, strlen(prefix));
    at += (uint32_t)strlen(prefix);
    memcpy(info + at, label, strlen(label));
    at += (uint32_t)strlen(label);
    info[at++] = 0; /* length of the context */
    info[at++] = 1; /* number of the block, RFC 5869, 2.3 */
    if (!leat_flow_hmac_sha256(crypto, secret, LEAT_SHA256_BYTES, info, at, block))
        return false;
    memcpy(out, block, n);
    return true;
}

/* RFC 9001, 5.2 and RFC 9369, 3.3 */
static bool client_keys(struct leat_flow_crypto *crypto, uint32_t version,
                        const uint8_t *connection, uint32_t connection_bytes, struct keys *keys) {
    static const uint8_t salt_1[20] = {
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
        0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a
    };
    static const uint8_t salt_2[20] = {
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
        0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9
    };
    bool second = version == VERSION_2;
    uint8_t initial[LEAT_SHA256_BYTES], client[LEAT_SHA256_BYTES];

    return leat_flow_hmac_sha256(crypto, second ? salt_2 : salt_1, sizeof(salt_1), connection,
                                 connection_bytes, initial) &&
           expand(crypto, initial, "client in", client, sizeof(client)) &&
           expand(crypto, client, second ? "quicv2 key" : "quic key", keys->key,
                  sizeof(keys->key)) &&
           expand(crypto, client, second ? "quicv2 iv" : "quic iv", keys->iv, sizeof(keys->iv)) &&
           expand(crypto, client, second ? "quicv2 hp" : "quic hp", keys->hp, sizeof(keys->hp));
}

/* Takes off both protections (RFC 9001, 5.3 and 5.4), in the scratch. Returns the frames; none:
 * these are not the keys. */
static struct leat_cursor unprotect(struct leat_flow_scratch *scratch, const struct header *h,
                                    struct keys *keys) {
    static const struct leat_cursor none;
    uint8_t *packet = scratch->packet, mask[LEAT_AES_BYTES];

    if (h->bytes > sizeof(scratch->packet) ||
        h->bytes < h->number_at + SAMPLE_OFFSET + LEAT_AES_BYTES)
        return none;
    memcpy(packet, h->start, h->bytes);
    if (!leat_flow_aes_block(scratch->crypto, keys->hp, packet + h->number_at + SAMPLE_OFFSET,
                             mask))
        return none;
    packet[0] ^= mask[0] & 0x0f;
    uint32_t number_bytes = (packet[0] & 3) + 1u, sealed_at = h->number_at + number_bytes;
    /* The first Initial packets, so that their number is what is sent of it (RFC 9000, A.3). */
    for (uint32_t i = 0; i < number_bytes; i++) {
        packet[h->number_at + i] ^= mask[1 + i];
        keys->iv[LEAT_GCM_IV_BYTES - number_bytes + i] ^= packet[h->number_at + i];
    }
    uint32_t n = h->bytes - sealed_at - LEAT_GCM_TAG_BYTES;
    if (!leat_flow_gcm_open(scratch->crypto, keys->key, keys->iv, packet, sealed_at,
                            packet + sealed_at, n))
        return none;
    return leat_cursor(packet + sealed_at, n);
}

/* The keys stay those of the first id that the client chose, while it changes to the server's;
 * after a Retry they are those of the new one (RFC 9001, 5.2). */
static struct leat_cursor open_initial(struct leat_flow_scratch *scratch, const struct header *h,
                                       const struct leat_pieces_stream *stream) {
    struct leat_cursor frames = { 0 };
    struct keys keys;
    if (stream && client_keys(scratch->crypto, h->version, stream->connection,
                              stream->connection_bytes, &keys))
        frames = unprotect(scratch, h, &keys);
    if (frames.left == 0 &&
        client_keys(scratch->crypto, h->version, h->connection.at, h->connection.left, &keys))
        frames = unprotect(scratch, h, &keys);
    return frames;
}

static void skip_ack(struct leat_cursor *frames, bool with_ecn) {
    read_varint(frames); /* largest acknowledged */
    read_varint(frames); /* delay */
    uint64_t ranges = read_varint(frames);
    read_varint(frames); /* first range */
    for (uint64_t i = 0; i < ranges && !frames->ended; i++) {
        read_varint(frames);
        read_varint(frames);
    }
    for (uint32_t i = 0; with_ecn && i < 3; i++)
        read_varint(frames);
}

/* Initial packets hold no other frames but CONNECTION_CLOSE (RFC 9000, 17.2.2). Returns how much of
 * the stream of CRYPTO frames is there from its beginning. */
static uint32_t read_frames(struct leat_cursor frames, struct leat_pieces_stream *stream) {
    uint32_t there = 0;
    while (frames.left > 0) {
        uint64_t type = read_varint(&frames);
        if (type == 0x00 || type == 0x01) /* PADDING, PING */
            continue;
        if (type == 0x02 || type == 0x03) {
            skip_ack(&frames, type == 0x03);
        } else if (type == 0x06) {
            uint64_t offset = read_varint(&frames);
            struct leat_cursor data = leat_cursor_part(&frames, read_varint(&frames));
            there = leat_pieces_put(stream, offset, data.at, data.left);
        } else {
            break;
        }
    }
    return there;
}

static void read_initial(struct leat_flow_scratch *scratch,
                         struct leat_flow_application *application, const struct header *h,
                         uint8_t side, uint64_t flow_id) {
    struct leat_pieces_stream *stream = leat_pieces_find(scratch->pieces, flow_id, side);
    struct leat_cursor frames = open_initial(scratch, h, stream);
    if (frames.left == 0)
        return;
    if (!stream) {
        stream = leat_pieces_take(scratch->pieces, flow_id, side);
        stream->kind = LEAT_FLOW_APPLICATION_QUIC;
        stream->connection_bytes = (uint8_t)h->connection.left;
        memcpy(stream->connection, h->connection.at, h->connection.left);
    }
    uint32_t there = read_frames(frames, stream);
    if (there > 0 &&
        leat_flow_client_hello(scratch, application, stream->bytes, there, 'q') != LEAT_FLOW_MORE)
        leat_pieces_release(stream);
}

void leat_flow_quic(struct leat_flow_scratch *scratch, struct leat_flow_application *application,
                    const struct leat_flow_packet *packet, uint64_t flow_id) {
    struct leat_cursor datagram = leat_cursor(packet->payload, packet->payload_here);
    struct header h;

    for (uint32_t i = 0; i < COALESCED_MAX && !application->ja4[0]; i++) {
        if (!read_header(&datagram, &h))
            break;
        application->kind = LEAT_FLOW_APPLICATION_QUIC;
        application->quic_version = h.version;
        if (h.type == TYPE_INITIAL && !datagram.ended)
            read_initial(scratch, application, &h, packet->side, flow_id);
    }
}
