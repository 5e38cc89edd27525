/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters in the kernel, on sample frames: captured, built, cut and long ones. Each filter is
 * translated for XDP and for packets with a tag beside the frame, with and without reading at
 * places that are not fixed.
 */
#ifndef TESTS_UNIT_MATCH_RIG_H
#define TESTS_UNIT_MATCH_RIG_H

#include "lib/bpf/match.h"
#include <stddef.h>

#define ROOM       32000
#define FRAMES_MAX 512

struct sample {
    uint32_t bytes;
    uint8_t *data;
};

extern struct sample samples[FRAMES_MAX];
extern uint32_t sample_count;

/* Of the group of tests. */
int read_samples(void **state);
int free_samples(void **state);

int load_match(const struct sock_filter *filter, uint32_t count, enum leat_match_context context,
               bool variable);
bool run_match(int program, const uint8_t *frame, uint32_t bytes);

/* About one of `every` samples, whole and cut: fails unless all translations say what libpcap says.
 * Returns how many frames matched. */
uint32_t compare(const char *what, const struct sock_filter *filter, uint32_t count,
                 uint32_t every);
uint32_t compare_expression(const char *expression, uint32_t every);

/* match_random.c: an expression with `depth` levels of and, or, not. */
void random_expression(char *text, size_t room, uint32_t depth);

/* Up to 64 instructions; returns how many. */
uint32_t random_program(struct sock_filter *filter);

#endif
