/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metering of live traffic on lt-a of a veth pair, in a namespace of the test's own. Frames come
 * out of lt-b, and go on to the stack behind lt-a, where a socket receives them.
 */
#ifndef TESTS_UNIT_FLOW_INLINE_RIG_H
#define TESTS_UNIT_FLOW_INLINE_RIG_H

#include "lib/flow/inline.h"
#include <stdbool.h>
#include <stdint.h>

#define FRAME_BYTES   60
#define PAYLOAD_BYTES 10
#define FLOWS_MAX     8192

extern struct leat_flow_inline *meter;
extern struct leat_flow ended[FLOWS_MAX];
extern uint32_t ended_count, ended_room;         /* flows that ended; how many of them are taken */
extern struct leat_flow_application application; /* of the last one */
extern struct leat_flow_packet_list packet_list;
extern uint64_t listed, unlike; /* packets in the lists of all, and records that lack some */

/* Into the namespace; false, with a reason, if it may not. */
bool flow_inline_rig_enter(void);

/* Of each test. */
int set_up(void **state);
int tear_down(void **state);

void run(const char *command);

/* On lt-a. */
void open_meter(struct leat_flow_inline_opts opts);
struct leat_flow_meter_stats stats(void);

/* A datagram from 192.0.2.2 to lt-a. */
void make_udp(uint8_t frame[FRAME_BYTES], uint16_t source, uint16_t destination);
void send_frame(const uint8_t *frame, uint32_t bytes);
void send_udp(uint16_t source, uint16_t destination);

/* veth hands a frame over in a softirq, which may run after send() has returned. */
void await_frames(uint64_t frames);

uint32_t received(void); /* datagrams, since the last call */
uint64_t packets_of_ended(void);

/* A datagram of `bytes` of payload from lt-a, whose stack cuts it every `cut` bytes if that is not
 * 0. */
void answer(uint32_t bytes, int cut);

/* Flows that are cut all the time, while their packets arrive: each packet is in one record. */
void cut_flows(struct leat_flow_inline_opts opts);

#endif
