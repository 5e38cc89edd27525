/* SPDX-License-Identifier: BSD-2-Clause */
/* See nic_rig.h. */
#include "nic_rig.h"
#include <stdlib.h>
#include <string.h>

struct rig rig;

static void on_interrupt(void *ctx, uint32_t vector) {
    (void)ctx;
    assert_true(vector < 64);
    rig.vectors[vector]++;
}

static void on_legacy(void *ctx) {
    (void)ctx;
    rig.legacy++;
}

static void on_violation(void *ctx, const char *sentence) {
    (void)ctx;
    rig.violations++;
    snprintf(rig.sentence, sizeof(rig.sentence), "%s", sentence);
}

static uint64_t now(void *ctx) {
    (void)ctx;
    return rig.now;
}

static bool take(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    (void)wire;
    if (rig.wire_busy)
        return false;
    assert_true(bytes <= sizeof(rig.sent));
    memcpy(rig.sent, frame, bytes);
    rig.sent_bytes = bytes;
    rig.sent_count++;
    return true;
}

static const struct wire_ops taking = { .name = "rig", .transmit = take };

void rig_open(const struct nic_config *config) {
    memset(&rig, 0, sizeof(rig));
    rig.memory = calloc(1, RIG_MEMORY);
    assert_non_null(rig.memory);
    rig.now = 1000000000;
    rig.wire.ops = &taking;
    dma_init(&rig.dma);
    assert_int_equal(dma_map_memory(&rig.dma, RIG_IOVA, RIG_MEMORY, rig.memory), 0);
    const struct nic_host host = { .interrupt = on_interrupt,
                                   .legacy_interrupt = on_legacy,
                                   .violation = on_violation,
                                   .now_ns = now };
    assert_int_equal(nic_create(&rig.nic, config, &host, &rig.dma), 0);
    nic_attach_wire(rig.nic, &rig.wire);
    nic_set_bus_master(rig.nic, true);
}

void rig_close(void) {
    nic_destroy(rig.nic);
    dma_destroy(&rig.dma);
    free(rig.memory);
}

int rig_open_strict(void **state) {
    (void)state;
    rig_open(&(struct nic_config){ .strict = true });
    return 0;
}

int rig_close_checked(void **state) {
    (void)state;
    rig_expect_none();
    rig_close();
    return 0;
}

uint32_t rig_rx_at(uint32_t queue, uint32_t offset) {
    return queue < 64 ? offset + 0x40 * queue : offset + 0xc000 + 0x40 * (queue - 64);
}

/* Memory: long rings of queues 0 to 7 in the first MiB, short ones (64 descriptors) of the others
 * in the second, then the buffers, which queues share once there are more than 32. */
static uint8_t *ring_at(uint32_t queue, bool transmit) {
    return rig.memory + (2 * queue + transmit) * (queue < 8 ? RIG_RING_BYTES : 0) +
           (queue < 8 ? 0 : 16 * RIG_RING_BYTES + (2 * queue + transmit) * 0x400);
}

volatile struct rig_descriptor *rig_rx(uint32_t queue, uint32_t index) {
    return (struct rig_descriptor *)ring_at(queue, false) + index;
}

volatile struct rig_descriptor *rig_tx(uint32_t queue, uint32_t index) {
    return (struct rig_descriptor *)ring_at(queue, true) + index;
}

uint8_t *rig_buffer(uint32_t queue, uint32_t index) {
    return rig.memory + (2u << 20) + ((64 * queue + index) & 2047) * RIG_BUFFER_BYTES;
}

uint64_t rig_iova(const volatile void *at) {
    return RIG_IOVA + (uint64_t)((const volatile uint8_t *)at - rig.memory);
}

void rig_start_receive_queue(uint32_t queue, uint32_t ring) {
    uint64_t base = rig_iova(rig_rx(queue, 0));
    for (uint32_t i = 0; i < ring; i++) {
        rig_rx(queue, i)->low = rig_iova(rig_buffer(queue, i));
        rig_rx(queue, i)->high = 0;
    }
    rig_write(rig_rx_at(queue, 0x1000), (uint32_t)base);
    rig_write(rig_rx_at(queue, 0x1004), (uint32_t)(base >> 32));
    rig_write(rig_rx_at(queue, 0x1008), ring * 16);
    rig_write(rig_rx_at(queue, 0x1014), 0x02000402); /* advanced, one buffer of 2 KiB */
    rig_write(rig_rx_at(queue, 0x100c), 0xa200);     /* bit 12 clear */
    rig_write(rig_rx_at(queue, 0x1028), 1u << 25);
    rig_write(rig_rx_at(queue, 0x1018), ring - 1);
}

void rig_start_transmit_queue(uint32_t queue, uint32_t ring) {
    uint64_t base = rig_iova(rig_tx(queue, 0));
    rig_write(0x6000 + 0x40 * queue, (uint32_t)base);
    rig_write(0x6004 + 0x40 * queue, (uint32_t)(base >> 32));
    rig_write(0x6008 + 0x40 * queue, ring * 16);
    rig_write(0x6028 + 0x40 * queue, 1u << 25 | 8 << 8 | 36);
}

void rig_start(uint32_t queues, uint32_t ring) {
    rig_write(0x00000, 1u << 26 | 1u << 3);
    rig_write(0x042a0, rig_read(0x042a0) | 1u << 12);
    rig_write(0x02f00, rig_read(0x02f00) | 1u << 1);
    rig_write(0x05080, 1u << 10);
    for (uint32_t q = 0; q < queues; q++)
        rig_start_receive_queue(q, ring);
    rig_write(0x08d00, rig_read(0x08d00) | 2);
    rig_write(0x03000, 1);
    rig_write(0x08d00, rig_read(0x08d00) & ~2u);
    rig_write(0x04a80, rig_read(0x04a80) | 1);
    for (uint32_t q = 0; q < queues; q++)
        rig_start_transmit_queue(q, ring);
}

uint32_t rig_frame(uint8_t *frame, uint32_t bytes, uint32_t seed) {
    static const uint8_t head[] = { 0x02, 0x82, 0x59, 0x90, 0x00, 0x00, 0x02, 0x11, 0x22, 0x33,
                                    0x44, 0x55, 0x08, 0x00, 0x45, 0x00, 0x00, 0x2e, 0x00, 0x00,
                                    0x00, 0x00, 0x40, 0x11, 0x00, 0x00, 10,   0,    0,    1,
                                    10,   0,    0,    2,    0x10, 0x00, 0x20, 0x00, 0x00, 0x1a };
    for (uint32_t i = 0; i < bytes; i++)
        frame[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
    memcpy(frame, head, sizeof(head));
    frame[28] = (uint8_t)(seed >> 8);
    frame[29] = (uint8_t)seed;
    return bytes;
}

void rig_expect_violation(const char *word, const char *other) {
    if (rig.violations != 1 || !strstr(rig.sentence, word) || !strstr(rig.sentence, other))
        fail_msg("%u violations, the last \"%s\"; expected one with \"%s\" and \"%s\"",
                 rig.violations, rig.sentence, word, other);
    rig.violations = 0;
    rig.sentence[0] = 0;
}

void rig_expect_none(void) {
    if (rig.violations)
        fail_msg("%u violations, the last \"%s\"", rig.violations, rig.sentence);
}
