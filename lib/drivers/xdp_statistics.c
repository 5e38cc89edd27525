/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel counts of an AF_XDP socket (XDP_STATISTICS), each loss once.
 *
 * As net/xdp/xsk.c counts, in 6.1 and in 6.18 alike:
 *   rx_dropped      copy mode: frames that found no buffer, and those that are too long for one
 *                   (__xsk_rcv(), since 6.6 xsk_rcv_check()); zero-copy: the latter
 *   rx_fill_ring_empty_descs  times that the fill ring was found empty (__xp_alloc()). In copy mode
 *                   each is a frame that rx_dropped has counted too; a zero-copy driver refills its
 *                   descriptors ahead, and loses nothing yet
 *   rx_ring_full    frames, apart from rx_dropped
 *   rx_invalid_descs  nothing: the counter of a ring that the kernel does not read
 *   tx_invalid_descs  descriptors that were skipped and never complete
 *   tx_ring_empty_descs  times that there was nothing to send: no loss
 */
#include "xdp_socket.h"
#include <errno.h>
#include <string.h>

static int read_statistics(const struct xdp_queue *q, struct xdp_statistics *kernel) {
    socklen_t bytes = sizeof(*kernel);
    *kernel = (struct xdp_statistics){ 0 };
    if (q->fd < 0 || getsockopt(q->fd, SOL_XDP, XDP_STATISTICS, kernel, &bytes) == 0)
        return 0;
    return leat_fail(errno, "%s: queue %u: cannot read XDP_STATISTICS: %s", q->opts.name,
                     q->opts.queue, strerror(errno));
}

int xdp_socket_stats(struct xdp_queue *q, struct leat_stats *stats) {
    struct xdp_statistics kernel;
    int err = read_statistics(q, &kernel);
    uint64_t empty = kernel.rx_fill_ring_empty_descs;
    uint64_t no_buffer = empty < kernel.rx_dropped ? empty : kernel.rx_dropped;
    if (q->zerocopy)
        no_buffer = 0;
    stats->drops[LEAT_DROP_RX_MISSED] += kernel.rx_ring_full;
    stats->drops[LEAT_DROP_RX_NO_BUFFER] += no_buffer;
    stats->drops[LEAT_DROP_RX_LENGTH] += kernel.rx_dropped - no_buffer;
    stats->drops[LEAT_DROP_RX_BAD_DESCRIPTOR] += kernel.rx_invalid_descs;
    stats->drops[LEAT_DROP_TX_REFUSED] += kernel.tx_invalid_descs;
    return err;
}

void xdp_socket_counters(struct xdp_queue *q, struct leat_counter counters[XDP_SOCKET_COUNTERS]) {
    struct xdp_statistics kernel;
    read_statistics(q, &kernel);
    counters[0] = (struct leat_counter){ "rx_dropped", kernel.rx_dropped };
    counters[1] = (struct leat_counter){ "rx_invalid_descs", kernel.rx_invalid_descs };
    counters[2] = (struct leat_counter){ "tx_invalid_descs", kernel.tx_invalid_descs };
    counters[3] = (struct leat_counter){ "rx_ring_full", kernel.rx_ring_full };
    counters[4] =
        (struct leat_counter){ "rx_fill_ring_empty_descs", kernel.rx_fill_ring_empty_descs };
    counters[5] = (struct leat_counter){ "tx_ring_empty_descs", kernel.tx_ring_empty_descs };
}
