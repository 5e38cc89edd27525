/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_XDP sockets: what their beginning and end have in common. */
#ifndef LEAT_DRIVERS_XDP_BIND_H
#define LEAT_DRIVERS_XDP_BIND_H

#include "xdp_socket.h"

/* Binds `fd` to the queue, waiting a second at most for an earlier socket's end: 0 or an errno. */
int xdp_bind_patiently(int fd, const struct xdp_socket_opts *opts, uint32_t flags);

/* What frames the queue can send: known once it is bound. */
void xdp_set_limits(struct xdp_queue *queue);

void xdp_unmap_rings(struct xdp_queue *queue);

#endif
