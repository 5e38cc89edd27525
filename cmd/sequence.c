/* SPDX-License-Identifier: BSD-2-Clause */
#include "sequence.h"
#include <string.h>

static uint64_t *word_of(struct sequence *sequence, uint64_t number) {
    return &sequence->came[number % SEQUENCE_WINDOW / 64];
}

static uint64_t bit_of(uint64_t number) {
    return (uint64_t)1 << number % 64;
}

void sequence_start(struct sequence *sequence, uint64_t first) {
    memset(sequence, 0, sizeof(*sequence));
    memset(sequence->came, 0xff, sizeof(sequence->came));
    sequence->next = first;
}

/* Numbers from `next` up to `number` leave no trace in the window yet, but what they overwrite. */
static void skip_to(struct sequence *sequence, uint64_t number) {
    uint64_t gap = number - sequence->next;
    sequence->missing += gap;
    if (gap >= SEQUENCE_WINDOW)
        memset(sequence->came, 0, sizeof(sequence->came));
    else
        for (uint64_t i = sequence->next; i < number; i++)
            *word_of(sequence, i) &= ~bit_of(i);
}

void sequence_check(struct sequence *sequence, uint64_t number) {
    uint64_t *word = word_of(sequence, number);
    if (number >= sequence->next) {
        if (number > sequence->next)
            skip_to(sequence, number);
        *word |= bit_of(number);
        sequence->next = number + 1;
    } else if (sequence->next - number > SEQUENCE_WINDOW || *word & bit_of(number)) {
        sequence->duplicate++;
    } else {
        *word |= bit_of(number);
        sequence->missing--;
        sequence->reordered++;
    }
}
