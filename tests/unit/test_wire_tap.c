/* SPDX-License-Identifier: BSD-2-Clause */
/* The tap wire, in a network namespace of its own: frames go into the kernel and come out of it. */
#include "fake_nic.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* An experimental Ethernet type (IEEE 802.1, local experimental 1), so that the kernel's own
 * frames, IPv6 discovery and the like, do not disturb. */
#define TEST_TYPE 0x88b5

static const uint8_t long_frame[100] = { 2, 0, 0, 0, 0,        1,        2,       0,
                                         0, 0, 0, 2, 0x88,     0xb5,     1,       2,
                                         3, 4, 5, 6, [30] = 7, [59] = 8, [99] = 9 };

static void set_up_interface(int socket_fd, const char *name, bool up) {
    struct ifreq request = { .ifr_flags = up ? IFF_UP : 0 };
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(ioctl(socket_fd, SIOCSIFFLAGS, &request), 0);
}

/* A packet socket on the interface: the kernel's end of the cable. */
static int open_far_end(const char *name) {
    int fd = socket(AF_PACKET, SOCK_RAW, htons(TEST_TYPE));
    assert_true(fd >= 0);
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(TEST_TYPE),
                                   .sll_ifindex = (int)if_nametoindex(name) };
    set_up_interface(fd, name, true);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Turns until the wire has brought one more test frame, skipping what the kernel says itself. */
static const uint8_t *next_test_frame(struct wire *wire, struct nic *nic, uint64_t *seen,
                                      size_t *bytes) {
    for (;;) {
        while (*seen < nic->delivered) {
            const uint8_t *frame = fake_nic_frame(nic, (*seen)++, bytes);
            if (frame[12] == TEST_TYPE >> 8 && frame[13] == (TEST_TYPE & 0xff))
                return frame;
        }
        wire->ops->poll(wire, 8);
    }
}

static void test_frames_cross(void **state) {
    struct nic nic = { .room = UINT64_MAX, .keeps_frames = true };
    struct wire *wire = fake_nic_wire(&nic, "tap=lt-tap0");
    int far = open_far_end("lt-tap0");
    uint8_t got[2000];
    uint64_t seen = 0;
    size_t bytes;
    (void)state;
    assert_true(wire->ops->transmit(wire, long_frame, sizeof long_frame));
    assert_int_equal(recv(far, got, sizeof got, 0), sizeof long_frame);
    assert_memory_equal(got, long_frame, sizeof long_frame);

    assert_int_equal(send(far, long_frame, sizeof long_frame, 0), sizeof long_frame);
    const uint8_t *frame = next_test_frame(wire, &nic, &seen, &bytes);
    assert_int_equal(bytes, sizeof long_frame);
    assert_memory_equal(frame, long_frame, sizeof long_frame);

    assert_int_equal(send(far, long_frame, 20, 0), 20); /* a MAC would pad it */
    frame = next_test_frame(wire, &nic, &seen, &bytes);
    assert_int_equal(bytes, 60);
    assert_memory_equal(frame, long_frame, 20);
    assert_int_equal(frame[59], 0);
    close(far);
    wire_close(wire);
    fake_nic_forget(&nic);
    assert_int_equal(if_nametoindex("lt-tap0"), 0);
}

static void test_a_full_nic_is_waited_for(void **state) {
    struct nic nic = { .keeps_frames = true };
    struct wire *wire = fake_nic_wire(&nic, "tap,tap=lt-tap0");
    int far = open_far_end("lt-tap0");
    uint64_t seen = 0;
    size_t bytes;
    (void)state;
    for (uint8_t i = 0; i < 5; i++) {
        uint8_t frame[64];
        memcpy(frame, long_frame, sizeof frame);
        frame[20] = i;
        assert_int_equal(send(far, frame, sizeof frame, 0), sizeof frame);
    }
    assert_int_equal(wire->ops->poll(wire, 8), 0);
    assert_int_equal(wire->ops->poll(wire, 8), 0);
    nic.room = UINT64_MAX;
    for (uint8_t i = 0; i < 5; i++)
        assert_int_equal(next_test_frame(wire, &nic, &seen, &bytes)[20], i);
    assert_int_equal(nic.missed, 0);
    close(far);
    wire_close(wire);
    fake_nic_forget(&nic);
}

static void test_a_device_that_is_down_loses_by_name(void **state) {
    struct nic nic = { 0 };
    struct wire *wire = fake_nic_wire(&nic, "tap=lt-tap0");
    (void)state;
    assert_true(wire->ops->transmit(wire, long_frame, sizeof long_frame));
    assert_int_equal(wire->stats.out_frames, 1);
    assert_int_equal(wire->stats.lost_far, 1);
    wire_close(wire);
}

static void test_bad_names_are_refused(void **state) {
    struct nic nic = { 0 };
    struct wire *wire = fake_nic_wire(&nic, "tap=lt-tap0");
    (void)state;
    fake_nic_no_wire("tap", "needs tap=NAME");
    fake_nic_no_wire("tap=", "needs tap=NAME");
    fake_nic_no_wire("tap=sixteen-letters!", "needs tap=NAME");
    fake_nic_no_wire("tap=lt-tap0", "cannot attach to the device"); /* in use */
    wire_close(wire);
}

int main(void) {
    if (unshare(CLONE_NEWNET) || access("/dev/net/tun", R_OK | W_OK)) {
        printf("no network namespace or no /dev/net/tun: %s; run as root\n", strerror(errno));
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_cross),
        cmocka_unit_test(test_a_full_nic_is_waited_for),
        cmocka_unit_test(test_a_device_that_is_down_loses_by_name),
        cmocka_unit_test(test_bad_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
