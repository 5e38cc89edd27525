/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS (RFC 1035, 4): the first question of a message, and how it was answered. Multicast DNS (RFC
 * 6762) and LLMNR (RFC 4795) have the same messages. Names stay as on the wire, for resolvers play
 * with the case of letters to make answers harder to forge. */
#include "application.h"
#include "cursor.h"
#include "escape.h"
#include <string.h>

#define FLAG_RESPONSE 0x8000
#define RCODE         0x000f
#define NAME_OCTETS   255 /* RFC 1035, 2.3.4, with the length octets */
#define LABEL_OCTETS  63

struct question {
    char name[LEAT_FLOW_NAME_MAX];
    uint16_t type;
};

/* Compression points to a name before this one (RFC 1035, 4.1.4): there is none before the first,
 * so that whatever is no plain label is wrong here. */
static enum leat_flow_found read_name(struct leat_cursor *message, char *name, uint32_t room) {
    uint32_t octets = 0, at = 0;

    for (;;) {
        uint8_t length = leat_cursor_u8(message);
        octets += length + 1u;
        if (length > LABEL_OCTETS || octets > NAME_OCTETS)
            return LEAT_FLOW_OTHER;
        if (length == 0)
            break;
        struct leat_cursor label = leat_cursor_part(message, length);
        if (at > 0)
            at = leat_flow_escape(name, at, room, (const uint8_t *)".", 1, 0);
        at = leat_flow_escape(name, at, room, label.at, label.left, '.');
    }
    if (at == 0)
        leat_flow_escape(name, 0, room, (const uint8_t *)".", 1, 0);
    return message->ended ? LEAT_FLOW_MORE : LEAT_FLOW_DONE;
}

static enum leat_flow_found read_question(struct leat_cursor *message, struct question *question) {
    enum leat_flow_found found = read_name(message, question->name, sizeof(question->name));
    question->type = leat_cursor_u16(message);
    leat_cursor_u16(message); /* QCLASS */
    return found == LEAT_FLOW_DONE && message->ended ? LEAT_FLOW_MORE : found;
}

enum leat_flow_found leat_flow_dns(struct leat_flow_application *application, const uint8_t *bytes,
                                   uint32_t n) {
    struct leat_cursor message = leat_cursor(bytes, n);
    struct question question = { "", 0 };

    leat_cursor_u16(&message); /* ID */
    uint16_t flags = leat_cursor_u16(&message), questions = leat_cursor_u16(&message);
    leat_cursor_part(&message, 6); /* counts of the other sections */
    if (message.ended)
        return LEAT_FLOW_MORE;
    if (questions == 0 && !(flags & FLAG_RESPONSE))
        return LEAT_FLOW_OTHER;
    if (questions > 0) {
        enum leat_flow_found found = read_question(&message, &question);
        if (found != LEAT_FLOW_DONE)
            return found;
    }
    application->kind = LEAT_FLOW_APPLICATION_DNS;
    if (questions > 0 && !application->name[0]) {
        memcpy(application->name, question.name, sizeof(application->name));
        application->dns_type = question.type;
    }
    /* Flows of one resolver carry many queries: the answer is to the one whose name is told. A
     * server that did not understand may leave the question out. */
    if (flags & FLAG_RESPONSE && (questions == 0 || (question.type == application->dns_type &&
                                                     !strcmp(question.name, application->name))))
        application->dns_rcode = flags & RCODE;
    return LEAT_FLOW_DONE;
}

/* RFC 1035, 4.2.2: each message behind its length. */
enum leat_flow_found leat_flow_dns_stream(struct leat_flow_application *application,
                                          const uint8_t *bytes, uint32_t n) {
    struct leat_cursor stream = leat_cursor(bytes, n);
    uint16_t length = leat_cursor_u16(&stream);
    if (stream.ended)
        return LEAT_FLOW_MORE;
    bool here = length <= stream.left;
    enum leat_flow_found found = leat_flow_dns(application, stream.at, here ? length : stream.left);
    return found == LEAT_FLOW_MORE && here ? LEAT_FLOW_OTHER : found;
}
