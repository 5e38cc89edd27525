/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet socket as a port's far end. */
#include "far_socket.h"
#include "rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int far = -1;

const char *far_namespace(void) {
    static const char no_ip6[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if (unshare(CLONE_NEWNET) < 0)
        return "cannot make a network namespace; it takes root";
    int fd = open(no_ip6, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) { /* else there is no IPv6 to keep quiet */
        assert_int_equal(write(fd, "1", 1), 1);
        close(fd);
    }
    return NULL;
}

void far_socket_open(const char *interface) {
    int buffer_bytes = 16 << 20;
    far = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    assert_true(far >= 0);
    setsockopt(far, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
    setsockopt(far, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(interface),
    };
    assert_true(address.sll_ifindex > 0);
    assert_int_equal(bind(far, (struct sockaddr *)&address, sizeof(address)), 0);
}

void far_socket_close(void) {
    if (far >= 0)
        close(far);
    far = -1;
}

const char *far_veth_namespace(void) {
    if (system("ip -V >/dev/null 2>&1") != 0)
        return "there is no 'ip' to make interfaces with";
    return far_namespace();
}

static void run(const char *command) {
    if (system(command) != 0)
        fail_msg("%s", command);
}

void far_veth_open(uint32_t queues, uint32_t mtu) {
    char command[256];
    snprintf(command, sizeof(command),
             "ip link add lt-port mtu %u numrxqueues %u numtxqueues %u type veth "
             "peer name lt-far mtu %u numrxqueues %u numtxqueues %u",
             mtu, queues, queues, mtu, queues, queues);
    run(command);
    run("ip link set lt-port up && ip link set lt-far up");
    far_socket_open("lt-far");
}

void far_veth_close(void) {
    far_socket_close();
    run("ip link del lt-port");
}

void far_socket_bring(struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    (void)rig;
    assert_int_equal(send(far, frame, bytes, 0), bytes);
}

uint32_t far_socket_collect(struct rig *rig, uint8_t *frame) {
    struct sockaddr_ll from;
    socklen_t from_bytes = sizeof(from);
    ssize_t got = recvfrom(far, frame, RIG_FRAME_MAX, 0, (struct sockaddr *)&from, &from_bytes);
    if (got < 0) {
        assert_true(errno == EAGAIN || errno == ENETDOWN);
        return 0;
    }
    return from.sll_pkttype == PACKET_OUTGOING ? far_socket_collect(rig, frame) : (uint32_t)got;
}
