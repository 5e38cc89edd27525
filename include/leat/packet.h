/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet: 16 bytes, passed by value in arrays. The frame itself lies in a buffer of a pool:
 *
 *   buffer start            +64                 +256                               +2368
 *   | struct leat_meta (64) | head room (192)   | data: frame as on the wire ...        |
 *   ^ only with META                            ^ pkt.data of a frame just received
 *
 * A program may move `data` and change `len` inside its buffer (to pull or push headers).
 */
#ifndef LEAT_PACKET_H
#define LEAT_PACKET_H

#include <stdint.h>

struct leat_pkt {
    uint8_t *data;  /* first byte of the frame in this buffer */
    uint16_t len;   /* bytes in this buffer, without frame check sequence */
    uint16_t flags; /* LEAT_PKT_* */
    union {
        uint32_t hash;    /* with HASH: what the port hashed the flow to (Toeplitz on NICs) */
        uint32_t offload; /* with IP_CSUM, L4_CSUM or TSO: leat_offload() */
    };
};

_Static_assert(sizeof(struct leat_pkt) == 16, "four packets a cache line");

/*
 * Received and requested are different bits: a packet that is received and forwarded as it is never
 * asks for an offload by accident. The exception is a frame whose checksum its sender left to be
 * completed (a tap, a virtual machine): it arrives with L4_CSUM set, and the port that sends it
 * completes it, by offload or in software, or drops it as LEAT_DROP_TX_OFFLOAD.
 */
enum {
    LEAT_PKT_MORE = 1 << 0, /* the next packet of the array continues this frame */
    LEAT_PKT_META = 1 << 1, /* the buffer's struct leat_meta is valid */

    /* Received: what the port found out. */
    LEAT_PKT_HASH = 1 << 2,     /* `hash` is valid */
    LEAT_PKT_IP_OK = 1 << 3,    /* the IPv4 header checksum was checked and is right */
    LEAT_PKT_L4_OK = 1 << 4,    /* the TCP, UDP or SCTP checksum was checked and is right */
    LEAT_PKT_CSUM_BAD = 1 << 5, /* one of them was checked and is wrong */

    /* Requested: what the sending port shall do. */
    LEAT_PKT_IP_CSUM = 1 << 6, /* write the IPv4 header checksum */
    LEAT_PKT_L4_CSUM = 1 << 7, /* complete the checksum; its field holds the pseudo header's sum */
    LEAT_PKT_TSO = 1 << 8,     /* cut into segments of offload.mss payload bytes; TCP or UDP */
    LEAT_PKT_IPV6 = 1 << 9,    /* of the headers that a request speaks of; else IPv4 */
    LEAT_PKT_L4_TCP = 1 << 10,
    LEAT_PKT_L4_UDP = 2 << 10,
    LEAT_PKT_L4_SCTP = 3 << 10,
    LEAT_PKT_L4_MASK = 3 << 10,

    /* What META holds. */
    LEAT_PKT_VLAN = 1 << 12,   /* tags that belong to the frame but are not in its bytes */
    LEAT_PKT_TIME = 1 << 13,   /* when it was received */
    LEAT_PKT_LAUNCH = 1 << 14, /* when it shall be sent */
    LEAT_PKT_SENT = 1 << 15,   /* `mark`: tell when it was sent (leat_queue_sent()) */

    LEAT_PKT_REQUESTS = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM | LEAT_PKT_TSO,
    LEAT_PKT_FROM_META = LEAT_PKT_VLAN | LEAT_PKT_LAUNCH |
                         LEAT_PKT_SENT, /* what the sender has to take from there */
};

/* Lies at the start of the packet's buffer (leat_pkt_meta() in pool.h); of a frame of several
 * buffers, in the first one. Times are in nanoseconds of CLOCK_REALTIME unless the port's
 * capabilities say that they are of the device's own clock. */
struct leat_meta {
    uint64_t time_ns;       /* with TIME */
    uint64_t launch_ns;     /* with LAUNCH */
    uint16_t vlan_tci[2];   /* with VLAN: priority, DEI and VLAN id; outermost tag first */
    uint16_t vlan_proto[2]; /* their ether types (0x8100, 0x88a8), host order; 0: no such tag */
    uint32_t hash;          /* with HASH, where `offload` took its place in the packet */
    uint32_t mark;          /* free for the program; ports carry it where they can (skb mark) */
    uint16_t in_port;       /* leat_port_index() of the port that received it */
    uint16_t in_queue;
    uint8_t outer_l2_len; /* of a tunnel's outer headers, bytes; 0: not a tunnel */
    uint8_t outer_l4_len; /* UDP and the tunnel's own header, or GRE */
    uint16_t outer_l3_len;
    uint32_t wire_len;    /* of a frame that a capture has only the beginning of; else 0 */
    uint8_t reserved[20]; /* zero */
};

_Static_assert(sizeof(struct leat_meta) == 64, "one cache line");

/* Lengths for the requests: of the link header with tags (up to 127), of the network header with
 * options or extension headers (up to 511), and of a segment's payload (0 without TSO). The layout
 * is that of the 82599's context descriptor and of virtio's csum_start. */
static inline uint32_t leat_offload(uint32_t l2_len, uint32_t l3_len, uint32_t mss) {
    return (l2_len & 0x7f) | (l3_len & 0x1ff) << 7 | mss << 16;
}

static inline uint32_t leat_offload_l2_len(uint32_t offload) {
    return offload & 0x7f;
}

static inline uint32_t leat_offload_l3_len(uint32_t offload) {
    return offload >> 7 & 0x1ff;
}

static inline uint32_t leat_offload_mss(uint32_t offload) {
    return offload >> 16;
}

/* How many of the `n` packets the first frame takes, or 0 when its end is not among them. */
static inline uint32_t leat_frame_segments(const struct leat_pkt *pkts, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!(pkts[i].flags & LEAT_PKT_MORE))
            return i + 1;
    return 0;
}

#endif
