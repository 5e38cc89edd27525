/* SPDX-License-Identifier: BSD-2-Clause */
/* A bench for the 82599 model: a NIC, memory that it may reach, and a very small driver. Offsets
 * are written out here, independent of the model's own list. */
#ifndef TESTS_NIC_RIG_H
#define TESTS_NIC_RIG_H

#include "softnic/nic.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define RIG_MEMORY       (8u << 20)
#define RIG_IOVA         0x100000000ull
#define RIG_RING_BYTES   0x10000 /* room for a ring of 4096 descriptors */
#define RIG_BUFFER_BYTES 2048

struct rig {
    struct nic *nic;
    struct dma dma;
    uint8_t *memory;
    uint64_t now;
    struct wire wire;
    uint32_t vectors[64]; /* interrupts seen */
    uint32_t legacy;
    uint32_t violations;
    char sentence[512];
    uint8_t sent[16384]; /* the last frame on the wire */
    uint32_t sent_bytes, sent_count;
    bool wire_busy;
};

struct rig_descriptor {
    uint64_t low, high;
};

/* The one under test. */
extern struct rig rig;

void rig_open(const struct nic_config *config);
void rig_close(void);

/* As cmocka's set-up and tear-down: a strict NIC, which must have complained of nothing that the
 * test did not expect. */
int rig_open_strict(void **state);
int rig_close_checked(void **state);

static inline uint32_t rig_read(uint32_t offset) {
    return nic_read(rig.nic, offset);
}
static inline void rig_write(uint32_t offset, uint32_t value) {
    nic_write(rig.nic, offset, value);
}

/* From reset to queues [0, queues) of `ring` descriptors each, as 4.6.3 and 4.6.7 say; every
 * receive descriptor has a buffer. */
void rig_start(uint32_t queues, uint32_t ring);
void rig_start_receive_queue(uint32_t queue, uint32_t ring);
void rig_start_transmit_queue(uint32_t queue, uint32_t ring);
uint32_t rig_rx_at(uint32_t queue, uint32_t offset); /* register of a receive queue */

volatile struct rig_descriptor *rig_rx(uint32_t queue, uint32_t index);
volatile struct rig_descriptor *rig_tx(uint32_t queue, uint32_t index);
uint8_t *rig_buffer(uint32_t queue, uint32_t index);
uint64_t rig_iova(const volatile void *at);

/* A UDP frame over IPv4 to the NIC's own address, `bytes` long, that `seed` makes different. */
uint32_t rig_frame(uint8_t *frame, uint32_t bytes, uint32_t seed);

/* Exactly one violation since the last call, whose sentence has all of the words. */
void rig_expect_violation(const char *word, const char *other);
void rig_expect_none(void);

#endif
