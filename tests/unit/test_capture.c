/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading captures: both formats, both byte orders, and every way in which they can be wrong. */
#include "capture_builder.h"
#include "lib/drivers/capture.h"
#include <errno.h>
#include <leat/error.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

static struct builder file;
static uint8_t frame_bytes[4096];

static int make_frame_bytes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(frame_bytes); i++)
        frame_bytes[i] = (uint8_t)(i * 7 + i / 256);
    return 0;
}

/* Decodes from memory of exactly the file's size, so that sanitizers see every byte too many that
 * is read. Returns how many frames there were; `*last` is the last result: MORE at the end. */
static uint32_t decode_all(size_t bytes, struct capture_frame *frames, uint32_t max, int *last) {
    struct capture_decoder decoder = { 0 };
    uint8_t *copy = malloc(bytes + 1);
    uint32_t count = 0;
    size_t at = 0, taken = 0;
    assert_non_null(copy);
    memcpy(copy, file.file, bytes);
    for (;;) {
        struct capture_frame frame;
        uint8_t *rest = malloc(bytes - at ? bytes - at : 1);
        assert_non_null(rest);
        memcpy(rest, copy + at, bytes - at);
        *last = capture_decode(&decoder, rest, bytes - at, &taken, &frame);
        if (*last == CAPTURE_FRAME) {
            assert_memory_equal(frame.data, frame_bytes, frame.captured);
            frame.data = NULL;
            assert_true(count < max);
            frames[count++] = frame;
        }
        free(rest);
        if (*last == CAPTURE_MORE)
            assert_true(taken > bytes - at);
        if (*last != CAPTURE_FRAME && *last != CAPTURE_PASS)
            break;
        assert_true(taken > 0 && taken <= bytes - at);
        at += taken;
    }
    free(copy);
    capture_decoder_clear(&decoder);
    return count;
}

static void expect_frame(const struct capture_frame *frame, uint32_t captured, uint32_t length,
                         bool timed, uint64_t time_ns) {
    assert_int_equal(frame->captured, captured);
    assert_int_equal(frame->length, length);
    assert_int_equal(frame->timed, timed);
    assert_int_equal(frame->time_ns, time_ns);
}

static void reads_pcap_in_both_orders_and_resolutions(void **state) {
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        bool nanoseconds = variant & 2;
        struct capture_frame frames[4];
        int last;
        build_pcap(&file, variant & 1, nanoseconds, 1);
        add_record(&file, 1700000000, 123456, frame_bytes, 60, 60);
        add_record(&file, 4294967295, 999999, frame_bytes, 64, 1514);
        add_record(&file, 0, 0, frame_bytes, 1514, 1514);
        assert_int_equal(decode_all(file.bytes, frames, 4, &last), 3);
        assert_int_equal(last, CAPTURE_MORE);
        uint64_t unit = nanoseconds ? 1 : 1000;
        expect_frame(&frames[0], 60, 60, true, 1700000000000000000 + 123456 * unit);
        expect_frame(&frames[1], 64, 1514, true, 4294967295000000000 + 999999 * unit);
        expect_frame(&frames[2], 1514, 1514, true, 0);
    }
}

/* A file with all that we read and some that we pass over; the second section is in the other byte
 * order. */
static void build_mixed(bool swapped) {
    file.bytes = 0;
    add_section(&file, swapped);
    add_interface(&file, 1, 0, 9, 0, 0);
    add_unknown(&file, 4, 20); /* name resolution */
    add_enhanced(&file, 0, 1700000000123456789, frame_bytes, 61, 61);
    add_interface(&file, 1, 96, 6, 0, 0);
    add_obsolete(&file, 1, 1700000000123456, frame_bytes, 62, 1000);
    add_unknown(&file, 5, 8); /* interface statistics */
    add_unknown(&file, 0x80000bad, 0);
    add_section(&file, !swapped);
    add_interface(&file, 1, 96, 0x80 | 20, 0, 0);
    add_simple(&file, frame_bytes, 96, 300);
    add_simple(&file, frame_bytes, 63, 63);
    add_enhanced(&file, 0, 3ull << 19, frame_bytes, 0, 0);
}

static void expect_mixed(const struct capture_frame *frames) {
    expect_frame(&frames[0], 61, 61, true, 1700000000123456789);
    expect_frame(&frames[1], 62, 1000, true, 1700000000123456000);
    expect_frame(&frames[2], 96, 300, false, 0);
    expect_frame(&frames[3], 63, 63, false, 0);
    expect_frame(&frames[4], 0, 0, true, 1500000000);
}

static void reads_pcapng_in_both_orders(void **state) {
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        struct capture_frame frames[8];
        int last;
        build_mixed(swapped);
        assert_int_equal(decode_all(file.bytes, frames, 8, &last), 5);
        assert_int_equal(last, CAPTURE_MORE);
        expect_mixed(frames);
    }
}

/* Any resolution from 10^0 to 10^-127 and 2^0 to 2^-127: the nanosecond that holds the tick. */
static void converts_every_resolution(void **state) {
    (void)state;
    for (uint32_t resolution = 0; resolution < 256; resolution++) {
        const uint64_t ticks[] = { 0, 1, 999, 123456789, 1ull << 40, UINT64_MAX };
        for (uint32_t i = 0; i < 6; i++) {
            struct capture_interface interface = { .resolution = (uint8_t)resolution };
            struct capture_frame frame = { 0 };
            unsigned __int128 part = 1, ns_limit = (unsigned __int128)UINT64_MAX + 1;
            unsigned __int128 ns = (unsigned __int128)ticks[i] * 1000000000;
            for (uint32_t n = 0; n < (resolution & 0x7f) && part <= ns; n++)
                part *= resolution & 0x80 ? 2 : 10;
            ns = part <= ns ? ns / part : 0;
            capture_set_time(&frame, &interface, ticks[i]);
            assert_int_equal(frame.timed, ns < ns_limit);
            assert_int_equal(frame.time_ns, ns < ns_limit ? (uint64_t)ns : 0);
        }
    }
}

static void adds_the_time_offset(void **state) {
    (void)state;
    const struct {
        int64_t offset_s;
        uint64_t ticks;
        bool timed;
        uint64_t time_ns;
    } cases[] = {
        { 10, 5, true, 10000000005 },         { -10, 10000000001, true, 1 },
        { -10, 9999999999, false, 0 },        { INT64_MAX, UINT64_MAX, false, 0 },
        { INT64_MIN, UINT64_MAX, false, 0 },  { 18446744073, 709551615, true, UINT64_MAX },
        { 18446744073, 709551616, false, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int swapped = 0; swapped < 2; swapped++) {
            struct capture_frame frames[1];
            int last;
            file.bytes = 0;
            add_section(&file, swapped);
            add_interface(&file, 1, 0, 9, cases[i].offset_s, 0);
            add_enhanced(&file, 0, cases[i].ticks, frame_bytes, 60, 60);
            assert_int_equal(decode_all(file.bytes, frames, 1, &last), 1);
            expect_frame(frames, 60, 60, cases[i].timed, cases[i].time_ns);
        }
    }
}

static void takes_the_check_sequence_off(void **state) {
    (void)state;
    struct capture_frame frames[4];
    int last;
    build_pcap(&file, false, true, 1 | 1u << 26 | 2u << 28);
    add_record(&file, 0, 0, frame_bytes, 64, 64);
    add_record(&file, 0, 0, frame_bytes, 62, 64); /* half of it was captured */
    add_record(&file, 0, 0, frame_bytes, 40, 64);
    add_record(&file, 0, 0, frame_bytes, 3, 3);
    assert_int_equal(decode_all(file.bytes, frames, 4, &last), 4);
    expect_frame(&frames[0], 60, 60, true, 0);
    expect_frame(&frames[1], 60, 60, true, 0);
    expect_frame(&frames[2], 40, 60, true, 0);
    expect_frame(&frames[3], 0, 0, true, 0);

    file.bytes = 0;
    add_section(&file, false);
    add_interface(&file, 1, 0, 6, 0, 4);
    add_enhanced(&file, 0, 0, frame_bytes, 64, 64);
    add_simple(&file, frame_bytes, 64, 64);
    assert_int_equal(decode_all(file.bytes, frames, 4, &last), 2);
    expect_frame(&frames[0], 60, 60, true, 0);
    expect_frame(&frames[1], 60, 60, false, 0);
}

static void believes_the_bytes_above_a_smaller_length(void **state) {
    (void)state;
    struct capture_frame frames[1];
    int last;
    build_pcap(&file, false, true, 1);
    add_record(&file, 0, 0, frame_bytes, 100, 60);
    assert_int_equal(decode_all(file.bytes, frames, 1, &last), 1);
    expect_frame(&frames[0], 100, 100, true, 0);
}

/* Decodes the file and expects it to be refused with `words` in the sentence. */
static void expect_refused(int err, const char *words) {
    struct capture_frame frames[8];
    int last;
    decode_all(file.bytes, frames, 8, &last);
    assert_int_equal(last, -err);
    if (!strstr(leat_error(), words))
        fail_msg("'%s' does not say '%s'", leat_error(), words);
}

static void refuses_what_is_no_capture(void **state) {
    (void)state;
    file.bytes = 0;
    put_bytes(&file,
              "\x7f"
              "ELF and so on",
              14);
    expect_refused(EINVAL, "begins with 7f 45 4c 46");
    file.bytes = 0;
    put32(&file, 0xa1b2cd34); /* a variant with longer records, which nobody specified */
    expect_refused(EINVAL, "not a pcap");
}

static void refuses_what_it_does_not_know(void **state) {
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        build_pcap(&file, swapped, false, 113);
        expect_refused(ENOTSUP, "link type 113");
        build_pcap(&file, swapped, false, 1);
        file.file[4] = file.file[5] = 3;
        expect_refused(EINVAL, "version");
        file.bytes = 0;
        add_section(&file, swapped);
        file.file[12] = file.file[13] = 2;
        expect_refused(EINVAL, "version");
        file.bytes = 0;
        add_section(&file, swapped);
        add_interface(&file, 1, 0, 9, 0, 0);
        add_enhanced(&file, 0, 0, frame_bytes, 60, 60);
        add_interface(&file, 113, 0, 9, 0, 0);
        expect_refused(ENOTSUP, "interface 1 has link type 113");
        file.bytes = 0;
        add_section(&file, swapped);
        file.file[8] ^= 1;
        expect_refused(EINVAL, "byte-order magic");
    }
}

static void refuses_sizes_near_overflow(void **state) {
    (void)state;
    const uint32_t sizes[] = { 262145, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        build_pcap(&file, false, false, 1);
        add_record(&file, 0, 0, frame_bytes, 0, 60);
        memcpy(file.file + 24 + 8, &sizes[i], 4);
        expect_refused(EINVAL, "at most 262144");

        file.bytes = 0;
        add_section(&file, false);
        add_interface(&file, 1, 0, 9, 0, 0);
        size_t packet = file.bytes;
        add_enhanced(&file, 0, 0, frame_bytes, 60, 60);
        memcpy(file.file + packet + 20, &sizes[i], 4);
        expect_refused(EINVAL, "packet block");

        file.bytes = packet;
        add_simple(&file, frame_bytes, 60, sizes[i]);
        expect_refused(EINVAL, "simple packet block");

        file.bytes = packet;
        add_enhanced(&file, sizes[i], 0, frame_bytes, 60, 60);
        expect_refused(EINVAL, "of interface");
    }
    const uint32_t totals[] = { 0, 4, 8, 13, 14, 15, (16 << 20) + 4, 0x80000000, 0xfffffffc };
    for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
        file.bytes = 0;
        add_section(&file, false);
        memcpy(file.file + 4, &totals[i], 4);
        expect_refused(EINVAL, "a block of");
    }
}

/* One byte more than the block has, one interface more than the section has. */
static void refuses_one_too_many(void **state) {
    (void)state;
    struct capture_frame frames[2];
    int last;
    for (uint32_t more = 0; more < 2; more++) {
        file.bytes = 0;
        add_section(&file, false);
        add_interface(&file, 1, 0, 9, 0, 0);
        size_t start = file.bytes;
        add_simple(&file, frame_bytes, 60, 60 + more);
        assert_int_equal(decode_all(file.bytes, frames, 2, &last), 1 - more);
        assert_int_equal(last, more ? -EINVAL : CAPTURE_MORE);

        file.bytes = start;
        add_obsolete(&file, 0, 0, frame_bytes, 60, 61);
        file.file[start + 20] += more;
        assert_int_equal(decode_all(file.bytes, frames, 2, &last), 1 - more);
        assert_int_equal(last, more ? -EINVAL : CAPTURE_MORE);

        file.bytes = start;
        add_enhanced(&file, more, 0, frame_bytes, 60, 60);
        assert_int_equal(decode_all(file.bytes, frames, 2, &last), 1 - more);
        assert_int_equal(last, more ? -EINVAL : CAPTURE_MORE);
    }
}

static void refuses_blocks_that_contradict_themselves(void **state) {
    (void)state;
    for (uint32_t type = 1; type <= 6; type++) {
        if (type == 4 || type == 5)
            continue;
        file.bytes = 0;
        add_section(&file, false);
        add_unknown(&file, type, 0);
        expect_refused(EINVAL, "too short");
    }
    file.bytes = 0;
    size_t section = begin_block(&file, 0x0a0d0d0a);
    put32(&file, 0x1a2b3c4d);
    end_block(&file, section);
    expect_refused(EINVAL, "too short");

    file.bytes = 0;
    add_section(&file, false);
    file.file[file.bytes - 4]++;
    expect_refused(EINVAL, "says 29 at its end");

    file.bytes = 0;
    add_section(&file, false);
    add_simple(&file, frame_bytes, 60, 60);
    expect_refused(EINVAL, "before any interface");

    for (uint32_t length = 5; length < 70000; length += 4999) {
        file.bytes = 0;
        add_section(&file, false);
        size_t start = begin_block(&file, 1);
        put32(&file, 1);
        put32(&file, 0);
        put16(&file, 2);
        put16(&file, length & 0xffff);
        put32(&file, 0);
        end_block(&file, start);
        expect_refused(EINVAL, "exceeds its block");
    }
    file.bytes = 0;
    add_section(&file, false);
    size_t start = begin_block(&file, 1);
    put32(&file, 1);
    put32(&file, 0);
    put_option(&file, 9, "\6\6", 2);
    end_block(&file, start);
    expect_refused(EINVAL, "option 9 of 2 bytes");
}

static void bounds_the_number_of_interfaces(void **state) {
    (void)state;
    file.bytes = 0;
    add_section(&file, false);
    for (uint32_t i = 0; i < CAPTURE_INTERFACES_MAX; i++)
        add_interface(&file, 1, 0, 6, 0, 0);
    add_enhanced(&file, CAPTURE_INTERFACES_MAX - 1, 7, frame_bytes, 60, 60);
    struct capture_frame frames[1];
    struct capture_decoder decoder = { 0 };
    size_t at = 0, taken;
    int found;
    while ((found = capture_decode(&decoder, file.file + at, file.bytes - at, &taken, frames)) ==
           CAPTURE_PASS)
        at += taken;
    assert_int_equal(found, CAPTURE_FRAME);
    assert_int_equal(frames[0].time_ns, 7000);
    struct capture_interface interface = { 0 };
    assert_int_equal(capture_add_interface(&decoder, 1, &interface), -EINVAL);
    capture_decoder_clear(&decoder);
}

/* Every prefix of a file: the frames that are whole in it, then "more" and never a wrong byte. */
static void decodes_every_truncation(void **state) {
    (void)state;
    struct capture_frame frames[8];
    uint32_t whole = 0;
    int last;
    for (int swapped = 0; swapped < 2; swapped++) {
        build_mixed(swapped);
        whole = 0;
        for (size_t bytes = 0; bytes <= file.bytes; bytes++) {
            uint32_t count = decode_all(bytes, frames, 8, &last);
            assert_int_equal(last, CAPTURE_MORE);
            assert_true(count == whole || count == whole + 1);
            whole = count;
        }
        assert_int_equal(whole, 5);
        expect_mixed(frames);
    }
}

/* A file that a reader opens by its descriptor's path. */
static int open_reader(struct capture_reader *reader, size_t bytes) {
    char path[64];
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.file, bytes), bytes);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int err = capture_reader_open(reader, path);
    close(fd);
    return err;
}

static uint32_t read_all(struct capture_reader *reader, int *last) {
    const struct capture_frame *frame;
    uint32_t count = 0;
    while ((*last = capture_peek(reader, &frame)) > 0) {
        const struct capture_frame *again;
        assert_int_equal(capture_peek(reader, &again), 1);
        assert_ptr_equal(frame, again);
        assert_memory_equal(frame->data, frame_bytes, frame->captured);
        capture_next(reader);
        count++;
    }
    return count;
}

/* A file that was cut says so, unless it was cut between two blocks. */
static void reads_every_truncation(void **state) {
    (void)state;
    uint32_t ends = 0;
    build_mixed(false);
    for (size_t bytes = 0; bytes <= file.bytes; bytes++) {
        struct capture_reader reader;
        const struct capture_frame *frame;
        int last = open_reader(&reader, bytes);
        if (last == 0) {
            read_all(&reader, &last);
            assert_int_equal(capture_peek(&reader, &frame), last); /* for good */
            capture_reader_close(&reader);
        }
        ends += last == -ENODATA;
        if (last != -ENODATA) {
            assert_int_equal(last, -EIO);
            assert_non_null(strstr(leat_error(), "the file ends at byte"));
        }
    }
    /* Behind each of the 13 blocks. */
    assert_int_equal(ends, 13);
}

static void reads_again_from_the_start(void **state) {
    (void)state;
    struct capture_reader reader;
    int last;
    build_mixed(true);
    assert_int_equal(open_reader(&reader, file.bytes), 0);
    for (int pass = 0; pass < 3; pass++) {
        assert_int_equal(read_all(&reader, &last), 5);
        assert_int_equal(last, -ENODATA);
        assert_int_equal(capture_rewind(&reader), 0);
    }
    capture_reader_close(&reader);
}

/* More than the window holds: in many frames, and in one block. */
static void reads_beyond_its_window(void **state) {
    (void)state;
    struct capture_reader reader;
    int last;
    file.bytes = 0;
    add_section(&file, false);
    add_interface(&file, 1, 0, 9, 0, 0);
    for (uint32_t i = 0; i < 1000; i++)
        add_enhanced(&file, 0, i, frame_bytes, 700 + i, 700 + i);
    add_unknown(&file, 99, 1 << 20);
    add_enhanced(&file, 0, 0, frame_bytes, 4096, 4096);
    assert_int_equal(open_reader(&reader, file.bytes), 0);
    assert_int_equal(read_all(&reader, &last), 1001);
    assert_int_equal(last, -ENODATA);
    capture_reader_close(&reader);
}

static void says_where_a_file_goes_wrong(void **state) {
    (void)state;
    struct capture_reader reader;
    int last;
    build_pcap(&file, false, false, 1);
    add_record(&file, 0, 0, frame_bytes, 60, 60);
    put_bytes(&file, "0123456789abcdef", 16);
    assert_int_equal(open_reader(&reader, file.bytes), 0);
    assert_int_equal(read_all(&reader, &last), 1);
    assert_int_equal(last, -EINVAL);
    assert_string_equal(leat_error(),
                        "byte 100: a record of 1650538808 bytes; a frame has at most 262144");
    capture_reader_close(&reader);
}

/* Far into a file, of which the window has passed on. */
static void says_where_in_a_long_file(void **state) {
    (void)state;
    struct capture_reader reader;
    char place[32];
    int last;
    build_pcap(&file, false, false, 1);
    for (uint32_t i = 0; i < 1000; i++)
        add_record(&file, 0, 0, frame_bytes, 1000 + i, 1000 + i);
    snprintf(place, sizeof(place), "byte %zu: a record", file.bytes);
    put_bytes(&file, "0123456789abcdef", 16);
    assert_int_equal(open_reader(&reader, file.bytes), 0);
    assert_int_equal(read_all(&reader, &last), 1000);
    assert_int_equal(last, -EINVAL);
    assert_ptr_equal(strstr(leat_error(), place), leat_error());
    capture_reader_close(&reader);
}

/* A pipe that brings a file byte by byte gives each frame as soon as it is whole. */
static void reads_a_pipe_as_it_fills(void **state) {
    (void)state;
    struct capture_reader reader;
    const struct capture_frame *frame;
    char path[64];
    int ends[2];
    uint32_t count = 0;
    build_mixed(false);
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], file.file, 100), 100);
    assert_int_equal(capture_reader_open(&reader, path), 0);
    for (size_t at = 100; at < file.bytes; at++) {
        assert_int_equal(write(ends[1], file.file + at, 1), 1);
        int found = capture_peek(&reader, &frame);
        assert_true(found >= 0);
        if (found == 0)
            continue;
        assert_memory_equal(frame->data, frame_bytes, frame->captured);
        capture_next(&reader);
        count++;
    }
    assert_int_equal(count, 5);
    assert_int_equal(capture_peek(&reader, &frame), 0);
    close(ends[1]);
    assert_int_equal(capture_peek(&reader, &frame), -ENODATA);
    capture_reader_close(&reader);
    close(ends[0]);
}

static void do_nothing(int signal) {
    (void)signal;
}

/* The writer of a pipe may never write. */
static void a_signal_ends_the_wait_for_a_pipe(void **state) {
    (void)state;
    const struct sigaction action = { .sa_handler = do_nothing };
    const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
    struct sigaction before;
    struct capture_reader reader;
    char path[64];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(capture_reader_open(&reader, path), -EINTR);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    close(ends[0]);
    close(ends[1]);
}

static void reads_what_it_writes(void **state) {
    (void)state;
    struct capture_frame frames[64];
    int last;
    file.swapped = false;
    capture_put_header(file.file, 96);
    file.bytes = CAPTURE_HEADER_BYTES;
    for (uint32_t i = 0; i < 64; i++) {
        uint8_t header[CAPTURE_FRAME_HEADER_BYTES], trailer[CAPTURE_TRAILER_MAX];
        uint32_t n = capture_put_frame(header, trailer, i, 2 * i, 1700000000123456789 + i);
        put_bytes(&file, header, sizeof(header));
        put_bytes(&file, frame_bytes, i);
        put_bytes(&file, trailer, n);
        assert_int_equal(file.bytes % 4, 0);
    }
    assert_int_equal(decode_all(file.bytes, frames, 64, &last), 64);
    assert_int_equal(last, CAPTURE_MORE);
    for (uint32_t i = 0; i < 64; i++)
        expect_frame(&frames[i], i, 2 * i, true, 1700000000123456789 + i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_pcap_in_both_orders_and_resolutions),
        cmocka_unit_test(reads_pcapng_in_both_orders),
        cmocka_unit_test(converts_every_resolution),
        cmocka_unit_test(adds_the_time_offset),
        cmocka_unit_test(takes_the_check_sequence_off),
        cmocka_unit_test(believes_the_bytes_above_a_smaller_length),
        cmocka_unit_test(refuses_what_is_no_capture),
        cmocka_unit_test(refuses_what_it_does_not_know),
        cmocka_unit_test(refuses_sizes_near_overflow),
        cmocka_unit_test(refuses_one_too_many),
        cmocka_unit_test(refuses_blocks_that_contradict_themselves),
        cmocka_unit_test(bounds_the_number_of_interfaces),
        cmocka_unit_test(decodes_every_truncation),
        cmocka_unit_test(reads_every_truncation),
        cmocka_unit_test(reads_again_from_the_start),
        cmocka_unit_test(reads_beyond_its_window),
        cmocka_unit_test(says_where_a_file_goes_wrong),
        cmocka_unit_test(says_where_in_a_long_file),
        cmocka_unit_test(reads_a_pipe_as_it_fills),
        cmocka_unit_test(a_signal_ends_the_wait_for_a_pipe),
        cmocka_unit_test(reads_what_it_writes),
    };
    return cmocka_run_group_tests(tests, make_frame_bytes, NULL);
}
