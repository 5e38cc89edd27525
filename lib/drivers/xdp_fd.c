/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp-fd: an interface that this process has no privilege to open: a server that has it
 * (xdp_server.c) makes the sockets of our pool, and we bind them. From there on it is an xdp: port,
 * but for what only the server may: the settings of the interface, and the program on it.
 */
#include "xdp.h"
#include "xdp_message.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 10   /* with the server's answer */
#define LOOK_EVERY 1024 /* calls in vain, until we look whether the server is there */

struct xdp_fd_port {
    struct xdp_port xdp; /* first: what xdp_control.c takes it for */
    int server;
};

struct xdp_fd_queue {
    struct xdp_queue xdp; /* first */
    uint32_t in_vain;
};

static int server_gone(const struct leat_port *port) {
    return leat_fail(ENODEV, "%s: the server has ended, and gave the interface back to the kernel",
                     port->name);
}

/* `fd` is sent along (-1: none); `received` gets what comes with the answer (NULL: nothing does).
 */
static int ask(struct leat_port *port, struct xdp_request *request, int fd,
               struct xdp_answer *answer, int *received) {
    const struct xdp_fd_port *self = port->data;
    int came = -1;
    request->head.magic = XDP_MESSAGE_MAGIC;
    request->head.version = XDP_MESSAGE_VERSION;
    if (xdp_message_send(self->server, request, sizeof(*request), fd) < 0)
        return server_gone(port);
    int got = xdp_message_receive(self->server, answer, sizeof(*answer), &came);
    if (got == -EAGAIN)
        return leat_fail(ETIMEDOUT, "%s: the server has not answered for %d s", port->name,
                         PATIENCE_S);
    if (got == 0 || got == -ECONNRESET)
        return server_gone(port);
    int err = xdp_answer_check(answer, got < 0 ? 0 : (uint32_t)got, request->head.kind);
    if (err == 0 && received && came < 0)
        err = leat_fail(EPROTO, "the server's answer came without a socket");
    if (err == 0 && received)
        *received = came;
    else if (came >= 0)
        close(came);
    return err < 0 ? leat_fail_in(err, port->name) : 0;
}

static int look_for_server(const struct leat_port *port) {
    const struct xdp_fd_port *self = port->data;
    char byte;
    ssize_t got = recv(self->server, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ? server_gone(port) : 0;
}

/* A program that polls learns that the server is gone, too: its frames just do not come any more.
 */
static int look_sometimes(struct leat_queue *queue, int done) {
    struct xdp_fd_queue *q = (struct xdp_fd_queue *)queue;
    if (done != 0 || ++q->in_vain % LOOK_EVERY)
        return done;
    return look_for_server(queue->port);
}

static int xdp_fd_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    return look_sometimes(queue, xdp_rx(queue, pkts, n));
}

static int xdp_fd_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    return look_sometimes(queue, xdp_tx(queue, pkts, n));
}

static int xdp_fd_queue_arm(struct leat_queue *queue) {
    int err = look_for_server(queue->port);
    return err < 0 ? err : xdp_queue_arm(queue);
}

static int xdp_fd_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                              struct leat_queue **public) {
    struct xdp_fd_port *self = port->data;
    struct xdp_queue *queue = self->xdp.queues[index];
    struct xdp_request request = { .head.kind = XDP_MESSAGE_START, .queue = queue->opts.queue };
    struct xdp_answer answer;
    int err = xdp_socket_start(queue, port, cache);
    if (err < 0)
        return err;
    queue->head.public.index = index;
    queue->head.public.rx = xdp_fd_rx;
    queue->head.public.tx = xdp_fd_tx;
    err = ask(port, &request, -1, &answer, NULL);
    if (err == 0)
        *public = &queue->head.public;
    return err;
}

/* The frames go to the kernel again before their sockets are closed. */
static void xdp_fd_close(struct leat_port *port) {
    struct xdp_fd_port *self = port->data;
    struct xdp_request request = { .head.kind = XDP_MESSAGE_CLOSE };
    struct xdp_answer answer;
    if (self->server >= 0)
        ask(port, &request, -1, &answer, NULL);
    for (uint32_t i = LEAT_QUEUES_MAX; i-- > 0;) {
        if (!self->xdp.queues[i])
            continue;
        xdp_socket_close(self->xdp.queues[i], &port->lost);
        free(self->xdp.queues[i]);
    }
    if (self->server >= 0)
        close(self->server);
    free(self);
}

static void take_facts(struct xdp_fd_port *self, const struct xdp_answer *answer) {
    struct leat_netdev *netdev = &self->xdp.netdev;
    netdev->index = answer->ifindex;
    netdev->mtu = answer->mtu;
    netdev->up = netdev->carrier = answer->up;
    netdev->speed_mbps = answer->speed_mbps;
    netdev->features_known = answer->features_known;
    netdev->xdp_features = answer->xdp_features;
    netdev->xsk_features = answer->xsk_features;
    netdev->zerocopy_segments_max = answer->zerocopy_segments_max;
    memcpy(netdev->mac, answer->mac, sizeof(netdev->mac));
    memcpy(netdev->driver, answer->driver, sizeof(netdev->driver));
}

static int xdp_fd_link(struct leat_port *port, struct leat_link *link) {
    struct xdp_fd_port *self = port->data;
    struct xdp_request request = { .head.kind = XDP_MESSAGE_LINK };
    struct xdp_answer answer;
    int err = ask(port, &request, -1, &answer, NULL);
    if (err < 0)
        return err;
    take_facts(self, &answer);
    link->up = answer.up;
    link->speed_mbps = answer.speed_mbps;
    return 0;
}

static const struct leat_port_ops xdp_fd_ops = {
    .queue_start = xdp_fd_queue_start,
    .close = xdp_fd_close,
    .caps = xdp_caps,
    .link = xdp_fd_link,
    .stats = xdp_stats,
    .counters = xdp_counters,
    .queue_sent = xdp_sent,
    .queue_fd = xdp_queue_fd,
    .queue_arm = xdp_fd_queue_arm,
    .queue_disarm = xdp_queue_disarm,
};

/* "SOCKET/eth0@3": cuts the socket's path off the address, which xdp_read_options() then reads. */
static int connect_server(struct leat_port *port, struct xdp_fd_port *self) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    char *slash = strrchr(port->address, '/');
    size_t length = slash ? (size_t)(slash - port->address) : 0;
    if (length == 0 || length >= sizeof(address.sun_path))
        return leat_fail(EINVAL,
                         "%s: the address is a server's socket, a slash and an interface, as in "
                         "xdp-fd:/run/leat-xdp.sock/eth0",
                         port->name);
    memcpy(address.sun_path, port->address, length);
    port->address = slash + 1;
    self->server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (self->server < 0 ||
        setsockopt(self->server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
        return leat_fail(errno, "%s: cannot open a socket: %s", port->name, strerror(errno));
    if (connect(self->server, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    return leat_fail(errno, "%s: cannot reach a server at %s: %s%s", port->name, address.sun_path,
                     strerror(errno),
                     errno == EACCES ? "; its file's permissions say who may connect"
                                     : "; is 'leat xdp serve' running there?");
}

/* What only the server may do for us is refused. */
static int check_options(const struct leat_port *port, const struct xdp_port_options *options) {
    const char *option = options->mtu                           ? "mtu"
                         : port->opts.rss == LEAT_RSS_SYMMETRIC ? "rss"
                         : options->stage.dispatcher            ? "attach"
                         : options->force                       ? "force"
                                                                : NULL;
    if (!option)
        return 0;
    return leat_fail(ENOTSUP, "%s: option '%s' is for whoever runs the server, not for its users",
                     port->name, option);
}

static int open_interface(struct leat_port *port, struct xdp_fd_port *self) {
    const struct xdp_port_options *options = &self->xdp.options;
    struct xdp_request request = {
        .head.kind = XDP_MESSAGE_OPEN,
        .queue = options->one_queue ? options->first_queue : XDP_MESSAGE_ANY,
        .queues = options->one_queue   ? 1
                  : port->queues_given ? port->opts.queues
                                       : 0,
        .pool_bytes = port->pool->bytes,
        .stride = port->pool->stride,
        .attach = options->stage.mode,
        .promisc = port->opts.promisc,
        .rx_metadata = options->stage.metadata,
        .wait = options->socket.wait,
    };
    struct xdp_answer answer = { 0 };
    const char *match = options->stage.match ? options->stage.match : "";
    if (strlen(match) >= sizeof(request.match))
        return leat_fail(E2BIG, "%s: match= has %zu characters at most", port->name,
                         sizeof(request.match) - 1);
    strcpy(request.match, match);
    strcpy(request.interface, options->interface);
    int err = ask(port, &request, leat_pool_fd(port->pool), &answer, NULL);
    if (err < 0)
        return err;
    if (answer.queues == 0 || answer.queues > LEAT_QUEUES_MAX)
        return leat_fail(EPROTO, "%s: the server gives %u queues", port->name, answer.queues);
    take_facts(self, &answer);
    strcpy(self->xdp.netdev.name, options->interface);
    self->xdp.options.first_queue = answer.queue;
    self->xdp.mode = (enum leat_xdp_mode)answer.attach;
    self->xdp.rx_metadata = answer.rx_metadata;
    self->xdp.netdev.promisc = port->opts.promisc;
    port->opts.queues = answer.queues;
    return 0;
}

static int get_socket(struct leat_port *port, const struct xdp_socket_opts *opts, int *fd) {
    struct xdp_request request = {
        .head.kind = XDP_MESSAGE_SOCKET,
        .queue = opts->queue,
        .wait = opts->wait,
        .zerocopy = opts->zerocopy,
        .need_wakeup = opts->need_wakeup,
        .segments = opts->segments,
        .frame_bytes = opts->frame_bytes,
        .frame_max = opts->frame_max,
        .rx_ring = opts->rx_ring,
        .tx_ring = opts->tx_ring,
        .rx_metadata = opts->rx_metadata,
        .tx_metadata = opts->tx_metadata,
    };
    struct xdp_answer answer;
    return ask(port, &request, -1, &answer, fd);
}

static int open_socket(struct leat_port *port, struct xdp_port *xdp, uint32_t index) {
    struct xdp_fd_queue *queue = calloc(1, sizeof(*queue));
    struct xdp_socket_opts opts = xdp->options.socket;
    int fd = -1;
    opts.queue = xdp->options.first_queue + index;
    int err = queue ? get_socket(port, &opts, &fd)
                    : leat_fail(ENOMEM, "%s: no memory for queue %u", port->name, index);
    if (err == 0)
        err = xdp_socket_adopt(&queue->xdp, fd, port->pool, &opts);
    if (err < 0) {
        if (fd >= 0)
            close(fd);
        free(queue);
        return err;
    }
    xdp->queues[index] = &queue->xdp;
    err = xdp_socket_map(&queue->xdp);
    return err < 0 ? err : xdp_socket_bind(&queue->xdp);
}

static int xdp_fd_open(struct leat_port *port) {
    struct xdp_fd_port *self = calloc(1, sizeof(*self));
    if (!self)
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    self->server = -1;
    port->data = self;
    port->ops = &xdp_fd_ops;
    int err = connect_server(port, self);
    if (err == 0)
        err = xdp_read_options(port, &self->xdp.options);
    if (err == 0)
        err = check_options(port, &self->xdp.options);
    if (err == 0)
        err = open_interface(port, self);
    if (err == 0)
        err = xdp_check_driver(port, &self->xdp);
    if (err == 0)
        xdp_size_frames(port, &self->xdp);
    for (uint32_t i = 0; err == 0 && i < port->opts.queues; i++)
        err = open_socket(port, &self->xdp, i);
    char warning[XDP_WARNING_BYTES];
    if (err == 0 && xdp_warning(&self->xdp.netdev, warning))
        leat_log(LEAT_LOG_NOTICE, "%s: %s", port->name, warning);
    return err;
}

const struct leat_driver leat_xdp_fd_driver = {
    .scheme = "xdp-fd",
    .summary = "an interface that 'leat xdp serve' opens for programs without privilege",
    .open = xdp_fd_open,
};
