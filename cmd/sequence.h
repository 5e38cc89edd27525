/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judges the sequence numbers of one stream: which are missing, came twice, or came late. Behind
 * the highest number seen, a window remembers which came; what is older than that and comes after
 * all counts as a duplicate, for nobody knows any more.
 */
#ifndef CMD_SEQUENCE_H
#define CMD_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_WINDOW 4096 /* a power of two */

struct sequence {
    uint64_t next; /* one above the highest number seen */
    uint64_t missing, duplicate, reordered;
    uint64_t came[SEQUENCE_WINDOW / 64]; /* a bit a number, by number modulo the window */
};

/* The first number to expect. What lies before it is neither missing nor known. */
void sequence_start(struct sequence *sequence, uint64_t first);

void sequence_check(struct sequence *sequence, uint64_t number);

#endif
