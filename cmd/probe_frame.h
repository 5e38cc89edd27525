/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe frames (docs/probe-frames.md): made by `leat gen`, judged by `leat recv`. */
#ifndef CMD_PROBE_FRAME_H
#define CMD_PROBE_FRAME_H

#include <leat/packet.h>
#include <stdbool.h>
#include <stdint.h>

#define PROBE_FCS           4 /* bytes of a frame's size that are not in its buffer */
#define PROBE_SEQUENCE_BITS 48

struct probe_flow {
    uint8_t dst_mac[6], src_mac[6];
    bool tagged, ipv6;
    uint16_t vlan;            /* VLAN id, when tagged */
    uint8_t src[16], dst[16]; /* of IPv4 the first four bytes */
    uint16_t sport, dport;
};

struct probe {
    uint16_t stream;
    uint64_t sequence;
    uint64_t time_ns; /* 0: not stamped */
};

/* Bytes of the shortest probe frame of a flow, without frame check sequence. */
uint32_t probe_bytes_min(const struct probe_flow *flow);

/* Writes a whole frame of `bytes` bytes, at least probe_bytes_min(). */
void probe_make(uint8_t *frame, uint32_t bytes, const struct probe_flow *flow,
                const struct probe *probe);

enum probe_verdict {
    PROBE_OTHER,   /* not a probe frame */
    PROBE_GOOD,    /* all that can be checked is as it was made */
    PROBE_ALTERED, /* a probe frame, but length, filling or a checksum is wrong */
};

/* Judges one frame of `n` buffers, with the probe in the first, and reads it unless OTHER. */
enum probe_verdict probe_read(const struct leat_pkt *pkts, uint32_t n, struct probe *probe);

#endif
