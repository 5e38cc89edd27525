/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcap wire: a capture goes in, and what comes out is a capture of the same frames. */
#include "fake_nic.h"
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull

static char in[] = "/tmp/lt-wire-in-XXXXXX", out[] = "/tmp/lt-wire-out-XXXXXX";

static int make_files(void **state) {
    (void)state;
    close(mkstemp(in));
    close(mkstemp(out));
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(in);
    unlink(out);
    return 0;
}

/* Frame `i` of a capture: its own length and bytes. */
static uint32_t make_frame(uint8_t *frame, uint32_t i) {
    uint32_t bytes = 60 + i * 17 % 1455;
    for (uint32_t at = 0; at < bytes; at++)
        frame[at] = (uint8_t)(i + at * 7);
    return bytes;
}

static void write_capture(int link_type, uint32_t count, uint32_t short_first) {
    pcap_t *pcap = pcap_open_dead(link_type, 65535);
    pcap_dumper_t *dumper = pcap_dump_open(pcap, in);
    assert_non_null(dumper);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t frame[1514];
        uint32_t bytes = make_frame(frame, i);
        uint32_t captured = short_first && i == 0 ? short_first : bytes;
        pcap_dump((u_char *)dumper, &(struct pcap_pkthdr){ .caplen = captured, .len = bytes },
                  frame);
    }
    pcap_dump_close(dumper);
    pcap_close(pcap);
}

static struct wire *open_wire(struct nic *nic, const char *format) {
    char spec[300];
    snprintf(spec, sizeof spec, format, in, out);
    return fake_nic_wire(nic, spec);
}

static void refuse(const char *format, const char *says) {
    char spec[300];
    snprintf(spec, sizeof spec, format, in, out);
    fake_nic_no_wire(spec, says);
}

static uint32_t poll(struct wire *wire) {
    return wire->ops->poll(wire, 64);
}

static void test_replay_and_record_are_identical(void **state) {
    struct nic nic = { .room = UINT64_MAX, .keeps_frames = true };
    uint64_t made_ns = 1763683200123456789;
    (void)state;
    write_capture(DLT_EN10MB, 300, 0);
    struct wire *wire = open_wire(&nic, "pcap,in=%s,out=%s");
    while (!wire->ops->done(wire))
        assert_true(poll(wire) <= 32);
    assert_int_equal(nic.delivered, 300);
    assert_int_equal(fake_nic_wire_stats(wire).generated, 300);
    for (uint64_t i = 0; i < 300; i++) {
        size_t bytes;
        const uint8_t *frame = fake_nic_frame(&nic, i, &bytes);
        fake_clock_ns = made_ns + i;
        assert_true(wire->ops->transmit(wire, frame, (uint32_t)bytes));
    }
    assert_int_equal(wire->stats.out_frames, 300);
    assert_int_equal(wire->stats.lost_far, 0);
    wire_close(wire);
    fake_nic_forget(&nic);

    char cause[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline_with_tstamp_precision(out, PCAP_TSTAMP_PRECISION_NANO, cause);
    assert_non_null(pcap);
    for (uint32_t i = 0; i < 300; i++) {
        uint8_t want[1514];
        struct pcap_pkthdr *header;
        const uint8_t *frame;
        assert_int_equal(pcap_next_ex(pcap, &header, &frame), 1);
        assert_int_equal(header->len, make_frame(want, i));
        assert_int_equal(header->caplen, header->len);
        assert_memory_equal(frame, want, header->len);
        assert_int_equal(header->ts.tv_sec * SECOND_NS + (uint64_t)header->ts.tv_usec, made_ns + i);
    }
    struct pcap_pkthdr *header;
    const uint8_t *frame;
    assert_int_equal(pcap_next_ex(pcap, &header, &frame), PCAP_ERROR_BREAK);
    pcap_close(pcap);
}

static void test_loops_and_rate(void **state) {
    struct nic nic = { .room = UINT64_MAX };
    (void)state;
    write_capture(DLT_EN10MB, 10, 0);
    struct wire *wire = open_wire(&nic, "pcap,in=%s,rate=1000,loops=3");
    assert_int_equal(poll(wire), 0);
    fake_clock_ns += SECOND_NS / 100;
    assert_int_equal(poll(wire), 10);
    assert_int_equal(poll(wire), 0);
    assert_false(wire->ops->done(wire));
    fake_clock_ns += SECOND_NS;
    assert_int_equal(poll(wire), 20);
    assert_true(wire->ops->done(wire));
    assert_int_equal(poll(wire), 0);
    assert_int_equal(nic.delivered, 30);
    wire_close(wire);
}

static void test_full_nic_and_no_driver(void **state) {
    struct nic nic = { .not_ready = true };
    (void)state;
    write_capture(DLT_EN10MB, 10, 0);
    struct wire *wire = open_wire(&nic, "pcap,in=%s");
    assert_int_equal(poll(wire), 0);
    nic.not_ready = false;
    for (uint32_t left = 10; left; left--) {
        assert_int_equal(poll(wire), 0);
        nic.room = 1;
        assert_int_equal(poll(wire), 1);
    }
    assert_true(wire->ops->done(wire));
    wire_close(wire);

    nic = (struct nic){ .room = 4 };
    wire = open_wire(&nic, "pcap,in=%s,wait=off");
    poll(wire);
    struct wire_stats stats = fake_nic_wire_stats(wire);
    assert_int_equal(stats.generated, nic.delivered + stats.lost_full);
    assert_int_equal(nic.missed, 6);
    wire_close(wire);
}

/* A frame of which the capture holds only the beginning cannot be replayed: it is lost, by name. */
static void test_truncated_and_unpadded_frames(void **state) {
    struct nic nic = { .room = UINT64_MAX, .keeps_frames = true };
    uint8_t want[1514];
    size_t bytes;
    (void)state;
    write_capture(DLT_EN10MB, 2, 42);
    struct wire *wire = open_wire(&nic, "pcap,in=%s");
    poll(wire);
    assert_int_equal(nic.delivered, 1);
    assert_int_equal(fake_nic_wire_stats(wire).lost_far, 1);
    fake_nic_forget(&nic);
    wire_close(wire);

    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *dumper = pcap_dump_open(pcap, in);
    make_frame(want, 1);
    pcap_dump((u_char *)dumper, &(struct pcap_pkthdr){ .caplen = 42, .len = 42 }, want);
    pcap_dump_close(dumper);
    pcap_close(pcap);
    wire = open_wire(&nic, "pcap,in=%s");
    poll(wire);
    memset(want + 42, 0, 18);
    assert_memory_equal(fake_nic_frame(&nic, 0, &bytes), want, 60);
    assert_int_equal(bytes, 60);
    fake_nic_forget(&nic);
    wire_close(wire);
}

static void test_bad_files_are_refused(void **state) {
    (void)state;
    refuse("pcap", "needs in=FILE, out=FILE or both");
    refuse("pcap,in=/none%.0s", "/none");
    refuse("pcap,out=/none/x%.0s", "/none/x");
    refuse("pcap,in=%s,loops=0", "loops=0 cannot be");
    write_capture(DLT_IEEE802_11, 1, 0);
    refuse("pcap,in=%s", "a capture of IEEE802_11, not of Ethernet");
    write_capture(DLT_EN10MB, 3, 0);
    assert_int_equal(truncate(in, 24 + 16 + 60 + 16 + 20), 0);
    refuse("pcap,in=%s", "cannot read after 1 frames");
    assert_int_equal(truncate(in, 10), 0);
    refuse("pcap,in=%s", in);
}

static void test_only_out_is_done_at_once(void **state) {
    struct nic nic = { 0 };
    struct wire *wire = open_wire(&nic, "pcap,out=%2$s");
    (void)state;
    assert_true(wire->ops->done(wire));
    assert_int_equal(poll(wire), 0);
    wire_close(wire);
}

/* An idle turn brings what was recorded to the file; a file that takes nothing loses by name. */
static void test_recording_reaches_the_file(void **state) {
    struct nic nic = { 0 };
    static const uint8_t frame[60];
    struct wire *wire = open_wire(&nic, "pcap,out=%2$s"), *full;
    struct stat file;
    (void)state;
    wire->ops->transmit(wire, frame, sizeof frame);
    poll(wire);
    poll(wire);
    assert_int_equal(stat(out, &file), 0);
    assert_int_equal(file.st_size, 24 + 16 + sizeof frame);
    wire_close(wire);

    full = fake_nic_wire(&nic, "pcap,out=/dev/full");
    for (int i = 0; i < 1000; i++)
        assert_true(full->ops->transmit(full, frame, sizeof frame));
    assert_int_equal(full->stats.out_frames, 1000);
    assert_true(full->stats.lost_far > 0);
    wire_close(full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_and_record_are_identical),
        cmocka_unit_test(test_loops_and_rate),
        cmocka_unit_test(test_full_nic_and_no_driver),
        cmocka_unit_test(test_truncated_and_unpadded_frames),
        cmocka_unit_test(test_bad_files_are_refused),
        cmocka_unit_test(test_only_out_is_done_at_once),
        cmocka_unit_test(test_recording_reaches_the_file),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
