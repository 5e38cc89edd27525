/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of packets as text for a record. */
#include "escape.h"
#include <stdbool.h>

uint32_t leat_flow_escape(char *text, uint32_t at, uint32_t room, const uint8_t *bytes, uint32_t n,
                          char separator) {
    static const char digits[] = "0123456789abcdef";

    for (uint32_t i = 0; i < n; i++) {
        uint8_t byte = bytes[i];
        bool plain = byte >= ' ' && byte <= '~' && byte != '\\' && byte != (uint8_t)separator;
        if (at + (plain ? 1 : 4) >= room)
            break;
        if (plain) {
            text[at++] = (char)byte;
            continue;
        }
        text[at++] = '\\';
        text[at++] = 'x';
        text[at++] = digits[byte >> 4];
        text[at++] = digits[byte & 15];
    }
    text[at] = '\0';
    return at;
}
