/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp: on one end of a veth pair, in a network namespace of this process; the far end is a packet
 * socket on the other. Or on a tap, whose far end is the descriptor. Or, in a guest, on an
 * interface with zero-copy: LEAT_XDP_PAIR=PORT,FAR names it and the one at the other end of its
 * cable.
 */
#include "far_socket.h"
#include "rig.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int tap = -1;

static void probe(struct port_kind *kind) {
    kind->unavailable = far_veth_namespace();
}

static void set_up_veth(struct rig *rig, const char *options, uint32_t mtu) {
    far_veth_open(rig->kind->queues, mtu);
    snprintf(rig->name, sizeof(rig->name), "xdp:lt-port%s", options);
}

static void tear_down_veth(struct rig *rig) {
    (void)rig;
    far_veth_close();
}

static void set_up_native(struct rig *rig) {
    set_up_veth(rig, ",mode=native", 1500);
}

static void set_up_generic(struct rig *rig) {
    set_up_veth(rig, ",mode=generic", 1500);
}

static void set_up_spin(struct rig *rig) {
    set_up_veth(rig, ",wait=spin,need-wakeup=off", 1500);
}

static void set_up_busy_poll(struct rig *rig) {
    set_up_veth(rig, ",mode=native,wait=busy-poll", 1500);
}

static void set_up_native_jumbo(struct rig *rig) {
    set_up_veth(rig, ",mode=native,mtu=9000", 9000);
}

static void set_up_generic_jumbo(struct rig *rig) {
    set_up_veth(rig, ",mode=generic", 9000);
}

/* One queue by its number, and only what the suite sends. */
static void set_up_one_queue(struct rig *rig) {
    set_up_veth(rig, "", 1500);
    strcpy(rig->name, "xdp:lt-port@0,match='udp or arp'");
}

/* --- On a tap --- */

static void probe_tap(struct port_kind *kind) {
    probe(kind);
    tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tap < 0)
        kind->unavailable = "cannot open /dev/net/tun";
    else
        close(tap);
}

static void set_up_tap(struct rig *rig) {
    struct ifreq request = { .ifr_name = "lt-port", .ifr_flags = IFF_TAP | IFF_NO_PI };
    tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_int_equal(ioctl(tap, TUNSETIFF, &request), 0);
    /* The suite reads late. */
    assert_int_equal(system("ip link set lt-port up txqueuelen 4096"), 0);
    strcpy(rig->name, "xdp:lt-port");
}

static void tear_down_tap(struct rig *rig) {
    (void)rig;
    close(tap);
}

static void bring_tap(struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    (void)rig;
    assert_int_equal(write(tap, frame, bytes), bytes);
}

static uint32_t collect_tap(struct rig *rig, uint8_t *frame) {
    (void)rig;
    ssize_t got = read(tap, frame, RIG_FRAME_MAX);
    if (got < 0)
        assert_int_equal(errno, EAGAIN);
    return got < 0 ? 0 : (uint32_t)got;
}

/* --- With zero-copy, in a guest --- */

static char zerocopy_port[IFNAMSIZ], zerocopy_far[IFNAMSIZ];

static void probe_zerocopy(struct port_kind *kind) {
    const char *pair = getenv("LEAT_XDP_PAIR");
    if (!pair || sscanf(pair, "%15[^,],%15s", zerocopy_port, zerocopy_far) != 2)
        kind->unavailable = "no driver here has zero-copy; LEAT_XDP_PAIR names two interfaces";
}

static void set_up_zerocopy(struct rig *rig) {
    snprintf(rig->name, sizeof(rig->name), "xdp:%s,mode=native,zerocopy=require", zerocopy_port);
    far_socket_open(zerocopy_far);
}

static void tear_down_zerocopy(struct rig *rig) {
    (void)rig;
    far_socket_close();
}

/* What all have in common. */
#define XDP_KIND .rx = true, .tx = true, .live = true, .collects = true

#define VETH_KIND                                                         \
    XDP_KIND, .alone = true, .probe = probe, .tear_down = tear_down_veth, \
              .bring = far_socket_bring, .collect = far_socket_collect

#define ZEROCOPY_KIND                                                                   \
    XDP_KIND, .buffer_bytes = 4096, .probe = probe_zerocopy, .set_up = set_up_zerocopy, \
              .tear_down = tear_down_zerocopy, .bring = far_socket_bring,               \
              .collect = far_socket_collect

struct port_kind kind_xdp_native = {
    VETH_KIND,
    .name = "xdp-native",
    .queues = 1,
    .wrong_name = "xdp:lt-nowhere",
    .set_up = set_up_native,
};

struct port_kind kind_xdp_native_2q = {
    VETH_KIND,
    .name = "xdp-native-2q",
    .queues = 2,
    .wrong_name = "xdp:lt-port@2",
    .set_up = set_up_native,
};

struct port_kind kind_xdp_generic = {
    VETH_KIND,
    .name = "xdp-generic",
    .queues = 1,
    .wrong_name = "xdp:a-name-that-is-too-long",
    .set_up = set_up_generic,
};

struct port_kind kind_xdp_generic_2q = {
    VETH_KIND,
    .name = "xdp-generic-2q",
    .queues = 2,
    .wrong_name = "xdp:lt-port@two",
    .set_up = set_up_generic,
};

struct port_kind kind_xdp_spin = {
    VETH_KIND,
    .name = "xdp-spin",
    .queues = 1,
    .wrong_name = "xdp:lt-port,zerocopy=require",
    .set_up = set_up_spin,
};

struct port_kind kind_xdp_busy_poll = {
    VETH_KIND,
    .name = "xdp-busy-poll",
    .queues = 1,
    .wrong_name = "xdp:lt-port,match=no such thing",
    .set_up = set_up_busy_poll,
};

struct port_kind kind_xdp_native_jumbo = {
    VETH_KIND,     .name = "xdp-native-jumbo",         .queues = 1,
    .jumbo = true, .wrong_name = "xdp:lt-port,mtu=67", .set_up = set_up_native_jumbo,
};

struct port_kind kind_xdp_generic_jumbo = {
    VETH_KIND,
    .name = "xdp-generic-jumbo",
    .queues = 1,
    .jumbo = true,
    .wrong_name = "xdp:lt-port,frame-size=2047",
    .set_up = set_up_generic_jumbo,
};

struct port_kind kind_xdp_one_queue = {
    VETH_KIND,
    .name = "xdp-one-queue",
    .queues = 1,
    .wrong_name = "xdp:lt-port@1",
    .set_up = set_up_one_queue,
};

struct port_kind kind_xdp_tap = {
    XDP_KIND,
    .name = "xdp-tap",
    .queues = 1,
    .alone = true,
    .wrong_name = "xdp:lt-port,rings=100",
    .probe = probe_tap,
    .set_up = set_up_tap,
    .tear_down = tear_down_tap,
    .bring = bring_tap,
    .collect = collect_tap,
};

struct port_kind kind_xdp_zerocopy = {
    ZEROCOPY_KIND,
    .name = "xdp-zerocopy",
    .queues = 1,
    .wrong_name = "xdp:",
};

struct port_kind kind_xdp_zerocopy_2q = {
    ZEROCOPY_KIND,
    .name = "xdp-zerocopy-2q",
    .queues = 2,
    .wrong_name = "xdp:,queues=2",
};
