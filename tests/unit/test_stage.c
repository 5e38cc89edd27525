/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stage on a veth in a namespace of its own: who gets a frame, and what is refused. A socket
 * without buffers counts what it is given as dropped, which is all that is asked of it here.
 */
#include "stage_rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ETHER_TYPE 0x88b5 /* for local experiments (IEEE 802) */
#define FRAMES     50
#define PATIENCE   10000 /* ms */

static int sender, stack; /* frames go into lt-b, and are looked for in the stack behind lt-a */

static int packet_socket(const char *interface, uint16_t type) {
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(type));
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(type),
                                   .sll_ifindex = (int)if_nametoindex(interface) };
    int buffer_bytes = 1 << 20; /* veth of Linux 6.1 takes 4,352 bytes for each frame */
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
    return fd;
}

static int set_up(void **state) {
    (void)state;
    stage_rig_add_veth();
    sender = packet_socket("lt-b", 0);
    stack = packet_socket("lt-a", ETHER_TYPE);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    close(sender);
    close(stack);
    stage_rig_delete_veth();
    return 0;
}

/* Frames of a type of their own, whose 15th byte a filter can ask for. */
static void send_frames(uint32_t n, uint8_t kind) {
    uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ETHER_TYPE >> 8, ETHER_TYPE & 0xff };
    frame[14] = kind;
    while (n-- > 0)
        assert_int_equal(send(sender, frame, sizeof(frame), 0), sizeof(frame));
}

static void expect_in_stack(uint32_t n) {
    struct pollfd ready = { .fd = stack, .events = POLLIN };
    uint8_t frame[64];
    while (n-- > 0) {
        assert_int_equal(poll(&ready, 1, PATIENCE), 1);
        assert_int_equal(recv(stack, frame, sizeof(frame), 0), 60);
    }
    assert_int_equal(poll(&ready, 1, 0), 0);
}

/* An AF_XDP socket without buffers. */
struct socket {
    int fd;
    void *memory;
};

#define UMEM_BYTES (16 * 4096)

static struct socket open_socket(uint32_t queue) {
    struct socket s = { socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0),
                        mmap(NULL, UMEM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                             -1, 0) };
    struct xdp_umem_reg memory = { .addr = (uintptr_t)s.memory,
                                   .len = UMEM_BYTES,
                                   .chunk_size = 4096 };
    struct sockaddr_xdp address = { .sxdp_family = AF_XDP,
                                    .sxdp_flags = XDP_COPY,
                                    .sxdp_ifindex = ifindex,
                                    .sxdp_queue_id = queue };
    int slots = 64;
    assert_true(s.fd >= 0 && s.memory != MAP_FAILED);
    assert_int_equal(setsockopt(s.fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)), 0);
    assert_int_equal(setsockopt(s.fd, SOL_XDP, XDP_UMEM_FILL_RING, &slots, sizeof(slots)), 0);
    assert_int_equal(setsockopt(s.fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &slots, sizeof(slots)), 0);
    assert_int_equal(setsockopt(s.fd, SOL_XDP, XDP_RX_RING, &slots, sizeof(slots)), 0);
    /* An earlier socket of the queue may still be being torn down. */
    int err = -1;
    for (int i = 0; i < PATIENCE && err != 0; i++) {
        err = bind(s.fd, (struct sockaddr *)&address, sizeof(address));
        if (err != 0 && errno != EBUSY)
            fail_msg("cannot bind: %s", strerror(errno));
        if (err != 0)
            poll(NULL, 0, 1);
    }
    assert_int_equal(err, 0);
    return s;
}

static void close_socket(struct socket *s) {
    close(s->fd);
    munmap(s->memory, UMEM_BYTES);
}

static uint64_t given(const struct socket *s) {
    struct xdp_statistics statistics = { 0 };
    socklen_t bytes = sizeof(statistics);
    assert_int_equal(getsockopt(s->fd, SOL_XDP, XDP_STATISTICS, &statistics, &bytes), 0);
    return statistics.rx_dropped;
}

/* The two sockets of a stage, together. */
static void expect_given(const struct socket *s, uint64_t n) {
    for (int i = 0; i < PATIENCE && given(&s[0]) + given(&s[1]) < n; i++)
        poll(NULL, 0, 1);
    assert_int_equal(given(&s[0]) + given(&s[1]), n);
}

static void set_sockets(struct leat_stage *stage, const struct socket *sockets) {
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(leat_stage_set_socket(stage, i, sockets ? sockets[i].fd : -1), 0);
}

static void check_mode(enum leat_xdp_mode asked, enum leat_xdp_mode in_force) {
    struct leat_stage *stage = open_stage(asked, NULL);
    struct socket sockets[2] = { open_socket(0), open_socket(1) };
    assert_int_equal(leat_stage_mode(stage), in_force);
    assert_int_not_equal(program_on_interface(), 0);

    send_frames(FRAMES, 0); /* no queue has a socket yet */
    expect_in_stack(FRAMES);
    set_sockets(stage, sockets);
    send_frames(FRAMES, 0);
    expect_given(sockets, FRAMES);
    set_sockets(stage, NULL);
    set_sockets(stage, NULL); /* twice does no harm */
    send_frames(FRAMES, 0);
    expect_in_stack(FRAMES);

    leat_stage_close(stage);
    assert_int_equal(program_on_interface(), 0);
    close_socket(&sockets[0]);
    close_socket(&sockets[1]);
}

static void gives_frames_to_sockets_and_the_rest_to_the_kernel(void **state) {
    (void)state;
    check_mode(LEAT_XDP_NATIVE, LEAT_XDP_NATIVE);
    check_mode(LEAT_XDP_GENERIC, LEAT_XDP_GENERIC);
    check_mode(LEAT_XDP_AUTO, LEAT_XDP_NATIVE);
}

static void takes_what_has_generic_xdp_only(void **state) {
    (void)state;
    struct leat_stage_opts opts = { .mode = LEAT_XDP_NATIVE, .queues = 1 };
    struct leat_stage *stage;
    assert_int_equal(leat_stage_open(&stage, "xdp:lo", if_nametoindex("lo"), &opts), -ENOTSUP);
    assert_string_equal(leat_error(),
                        "xdp:lo: its driver has no native XDP; mode=generic runs everywhere");
    assert_null(stage);
    opts.mode = LEAT_XDP_AUTO;
    assert_int_equal(leat_stage_open(&stage, "xdp:lo", if_nametoindex("lo"), &opts), 0);
    assert_int_equal(leat_stage_mode(stage), LEAT_XDP_GENERIC);
    leat_stage_close(stage);
}

static void takes_the_frames_that_match(void **state) {
    (void)state;
    struct leat_stage *stage = open_stage(LEAT_XDP_GENERIC, "ether[14] = 1");
    struct socket sockets[2] = { open_socket(0), open_socket(1) };
    set_sockets(stage, sockets);
    send_frames(FRAMES, 1);
    send_frames(FRAMES, 2);
    expect_given(sockets, FRAMES);
    expect_in_stack(FRAMES);
    leat_stage_close(stage);
    close_socket(&sockets[0]);
    close_socket(&sockets[1]);
}

static void refuses_a_wrong_match(void **state) {
    (void)state;
    struct leat_stage_opts opts = { .match = "udp prot 53", .queues = 1 };
    struct leat_stage *stage;
    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), -EINVAL);
    assert_non_null(strstr(leat_error(), "xdp:lt-a: match='udp prot 53': "));
    assert_int_equal(program_on_interface(), 0);
}

static void refuses_a_queue_that_is_not_there(void **state) {
    (void)state;
    struct leat_stage *stage = open_stage(LEAT_XDP_AUTO, NULL);
    assert_int_equal(leat_stage_set_socket(stage, 2, sender), -E2BIG);
    assert_int_equal(leat_stage_set_socket(stage, 0, sender), -EOPNOTSUPP);
    assert_non_null(strstr(leat_error(), "xdp:lt-a: cannot give queue 0 to its socket"));
    leat_stage_close(stage);
}

/* What is left to do is to close, and that works. */
static void outlives_its_interface(void **state) {
    (void)state;
    struct leat_stage *stage = open_stage(LEAT_XDP_AUTO, NULL);
    stage_rig_delete_veth();
    leat_stage_close(stage);
    struct leat_stage_opts opts = { .queues = 1 };
    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), -ENODEV);
    stage_rig_add_veth();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_the_frames_that_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_wrong_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_queue_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outlives_its_interface, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_frames_to_sockets_and_the_rest_to_the_kernel, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(takes_what_has_generic_xdp_only, set_up, tear_down),
    };
    if (!stage_rig_enter())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
