/* SPDX-License-Identifier: BSD-2-Clause */
/* tap: the far end is a packet socket on the interface, in a network namespace of this process. */
#include "rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int far = -1; /* the socket */

/* A namespace that ends with the process; its interfaces say nothing on their own. */
static void probe(struct port_kind *kind) {
    static const char no_ip6[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if (unshare(CLONE_NEWNET) < 0) {
        kind->unavailable = "cannot make a network namespace; it takes root";
        return;
    }
    int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0)
        kind->unavailable = "cannot open /dev/net/tun";
    else
        close(tun);
    int fd = open(no_ip6, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) { /* else there is no IPv6 to keep quiet */
        assert_int_equal(write(fd, "1", 1), 1);
        close(fd);
    }
}

static void set_up(struct rig *rig) {
    strcpy(rig->name, "tap:lt-port");
}

static void set_up_jumbo(struct rig *rig) {
    strcpy(rig->name, "tap:lt-port,mtu=9000");
}

/* The interface is there only as long as the port is open. */
static void opened(struct rig *rig) {
    int buffer_bytes = 16 << 20;
    (void)rig;
    far = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    assert_true(far >= 0);
    setsockopt(far, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
    setsockopt(far, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex("lt-port"),
    };
    assert_true(address.sll_ifindex > 0);
    assert_int_equal(bind(far, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void closed(struct rig *rig) {
    (void)rig;
    if (far >= 0)
        close(far);
    far = -1;
}

static void bring(struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    (void)rig;
    assert_int_equal(send(far, frame, bytes, 0), bytes);
}

static uint32_t collect(struct rig *rig, uint8_t *frame) {
    struct sockaddr_ll from;
    socklen_t from_bytes = sizeof(from);
    (void)rig;
    ssize_t got = recvfrom(far, frame, RIG_FRAME_MAX, 0, (struct sockaddr *)&from, &from_bytes);
    if (got < 0) {
        assert_true(errno == EAGAIN || errno == ENETDOWN);
        return 0;
    }
    return from.sll_pkttype == PACKET_OUTGOING ? collect(rig, frame) : (uint32_t)got;
}

/* What all taps have in common. */
#define TAP_KIND                                                                                 \
    .rx = true, .tx = true, .live = true, .collects = true, .probe = probe, .tear_down = closed, \
    .opened = opened, .closed = closed, .bring = bring, .collect = collect

struct port_kind kind_tap = {
    TAP_KIND,         .name = "tap", .queues = 1, .wrong_name = "tap:a-name-that-is-too-long",
    .set_up = set_up,
};

struct port_kind kind_tap_4q = {
    TAP_KIND, .name = "tap-4q", .queues = 4, .wrong_name = "tap:lo", .set_up = set_up,
};

struct port_kind kind_tap_jumbo = {
    TAP_KIND,      .name = "tap-jumbo",  .queues = 1,
    .jumbo = true, .wrong_name = "tap:", .set_up = set_up_jumbo,
};
