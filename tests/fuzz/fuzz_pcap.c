/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures of any bytes: never a byte read outside of them, and the same frames however they come.
 */
#include "lib/drivers/capture.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool holds) {
    if (!holds)
        abort();
}

static void check_frame(const struct capture_frame *frame, const uint8_t *bytes, size_t taken) {
    check(frame->captured <= CAPTURE_FRAME_MAX && frame->captured <= frame->length);
    check(frame->data >= bytes && frame->data + frame->captured <= bytes + taken);
    check(frame->timed || frame->time_ns == 0);
}

/* All frames, from all bytes at once: how many, and a sum over what they are. */
static uint64_t decode_at_once(const uint8_t *data, size_t bytes, uint32_t *count) {
    struct capture_decoder decoder = { 0 };
    struct capture_frame frame;
    uint64_t sum = 0;
    size_t taken;
    int found;
    *count = 0;
    while ((found = capture_decode(&decoder, data, bytes, &taken, &frame)) > 0) {
        check(taken > 0 && taken <= bytes);
        if (found == CAPTURE_FRAME) {
            check_frame(&frame, data, taken);
            sum = sum * 31 + frame.captured + frame.length + frame.time_ns;
            ++*count;
        }
        data += taken;
        bytes -= taken;
    }
    check(found < 0 || taken > bytes);
    capture_decoder_clear(&decoder);
    return sum;
}

/* The same with no more bytes than were asked for, in memory of exactly that size. */
static uint64_t decode_by_need(const uint8_t *data, size_t bytes, uint32_t *count) {
    struct capture_decoder decoder = { 0 };
    struct capture_frame frame;
    uint64_t sum = 0;
    size_t given = 0, taken;
    *count = 0;
    for (;;) {
        uint8_t *window = malloc(given ? given : 1);
        check(window != NULL);
        memcpy(window, data, given);
        int found = capture_decode(&decoder, window, given, &taken, &frame);
        if (found == CAPTURE_FRAME) {
            check_frame(&frame, window, taken);
            sum = sum * 31 + frame.captured + frame.length + frame.time_ns;
            ++*count;
        }
        free(window);
        if (found < 0 || (found == CAPTURE_MORE && taken > bytes))
            break;
        if (found != CAPTURE_MORE) {
            data += taken;
            bytes -= taken;
        }
        given = found == CAPTURE_MORE ? taken : 0;
    }
    capture_decoder_clear(&decoder);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    uint32_t at_once, by_need;
    uint64_t sum = decode_at_once(data, bytes, &at_once);
    check(decode_by_need(data, bytes, &by_need) == sum && by_need == at_once);
    return 0;
}
