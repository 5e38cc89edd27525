/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program may say to a server of AF_XDP sockets, and a server to a program: what passes the
 * checks is within its bounds, over a real socket and with descriptors that nobody asked for. */
#include "lib/bpf/stage.h"
#include "lib/drivers/xdp_match.h"
#include "lib/drivers/xdp_message.h"
#include "lib/drivers/xdp_socket.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds) {
    if (!holds)
        abort();
}

static void take_request(const struct xdp_request *request, uint32_t bytes) {
    char match[2 * XDP_MESSAGE_TEXT];
    if (xdp_request_check(request, bytes) < 0)
        return;
    require(bytes == sizeof(*request));
    if (request->head.kind == XDP_MESSAGE_OPEN) {
        require(strlen(request->interface) < IFNAMSIZ && strlen(request->match) < XDP_MESSAGE_TEXT);
        require(request->queues <= LEAT_QUEUES_MAX && request->attach <= LEAT_XDP_GENERIC);
        if (xdp_match_join(match, sizeof(match), "udp", request->match) == 0)
            require(strncmp(match, "(udp) and (", 11) == 0 || strcmp(match, "udp") == 0);
    }
    if (request->head.kind == XDP_MESSAGE_SOCKET)
        require(request->rx_ring <= XDP_RING_MAX && request->tx_ring <= XDP_RING_MAX &&
                request->wait <= XDP_WAIT_BUSY_POLL && request->segments <= 1);
}

static void take_answer(const struct xdp_answer *answer, uint32_t bytes) {
    if (xdp_answer_check(answer, bytes, XDP_MESSAGE_OPEN) < 0)
        return;
    require(bytes == sizeof(*answer) && answer->error == 0);
    require(strlen(answer->driver) < sizeof(answer->driver));
}

/* The first byte says how many descriptors travel along, and whether the head is made right. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    union {
        struct xdp_request request;
        struct xdp_answer answer;
        uint8_t bytes[4096];
    } message = { 0 };
    int sockets[2], fd;
    if (bytes == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return 0;
    uint8_t how = *data++;
    size_t length = --bytes < sizeof(message) ? bytes : sizeof(message);
    memcpy(&message, data, length);
    if (how & 0x80) {
        message.request.head.magic = XDP_MESSAGE_MAGIC;
        message.request.head.version = XDP_MESSAGE_VERSION;
        length = how & 0x40 ? sizeof(message.request) : sizeof(message.answer);
    }
    require(xdp_message_send(sockets[0], &message, (uint32_t)length, how & 1 ? sockets[0] : -1) ==
            0);
    int got = xdp_message_receive(
        sockets[1], &message, how & 0x40 ? sizeof(message.request) : sizeof(message.answer), &fd);
    require((fd >= 0) == (how & 1));
    if (fd >= 0)
        close(fd);
    if (got > 0 && how & 0x40)
        take_request(&message.request, (uint32_t)got);
    else if (got > 0)
        take_answer(&message.answer, (uint32_t)got);
    close(sockets[0]);
    close(sockets[1]);
    return 0;
}
