/* SPDX-License-Identifier: BSD-2-Clause */
/* tap: the far end is a packet socket on the interface, in a network namespace of this process. */
#include "far_socket.h"
#include "rig.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void probe(struct port_kind *kind) {
    kind->unavailable = far_namespace();
    int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0)
        kind->unavailable = "cannot open /dev/net/tun";
    else
        close(tun);
}

static void set_up(struct rig *rig) {
    strcpy(rig->name, "tap:lt-port");
}

static void set_up_jumbo(struct rig *rig) {
    strcpy(rig->name, "tap:lt-port,mtu=9000");
}

/* The interface is there only as long as the port is open. */
static void opened(struct rig *rig) {
    (void)rig;
    far_socket_open("lt-port");
}

static void closed(struct rig *rig) {
    (void)rig;
    far_socket_close();
}

/* What all taps have in common. */
#define TAP_KIND                                                                                 \
    .rx = true, .tx = true, .live = true, .collects = true, .probe = probe, .tear_down = closed, \
    .opened = opened, .closed = closed, .bring = far_socket_bring, .collect = far_socket_collect

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
