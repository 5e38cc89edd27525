/* SPDX-License-Identifier: BSD-2-Clause */
/* What a ClientHello offers, as its fingerprint needs it. */
#ifndef LEAT_FLOW_HELLO_H
#define LEAT_FLOW_HELLO_H

#include "crypto.h"
#include "cursor.h"

#define LEAT_HELLO_LIST_MAX 256 /* longer lists than anyone offers get no fingerprint */

struct leat_hello_list {
    uint16_t value[LEAT_HELLO_LIST_MAX];
    uint32_t count;
    bool overflow;
};

struct leat_hello {
    uint16_t version; /* the highest offered */
    bool server_name;
    struct leat_cursor alpn;                                /* the first protocol's name */
    struct leat_hello_list ciphers, extensions, signatures; /* without GREASE */
};

/* Values without a meaning, that servers may not stumble over (RFC 8701). */
static inline bool leat_hello_grease(uint16_t value) {
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

#define LEAT_JA4_BYTES 40

/* JA4 by FoxIO's specification (github.com/FoxIO-LLC/ja4, technical_details/JA4.md); left empty
 * where it cannot be computed. */
void leat_flow_ja4(struct leat_flow_crypto *crypto, const struct leat_hello *hello, char transport,
                   char ja4[LEAT_JA4_BYTES]);

#endif
