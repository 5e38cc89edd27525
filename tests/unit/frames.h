/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames of tests/data/frames.txt, for the tests of lib/packet. */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include <leat/packet.h>
#include <leat/parse.h>
#include <stdint.h>

#define FRAME_MAX 2048

struct frame {
    char name[32];
    struct leat_headers expected; /* l3, l4, payload, end, protocol, tags and flags of it */
    int checksum;                 /* the transport has one that can be verified */
    uint32_t len;
    uint8_t bytes[FRAME_MAX];
};

/* All of them, read once; the test fails when the file is not as it should be. */
const struct frame *frames(uint32_t *count);

const struct frame *frame_named(const char *name);

/* xorshift64*, seeded from LEAT_SEED or the clock; prints the seed. */
void seed_random(void);
uint32_t random_below(uint32_t limit);
void random_bytes(uint8_t *bytes, uint32_t n);

/* Cuts a frame into buffers at random places, also odd ones, the first of at least `first` bytes.
 * The packets point into `storage`, which takes FRAME_MAX or, if more, len bytes. Returns how many
 * of at most `max` packets there are. */
uint32_t scatter(struct leat_pkt *pkts, uint32_t max, uint8_t *storage, const uint8_t *bytes,
                 uint32_t len, uint32_t first);

#endif
