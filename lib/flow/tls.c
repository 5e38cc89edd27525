/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS: the ClientHello, in which all versions tell the server's name in the clear (RFC 8446, 4.1.2;
 * RFC 6066, 3). */
#include "application.h"
#include "escape.h"
#include "hello.h"
#include <string.h>

#define RECORD_HANDSHAKE 22 /* RFC 8446, 5.1 */
#define RECORD_HEADER    5
#define CLIENT_HELLO     1 /* RFC 8446, 4 */
#define SERVER_HELLO     2
#define HANDSHAKE_HEADER 4

enum extension { /* IANA, TLS ExtensionType Values */
                 EXTENSION_SERVER_NAME = 0,
                 EXTENSION_SIGNATURE_ALGORITHMS = 13,
                 EXTENSION_ALPN = 16,
                 EXTENSION_SUPPORTED_VERSIONS = 43,
};

static void list_add(struct leat_hello_list *list, uint16_t value) {
    if (leat_hello_grease(value))
        return;
    if (list->count < LEAT_HELLO_LIST_MAX)
        list->value[list->count++] = value;
    else
        list->overflow = true;
}

static void list_read(struct leat_hello_list *list, struct leat_cursor from) {
    while (from.left >= 2)
        list_add(list, leat_cursor_u16(&from));
}

/* A list of names of which only type 0, a host's, was ever defined. */
static void read_server_name(struct leat_cursor body, struct leat_flow_application *application) {
    struct leat_cursor list = leat_cursor_part(&body, leat_cursor_u16(&body));
    uint8_t type = leat_cursor_u8(&list);
    struct leat_cursor name = leat_cursor_part(&list, leat_cursor_u16(&list));
    if (type == 0 && !list.ended && !application->name[0])
        leat_flow_escape(application->name, 0, sizeof(application->name), name.at, name.left, 0);
}

static void read_alpn(struct leat_cursor body, struct leat_hello *hello) {
    struct leat_cursor list = leat_cursor_part(&body, leat_cursor_u16(&body));
    while (list.left > 0) {
        struct leat_cursor name = leat_cursor_part(&list, leat_cursor_u8(&list));
        if (name.left == 2 && leat_hello_grease((uint16_t)(name.at[0] << 8 | name.at[1])))
            continue;
        hello->alpn = name;
        return;
    }
}

static void read_versions(struct leat_cursor body, struct leat_hello *hello) {
    struct leat_cursor list = leat_cursor_part(&body, leat_cursor_u8(&body));
    uint16_t highest = 0;
    while (list.left >= 2) {
        uint16_t version = leat_cursor_u16(&list);
        if (!leat_hello_grease(version) && version > highest)
            highest = version;
    }
    hello->version = highest;
}

static void read_extension(uint16_t type, struct leat_cursor body, struct leat_hello *hello,
                           struct leat_flow_application *application) {
    list_add(&hello->extensions, type);
    switch (type) {
    case EXTENSION_SERVER_NAME:
        hello->server_name = true;
        read_server_name(body, application);
        break;
    case EXTENSION_SIGNATURE_ALGORITHMS:
        hello->signatures.count = 0;
        list_read(&hello->signatures, leat_cursor_part(&body, leat_cursor_u16(&body)));
        break;
    case EXTENSION_ALPN:
        read_alpn(body, hello);
        break;
    case EXTENSION_SUPPORTED_VERSIONS:
        read_versions(body, hello);
        break;
    default:
        break;
    }
}

/* Everything in it, as far as it is there. Returns whether it was there to the end. */
static bool read_hello(struct leat_cursor body, struct leat_hello *hello,
                       struct leat_flow_application *application) {
    hello->version = leat_cursor_u16(&body);
    leat_cursor_part(&body, 32);                    /* random */
    leat_cursor_part(&body, leat_cursor_u8(&body)); /* legacy_session_id */
    list_read(&hello->ciphers, leat_cursor_part(&body, leat_cursor_u16(&body)));
    leat_cursor_part(&body, leat_cursor_u8(&body)); /* legacy_compression_methods */
    if (body.ended)
        return false;
    if (body.left == 0)
        return true; /* before TLS 1.3 there may be no extensions at all */
    struct leat_cursor extensions = leat_cursor_part(&body, leat_cursor_u16(&body));
    while (extensions.left > 0) {
        uint16_t type = leat_cursor_u16(&extensions);
        struct leat_cursor extension = leat_cursor_part(&extensions, leat_cursor_u16(&extensions));
        if (extensions.ended)
            return false;
        read_extension(type, extension, hello, application);
    }
    return !body.ended && !extensions.ended;
}

enum leat_flow_found leat_flow_client_hello(struct leat_flow_scratch *scratch,
                                            struct leat_flow_application *application,
                                            const uint8_t *bytes, uint32_t n, char transport) {
    struct leat_cursor message = leat_cursor(bytes, n);
    struct leat_hello hello = { 0 };

    uint8_t type = leat_cursor_u8(&message);
    uint32_t length = leat_cursor_u24(&message);
    bool here = !message.ended && length <= message.left;
    if (type != CLIENT_HELLO)
        return message.ended ? LEAT_FLOW_MORE : LEAT_FLOW_OTHER;
    bool whole = read_hello(leat_cursor_part(&message, length), &hello, application);
    if (!here)
        return LEAT_FLOW_MORE;
    if (whole)
        leat_flow_ja4(scratch->crypto, &hello, transport, application->ja4);
    return LEAT_FLOW_DONE;
}

/* The handshake's bytes out of their records, as far as they follow one another. `ended`: something
 * else follows, so that more of the stream adds nothing. */
static uint32_t unwrap(const uint8_t *bytes, uint32_t n, uint8_t *handshake, bool *ended) {
    struct leat_cursor stream = leat_cursor(bytes, n);
    uint32_t written = 0;

    *ended = false;
    while (stream.left >= RECORD_HEADER) {
        uint8_t type = leat_cursor_u8(&stream), major = leat_cursor_u8(&stream);
        leat_cursor_u8(&stream); /* of the version; says less than the ClientHello */
        struct leat_cursor record = leat_cursor_part(&stream, leat_cursor_u16(&stream));
        if (type != RECORD_HANDSHAKE || major != 3) {
            *ended = true;
            break;
        }
        memcpy(handshake + written, record.at, record.left);
        written += record.left;
    }
    return written;
}

enum leat_flow_found leat_flow_tls(struct leat_flow_scratch *scratch,
                                   struct leat_flow_application *application, const uint8_t *bytes,
                                   uint32_t n) {
    if (bytes[0] != RECORD_HANDSHAKE || (n > 1 && bytes[1] != 3))
        return LEAT_FLOW_OTHER;
    if (n <= RECORD_HEADER)
        return LEAT_FLOW_MORE;
    if (bytes[RECORD_HEADER] != CLIENT_HELLO && bytes[RECORD_HEADER] != SERVER_HELLO)
        return LEAT_FLOW_OTHER;
    application->kind = LEAT_FLOW_APPLICATION_TLS;
    if (bytes[RECORD_HEADER] == SERVER_HELLO)
        return LEAT_FLOW_DONE;

    bool ended, cut = n > LEAT_PIECES_BYTES;
    uint32_t written = unwrap(bytes, cut ? LEAT_PIECES_BYTES : n, scratch->handshake, &ended);
    enum leat_flow_found found =
        leat_flow_client_hello(scratch, application, scratch->handshake, written, 't');
    return ended || cut ? LEAT_FLOW_DONE : found;
}
