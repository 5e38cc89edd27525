/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the sequence numbers of probe frames, a stream at a time: which are missing, came twice or
 * came late. A frame that is the next of a stream without holes costs one comparison; only behind a
 * hole is a window of the last numbers kept.
 */
#ifndef SOFTNIC_SEQUENCE_H
#define SOFTNIC_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_STREAMS 65536
/* A frame that comes later than this many others of its stream counts as a duplicate: nobody
 * remembers whether it was missing. */
#define SEQUENCE_WINDOW 8192
/* A jump ahead by more is no loss but an altered number: it is an hour at 10 Gbit/s. */
#define SEQUENCE_JUMP_MAX (1ull << 36)

struct sequence_stream {
    uint64_t next;  /* one above the highest number seen; stale while there are no holes */
    uint32_t holes; /* bits set below: numbers missing among the last SEQUENCE_WINDOW */
    uint64_t missing_bits[SEQUENCE_WINDOW / 64]; /* by number modulo the window */
};

struct sequence {
    /* The number that needs no second look, a stream: its next, or SEQUENCE_LOOK with holes. */
    uint64_t expected[SEQUENCE_STREAMS];
    uint64_t missing, duplicate, reordered;
    struct sequence_stream streams[SEQUENCE_STREAMS];
};

#define SEQUENCE_LOOK UINT64_MAX

/* NULL: no memory. What no stream uses is never touched and takes up none. */
struct sequence *sequence_create(void);
void sequence_destroy(struct sequence *sequence);

/* Off the fast path. False: the number cannot be right. */
bool sequence_look(struct sequence *sequence, uint16_t stream, uint64_t number);

static inline bool sequence_check(struct sequence *sequence, uint16_t stream, uint64_t number) {
    if (__builtin_expect(sequence->expected[stream] == number, 1)) {
        sequence->expected[stream] = number + 1;
        return true;
    }
    return sequence_look(sequence, stream, number);
}

#endif
