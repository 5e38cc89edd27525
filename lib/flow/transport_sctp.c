/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SCTP (RFC 7011, 10.2): one association, a message of IPFIX a message of SCTP, all of them on
 * stream 0, reliable and in order, so that templates are there before what they describe (RFC
 * 7011, 8.1). As with TCP a message is kept until the other host has acknowledged it.
 */
#include "transport_kind.h"
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/sctp.h>

/* As many streams as are used; a collector may open more than it needs. A message does not wait
 * for company until the one before it is acknowledged. A host that vanished is noticed in a minute
 * or two: RFC 9260, 8.1 and 8.3, would wait for five of them and more. */
static void prepare(struct leat_transport *transport) {
    static const int buffer = 256 << 10; /* the buffer here is the one that counts */
    static const int at_once = 1;
    const struct sctp_initmsg streams = { .sinit_num_ostreams = 1, .sinit_max_instreams = 1 };
    const struct sctp_assocparams patience = { .sasoc_asocmaxrxt = 5 };
    const struct sctp_paddrparams heartbeat = { .spp_hbinterval = 10000,
                                                .spp_flags = SPP_HB_ENABLE };
    setsockopt(transport->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
    setsockopt(transport->fd, IPPROTO_SCTP, SCTP_INITMSG, &streams, sizeof(streams));
    setsockopt(transport->fd, IPPROTO_SCTP, SCTP_NODELAY, &at_once, sizeof(at_once));
    setsockopt(transport->fd, IPPROTO_SCTP, SCTP_ASSOCINFO, &patience, sizeof(patience));
    setsockopt(transport->fd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &heartbeat, sizeof(heartbeat));
}

/* The first message of those: what is sent at once arrives as one. Without SCTP_UNORDERED or a
 * lifetime it goes to stream 0, ordered, reliable; all of it or nothing is taken. */
static ssize_t write_message(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    const uint32_t length = leat_message_length(bytes);
    const ssize_t sent = leat_socket_write(transport, bytes, length < n ? length : n);
    if (sent > 0)
        leat_stream_wrote(transport->stream, (uint32_t)sent);
    return sent;
}

/* No call tells which messages were acknowledged, but the memory that a socket's messages take is
 * freed then, and is more than their octets. It is freed, too, when the association ends: what is
 * read here counts if there is one afterwards. */
static int queued(const struct leat_transport *transport) {
    uint32_t memory[SK_MEMINFO_VARS];
    struct sctp_status status = { 0 };
    socklen_t memory_n = sizeof(memory), status_n = sizeof(status);
    if (getsockopt(transport->fd, SOL_SOCKET, SO_MEMINFO, memory, &memory_n) < 0 ||
        getsockopt(transport->fd, IPPROTO_SCTP, SCTP_STATUS, &status, &status_n) < 0)
        return -errno;
    return status.sstat_state >= SCTP_ESTABLISHED ? (int)memory[SK_MEMINFO_WMEM_QUEUED] : -ENOTCONN;
}

const struct leat_transport_ops leat_transport_sctp = {
    .socket_type = SOCK_STREAM,
    .protocol = IPPROTO_SCTP,
    .open = leat_stream_open,
    .close = leat_stream_close,
    .prepare = prepare,
    .write = write_message,
    .read = leat_socket_read,
    .queued = queued,
};
