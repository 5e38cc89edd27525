/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for the tests of the flow meter, put together layer by layer. */
#ifndef TESTS_UNIT_FLOW_FRAMES_H
#define TESTS_UNIT_FLOW_FRAMES_H

#include <stdint.h>

#define FLOW_FRAME_MAX 1024

struct flow_frame {
    uint32_t len;
    uint8_t bytes[FLOW_FRAME_MAX];
    struct {
        uint32_t at, from;
        int32_t add;
    } lengths[16]; /* 16-bit fields that hold the bytes behind `from`, plus `add` */
    uint32_t length_count;
};

/* A good frame, and what has to come of it with tunnels=inner. */
struct flow_case {
    const char *name;
    void (*build)(struct flow_frame *frame);
    uint8_t version, protocol;
    uint16_t source, destination; /* ports */
    uint16_t octets, payload_bytes;
    uint8_t tunnel, vlans, labels;
    uint32_t tunnel_id;
    uint16_t pppoe;
};

const struct flow_case *flow_cases(uint32_t *count);
const struct flow_case *flow_case_named(const char *name);
void flow_build(const struct flow_case *which, struct flow_frame *frame);

/* Layers. */
void flow_start(struct flow_frame *frame);
void flow_finish(struct flow_frame *frame); /* fills in the lengths */
void flow_hex(struct flow_frame *frame, const char *hex);
void flow_ethernet(struct flow_frame *frame, uint16_t type);
void flow_tag(struct flow_frame *frame, uint16_t tci, uint16_t next_type);
/* 10.0.0.1 to 10.0.0.2, or the other way round. `options` in hex, a multiple of four bytes. */
void flow_ip4(struct flow_frame *frame, uint8_t protocol, uint16_t fragment, const char *options,
              int back);
void flow_ip6(struct flow_frame *frame, uint8_t next, int back); /* 2001:db8::1 to ::2 */
void flow_udp(struct flow_frame *frame, uint16_t source, uint16_t destination);
void flow_tcp(struct flow_frame *frame, uint16_t source, uint16_t destination, uint8_t flags,
              const char *options);
void flow_payload(struct flow_frame *frame, uint32_t bytes);

#endif
