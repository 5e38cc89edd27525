/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequence numbers that are not simply the next. */
#include "sequence.h"
#include <string.h>
#include <sys/mman.h>

/* Not from the heap, which may fill what it gives or takes back. */
struct sequence *sequence_create(void) {
    void *memory = mmap(NULL, sizeof(struct sequence), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    return memory;
}

void sequence_destroy(struct sequence *sequence) {
    munmap(sequence, sizeof(*sequence));
}

static bool is_missing(const struct sequence_stream *s, uint64_t number) {
    uint64_t slot = number % SEQUENCE_WINDOW;
    return s->missing_bits[slot / 64] >> slot % 64 & 1;
}

static void set_missing(struct sequence_stream *s, uint64_t number, bool missing) {
    if (is_missing(s, number) == missing)
        return;
    uint64_t slot = number % SEQUENCE_WINDOW;
    s->missing_bits[slot / 64] ^= 1ull << slot % 64;
    if (missing)
        s->holes++;
    else
        s->holes--;
}

static void forget_window(struct sequence_stream *s) {
    memset(s->missing_bits, 0, sizeof s->missing_bits);
    s->holes = 0;
}

/* Everything from the stream's next to `number` is a hole. Entering a number into the window also
 * overwrites what its slot knew of the one a whole window below. */
static void jump_to(struct sequence_stream *s, uint64_t number) {
    uint64_t from = s->next;
    if (number - from >= SEQUENCE_WINDOW) {
        forget_window(s);
        from = number - SEQUENCE_WINDOW + 1;
    }
    for (uint64_t n = from; n < number; n++)
        set_missing(s, n, true);
    set_missing(s, number, false);
    s->next = number + 1;
}

bool sequence_look(struct sequence *sequence, uint16_t stream, uint64_t number) {
    struct sequence_stream *s = &sequence->streams[stream];
    if (sequence->expected[stream] != SEQUENCE_LOOK)
        s->next = sequence->expected[stream];
    if (number >= s->next) {
        if (number - s->next > SEQUENCE_JUMP_MAX)
            return false;
        sequence->missing += number - s->next;
        jump_to(s, number);
    } else if (s->next - number <= SEQUENCE_WINDOW && is_missing(s, number)) {
        set_missing(s, number, false);
        sequence->missing--;
        sequence->reordered++;
    } else if (number == 0 && s->next > SEQUENCE_WINDOW) {
        forget_window(s); /* no frame is that late: the generator started anew */
        s->next = 1;
    } else {
        sequence->duplicate++;
    }
    sequence->expected[stream] = s->holes ? SEQUENCE_LOOK : s->next;
    return true;
}
