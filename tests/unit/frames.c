/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of lib/packet share. */
#include "frames.h"
#include "random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint64_t random_state;

void seed_random(void) {
    const char *given = getenv("LEAT_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("LEAT_SEED=%llu\n", (unsigned long long)seed);
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t random_below(uint32_t limit) {
    return (uint32_t)((random_next(&random_state) >> 32) % limit);
}

void random_bytes(uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)random_below(256);
}

static void read_tags(struct leat_headers *h, const char *text) {
    char *next;
    while (*text >= '0' && *text <= '9') {
        h->vlan_tci[h->vlan_count++] = (uint16_t)strtoul(text, &next, 10);
        text = next + (*next == ',');
    }
}

static void read_letters(struct frame *frame, const char *text) {
    static const struct {
        char letter;
        uint16_t flag;
    } flags[] = {
        { '4', LEAT_HEADERS_IP4 },     { '6', LEAT_HEADERS_IP6 },      { 'T', LEAT_HEADERS_L4 },
        { 'O', LEAT_HEADERS_OPTIONS }, { 'F', LEAT_HEADERS_FRAGMENT }, { 'R', LEAT_HEADERS_LATER },
        { 'E', LEAT_HEADERS_LAST },
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strchr(text, flags[i].letter))
            frame->expected.flags |= flags[i].flag;
    frame->checksum = strchr(text, 'C') != NULL;
}

static void read_bytes(struct frame *frame, const char *hex) {
    for (; sscanf(hex, "%2hhx", &frame->bytes[frame->len]) == 1; hex += 2)
        assert_true(++frame->len < FRAME_MAX);
}

const struct frame *frames(uint32_t *count) {
    static struct frame all[64];
    static uint32_t read;
    static char hex[2 * FRAME_MAX + 1];
    char tags[32], letters[16];

    *count = read;
    if (read)
        return all;
    FILE *file = fopen(FRAMES_TXT, "r");
    assert_non_null(file);
    for (struct frame *f = all; f < all + 64; f++, read++) {
        struct leat_headers *h = &f->expected;
        if (fscanf(file, "%31s %hu %hu %hu %u %hhu %31s %15s %4096s", f->name, &h->l3, &h->l4,
                   &h->payload, &h->end, &h->protocol, tags, letters, hex) != 9)
            break;
        read_tags(h, tags);
        read_letters(f, letters);
        read_bytes(f, hex);
    }
    assert_true(feof(file));
    fclose(file);
    assert_true(read > 30);
    *count = read;
    return all;
}

const struct frame *frame_named(const char *name) {
    uint32_t n;
    const struct frame *all = frames(&n);
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(all[i].name, name))
            return &all[i];
    fail_msg("no frame is called %s", name);
    return NULL;
}

uint32_t scatter(struct leat_pkt *pkts, uint32_t max, uint8_t *storage, const uint8_t *bytes,
                 uint32_t len, uint32_t first) {
    uint32_t n = 0, start = 0;

    memcpy(storage, bytes, len);
    while (start < len || n == 0) {
        uint32_t left = len - start;
        uint32_t piece = n + 1 == max ? left : random_below(left + 1);
        if (n == 0 && piece < first)
            piece = first < len ? first : len;
        pkts[n++] = (struct leat_pkt){ .data = storage + start,
                                       .len = (uint16_t)piece,
                                       .flags = LEAT_PKT_MORE };
        start += piece;
    }
    pkts[n - 1].flags = 0;
    return n;
}
