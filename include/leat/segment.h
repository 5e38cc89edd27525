/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segmentation in software: what LEAT_PKT_TSO asks of a port whose device cannot.
 *
 *   | headers | payload ...                                   |   one frame of one or more buffers
 *   | headers | mss bytes |  | headers | mss bytes | ... | headers | rest |
 *
 * The caller provides the buffers, so that this knows no pool:
 *
 *   int count = leat_segment_count(frame, n, room);
 *   if (count > 0 && leat_alloc(cache, out, count) == (uint32_t)count)
 *       leat_segment(frame, n, out, count, room, 0);
 */
#ifndef LEAT_SEGMENT_H
#define LEAT_SEGMENT_H

#include <leat/packet.h>
#include <stdint.h>

enum {
    /* Leave the checksums to the sending port: each segment requests LEAT_PKT_L4_CSUM and, with
     * IPv4, LEAT_PKT_IP_CSUM. Otherwise they are computed. */
    LEAT_SEGMENT_REQUEST_CHECKSUMS = 1 << 0,
};

/* How many buffers of `room` bytes the segments of a frame take. The frame's first packet has
 * LEAT_PKT_TSO, its L4 type and IPV6, and leat_offload() lengths with an mss; all its headers lie
 * in the first buffer. -EINVAL: the request contradicts the headers (an mss of 0, wrong lengths or
 * protocol, a fragment, an IP length beyond the frame); -EMSGSIZE: the headers do not fit into
 * `room`, or the frame is not whole among the `n` packets. */
int leat_segment_count(const struct leat_pkt *frame, uint32_t n, uint32_t room);

/* Writes the frame's segments into the buffers of `out`, of `room` bytes from `data` on; sets their
 * `len`, `flags` (MORE within a segment) and `offload`. The frame stays as it is, and its owner's.
 *
 * Each segment has the frame's headers with these changes: IPv4 total length and an identification
 * counted up, or IPv6 payload length; TCP sequence number, FIN and PSH only in the last segment,
 * CWR only in the first (RFC 3168, 6.1.2); UDP length; checksums. Bytes behind the IP datagram are
 * left out. Metadata is not carried along: there is no META in the flags.
 *
 * Returns how many packets of `out` are used; -ENOBUFS: `count` is less than
 * leat_segment_count(), whose errors are this function's too. Nothing is written on an error. */
int leat_segment(const struct leat_pkt *frame, uint32_t n, struct leat_pkt *out, uint32_t count,
                 uint32_t room, uint32_t options);

#endif
