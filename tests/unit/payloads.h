/* SPDX-License-Identifier: BSD-2-Clause */
/* The payloads of tests/data/payloads.txt, with what a parser should find in them. */
#ifndef LEAT_TEST_PAYLOADS_H
#define LEAT_TEST_PAYLOADS_H

#include "lib/flow/payload.h"

#define PAYLOADS_MAX      64
#define PAYLOAD_PARTS_MAX 4

struct payload_part {
    uint8_t *bytes;
    uint32_t n;
};

struct payload {
    char label[32];
    uint8_t protocol; /* TCP's or UDP's number */
    struct leat_flow_application found;
    struct payload_part parts[PAYLOAD_PARTS_MAX]; /* of DNS the query and its answer */
    uint32_t part_count;
};

/* Fails the test if there are none. */
uint32_t payloads_load(struct payload payloads[PAYLOADS_MAX]);
void payloads_free(struct payload *payloads, uint32_t n);
const struct payload *payloads_get(const struct payload *payloads, uint32_t n, const char *label);

#endif
