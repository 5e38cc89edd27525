/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JA4, the fingerprint of a TLS client: what it offers, without what it makes up anew each time
 * (the order, GREASE, the server's name). t13d1516h2_8daaf6152771_e5627efa2ab1: TLS over TCP, 1.3,
 * to a domain, 15 ciphers, 16 extensions, ALPN h2, and the hashes of two lists.
 */
#include "hello.h"
#include <stdio.h>
#include <string.h>

#define SERVER_NAME 0
#define ALPN        16

#define DIGITS    12 /* of a hash */
#define ITEM      5  /* "1301," */
#define LIST_TEXT (2 * LEAT_HELLO_LIST_MAX * ITEM)

static const char *version_name(uint16_t version) {
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    default:
        return "00";
    }
}

static bool alphanumeric(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* First and last character of the name; where one of them is none, of its hexadecimal digits. */
static void alpn_ends(struct leat_cursor alpn, char ends[2]) {
    static const char digits[] = "0123456789abcdef";

    memset(ends, '0', 2);
    if (alpn.left == 0)
        return;
    uint8_t first = alpn.at[0], last = alpn.at[alpn.left - 1];
    bool plain = alphanumeric(first) && alphanumeric(last);
    ends[0] = plain ? (char)first : digits[first >> 4];
    ends[1] = plain ? (char)last : digits[last & 15];
}

static void sort(struct leat_hello_list *list) {
    for (uint32_t i = 1; i < list->count; i++) {
        uint16_t value = list->value[i];
        uint32_t k = i;
        for (; k > 0 && list->value[k - 1] > value; k--)
            list->value[k] = list->value[k - 1];
        list->value[k] = value;
    }
}

static void without(struct leat_hello_list *list, uint16_t value) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->value[i] != value)
            list->value[kept++] = list->value[i];
    list->count = kept;
}

/* "1301,1302": returns where the text ends. */
static uint32_t write_list(char *text, uint32_t at, const struct leat_hello_list *list) {
    static const char digits[] = "0123456789abcdef";

    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            text[at++] = ',';
        for (int shift = 12; shift >= 0; shift -= 4)
            text[at++] = digits[list->value[i] >> shift & 15];
    }
    return at;
}

static bool hash(struct leat_flow_crypto *crypto, const char *text, uint32_t n,
                 char hex[DIGITS + 1]) {
    uint8_t digest[LEAT_SHA256_BYTES];
    if (!leat_flow_sha256(crypto, text, n, digest))
        return false;
    for (uint32_t i = 0; i < DIGITS / 2; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return true;
}

static bool hash_ciphers(struct leat_flow_crypto *crypto, const struct leat_hello *hello,
                         char hex[DIGITS + 1]) {
    struct leat_hello_list list = hello->ciphers;
    char text[LIST_TEXT];

    if (list.count == 0)
        return true;
    sort(&list);
    return hash(crypto, text, write_list(text, 0, &list), hex);
}

static bool hash_extensions(struct leat_flow_crypto *crypto, const struct leat_hello *hello,
                            char hex[DIGITS + 1]) {
    struct leat_hello_list list = hello->extensions;
    char text[LIST_TEXT];

    without(&list, SERVER_NAME);
    without(&list, ALPN);
    if (list.count == 0)
        return true;
    sort(&list);
    uint32_t n = write_list(text, 0, &list);
    if (hello->signatures.count > 0) {
        text[n++] = '_';
        n = write_list(text, n, &hello->signatures);
    }
    return hash(crypto, text, n, hex);
}

static uint32_t two_digits(uint32_t count) {
    return count < 99 ? count : 99;
}

void leat_flow_ja4(struct leat_flow_crypto *crypto, const struct leat_hello *hello, char transport,
                   char ja4[LEAT_JA4_BYTES]) {
    char ciphers[DIGITS + 1] = "000000000000", extensions[DIGITS + 1] = "000000000000";
    char alpn[2];

    if (hello->ciphers.overflow || hello->extensions.overflow || hello->signatures.overflow ||
        !hash_ciphers(crypto, hello, ciphers) || !hash_extensions(crypto, hello, extensions))
        return;
    alpn_ends(hello->alpn, alpn);
    snprintf(ja4, LEAT_JA4_BYTES, "%c%s%c%02u%02u%.2s_%s_%s", transport,
             version_name(hello->version), hello->server_name ? 'd' : 'i',
             two_digits(hello->ciphers.count), two_digits(hello->extensions.count), alpn, ciphers,
             extensions);
}
