/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SCTP (RFC 7011, 10.2): one association, all messages on stream 0, reliable and in order, so that
 * templates are there before what they describe (RFC 7011, 8.1). What the kernel has taken it
 * delivers, or the association breaks; what was on its way then is not known.
 */
#include "transport_kind.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/sctp.h>

static void prepare(struct leat_transport *transport) {
    /* As many streams as are used; a collector may open more than it needs. */
    const struct sctp_initmsg streams = { .sinit_num_ostreams = 1, .sinit_max_instreams = 1 };
    setsockopt(transport->fd, IPPROTO_SCTP, SCTP_INITMSG, &streams, sizeof(streams));
}

static ssize_t write_message(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    /* A one-to-one socket without SCTP_UNORDERED or a lifetime: stream 0, ordered, reliable. */
    ssize_t sent = leat_socket_write(transport, bytes, n);
    if (sent >= 0 && (uint32_t)sent < n)
        return leat_transport_because(transport, EMSGSIZE, "it took %zd of %u octets", sent, n);
    return sent;
}

const struct leat_transport_ops leat_transport_sctp = {
    .socket_type = SOCK_STREAM,
    .protocol = IPPROTO_SCTP,
    .prepare = prepare,
    .write = write_message,
    .read = leat_socket_read,
};
