/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing buffer of text, and how values look in it. */
#include "text.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void leat_text_free(struct leat_text *text) {
    free(text->bytes);
    *text = (struct leat_text){ 0 };
}

bool leat_text_grow(struct leat_text *text, size_t more) {
    if (text->failed)
        return false;
    size_t room = text->room ? text->room : 4096;
    while (room - text->n < more)
        room *= 2;
    char *bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->room = room;
    return true;
}

void leat_text_number(struct leat_text *text, uint64_t number) {
    char digits[20];
    uint32_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    leat_text_put(text, digits + at, sizeof(digits) - at);
}

void leat_text_digits(struct leat_text *text, uint64_t number, uint32_t digits) {
    if (!leat_text_room(text, digits))
        return;
    for (uint32_t at = digits; at-- > 0; number /= 10)
        text->bytes[text->n + at] = (char)('0' + number % 10);
    text->n += digits;
}

void leat_text_real(struct leat_text *text, double real) {
    char digits[32];
    if (!isfinite(real))
        real = 0; /* neither JSON nor CSV has infinities */
    leat_text_put(text, digits, (size_t)snprintf(digits, sizeof(digits), "%.15g", real));
}

void leat_text_hex(struct leat_text *text, const void *bytes, size_t n) {
    static const char hex[] = "0123456789abcdef";
    if (!leat_text_room(text, 2 * n))
        return;
    for (const uint8_t *byte = bytes, *end = byte + n; byte < end; byte++) {
        text->bytes[text->n++] = hex[*byte >> 4];
        text->bytes[text->n++] = hex[*byte & 15];
    }
}

void leat_text_mac(struct leat_text *text, const uint8_t mac[6]) {
    for (uint32_t i = 0; i < 6; i++) {
        if (i > 0)
            leat_text_char(text, ':');
        leat_text_hex(text, mac + i, 1);
    }
}

void leat_text_ip4(struct leat_text *text, const uint8_t address[4]) {
    for (uint32_t i = 0; i < 4; i++) {
        if (i > 0)
            leat_text_char(text, '.');
        leat_text_number(text, address[i]);
    }
}

void leat_text_ip6(struct leat_text *text, const uint8_t address[16]) {
    char string[INET6_ADDRSTRLEN];
    leat_text_string(text, inet_ntop(AF_INET6, address, string, sizeof(string)));
}

void leat_text_time(struct leat_text *text, uint64_t time_ns, uint32_t digits) {
    time_t seconds = (time_t)(time_ns / 1000000000);
    uint64_t fraction = time_ns % 1000000000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    leat_text_digits(text, (uint64_t)tm.tm_year + 1900, 4);
    const int parts[] = { tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec };
    for (uint32_t i = 0; i < 5; i++) {
        leat_text_char(text, "--T::"[i]);
        leat_text_digits(text, (uint64_t)parts[i], 2);
    }
    if (digits > 0) {
        for (uint32_t i = digits; i < 9; i++)
            fraction /= 10;
        leat_text_char(text, '.');
        leat_text_digits(text, fraction, digits);
    }
    leat_text_char(text, 'Z');
}

/* How many bytes the UTF-8 character at `from` has; 0: it is none (RFC 3629, 4). */
static size_t utf8_length(const uint8_t *from, size_t n) {
    uint8_t first = from[0];
    size_t length = first < 0x80                    ? 1
                    : first >= 0xc2 && first < 0xe0 ? 2
                    : first >= 0xe0 && first < 0xf0 ? 3
                    : first >= 0xf0 && first < 0xf5 ? 4
                                                    : 0;
    if (length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((from[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (first == 0xe0 && from[1] < 0xa0) || (first == 0xf0 && from[1] < 0x90);
    bool surrogate = first == 0xed && from[1] >= 0xa0;
    bool beyond = first == 0xf4 && from[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

static void json_escape(struct leat_text *text, uint8_t byte) {
    static const char named[][2] = { { '"', '"' },  { '\\', '\\' }, { '\b', 'b' }, { '\f', 'f' },
                                     { '\n', 'n' }, { '\r', 'r' },  { '\t', 't' } };
    leat_text_char(text, '\\');
    for (uint32_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (byte == (uint8_t)named[i][0]) {
            leat_text_char(text, named[i][1]);
            return;
        }
    leat_text_string(text, "u00");
    leat_text_hex(text, &byte, 1);
}

void leat_text_json_string(struct leat_text *text, const char *string, size_t n) {
    const uint8_t *bytes = (const uint8_t *)string;
    for (size_t i = 0; i < n;) {
        uint8_t byte = bytes[i];
        size_t length = utf8_length(bytes + i, n - i);
        if (length == 2 && byte == 0xc2 && bytes[i + 1] < 0xa0) { /* C1 controls: for terminals */
            json_escape(text, bytes[i + 1]);
            i += 2;
        } else if (length == 0 || byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            json_escape(text, byte);
            i++;
        } else {
            leat_text_put(text, bytes + i, length);
            i += length;
        }
    }
}

void leat_text_csv_string(struct leat_text *text, const char *string, size_t n) {
    bool quotes = false;
    for (size_t i = 0; i < n && !quotes; i++)
        quotes = string[i] == '"' || string[i] == ',' || string[i] == '\r' || string[i] == '\n';
    if (!quotes) {
        leat_text_put(text, string, n);
        return;
    }
    leat_text_char(text, '"');
    for (size_t i = 0; i < n; i++) {
        if (string[i] == '"')
            leat_text_char(text, '"');
        leat_text_char(text, string[i]);
    }
    leat_text_char(text, '"');
}
