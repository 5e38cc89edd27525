/* SPDX-License-Identifier: BSD-2-Clause */
/* A NIC and clocks for tests of wires: takes as many frames as it is told to, and keeps them. */
#ifndef FAKE_NIC_H
#define FAKE_NIC_H

#include "softnic/nic.h"
#include "softnic/softnic.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct nic {
    uint64_t room;     /* frames that it still takes before it is full */
    bool not_ready;    /* reception is not set up */
    bool keeps_frames; /* in `bytes`, for fake_nic_frame() */
    uint64_t delivered, missed, deliver_dones;
    uint8_t *bytes;
    size_t *ends;
    size_t bytes_room, ends_room; /* allocated behind them */
};

extern const uint8_t fake_nic_mac[6];
extern uint64_t fake_clock_ns;

/* Frame `index` of those kept, and its length. */
const uint8_t *fake_nic_frame(const struct nic *nic, uint64_t index, size_t *bytes);
void fake_nic_forget(struct nic *nic); /* the frames kept, so that none leaks */

/* Opens a wire that must open; one that must be refused, whose error says `says`. */
struct wire *fake_nic_wire(struct nic *nic, const char *spec);
void fake_nic_no_wire(const char *spec, const char *says);

struct wire_stats fake_nic_wire_stats(const struct wire *wire);

#endif
