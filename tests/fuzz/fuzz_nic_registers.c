/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver out of its mind, on the 82599 model: register accesses, doorbells, memory, frames and
 * mappings, eight bytes of input an action. Whatever it does, the model touches nothing outside
 * what is mapped (the sanitizers watch) and answers.
 */
#include "softnic/nic.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_BYTES = 1 << 16, IOVA = 0x10000, ACTION_BYTES = 8 };

static uint64_t clock_ns;

static void interrupt(void *ctx, uint32_t vector) {
    (void)ctx;
    if (vector >= NIC_VECTORS)
        abort();
}

static void legacy(void *ctx) {
    (void)ctx;
}

static void violation(void *ctx, const char *sentence) {
    (void)ctx;
    if (strlen(sentence) < 20)
        abort();
}

static uint64_t now(void *ctx) {
    (void)ctx;
    return clock_ns += 100;
}

static bool take(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    static volatile uint8_t sum;
    (void)wire;
    if (bytes < 60 || bytes > 9728)
        abort();
    for (uint32_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + frame[i]);
    return sum & 7;
}

static const struct wire_ops ops = { .name = "fuzz", .transmit = take };
static struct wire wire = { .ops = &ops };

struct action {
    uint8_t kind, queue;
    uint16_t small;
    uint32_t value;
};

/* Registers worth more than one word in 131,072: rings, controls, filters, interrupts. */
static const uint32_t favourites[] = {
    0x00000, 0x00018, 0x00800, 0x00808, 0x00810, 0x00820, 0x00880, 0x00888, 0x00890, 0x00898,
    0x00900, 0x00a00, 0x00a90, 0x00aa0, 0x00ab0, 0x01000, 0x01004, 0x01008, 0x01010, 0x01014,
    0x01018, 0x01028, 0x02f00, 0x03000, 0x04240, 0x04268, 0x042a0, 0x04a80, 0x05080, 0x05088,
    0x05090, 0x05818, 0x06000, 0x06004, 0x06008, 0x06010, 0x06018, 0x06028, 0x08d00, 0x10010,
    0x10014, 0x00028, 0x02300, 0x05c00, 0x05c80, 0x0425c,
};

static void act(struct nic *nic, struct dma *dma, uint8_t *memory, uint32_t *doorbells,
                const struct action *a) {
    uint32_t favourite = favourites[a->small % (sizeof(favourites) / sizeof(favourites[0]))];
    uint32_t offset =
        favourite >= 0x1000 && favourite < 0x7000 ? favourite + 0x40u * (a->queue & 3) : favourite;
    switch (a->kind & 15) {
    case 0:
        nic_write(nic, (a->small * 4u + a->queue * 0x800u) & (NIC_BAR0_BYTES - 4), a->value);
        break;
    case 1:
        nic_read(nic, (a->value * 4u) & (NIC_BAR0_BYTES - 4));
        break;
    case 2:
        nic_read(nic, offset);
        break;
    case 3: /* what makes a queue work */
        nic_write(nic, 0x04a80, 0x81000005);
        nic_write(nic, 0x03000, 1);
        nic_write(nic, offset & 0x4000 ? 0x06028 : 0x01028, 1u << 25);
        break;
    case 4: /* a ring somewhere in memory */
        offset = (a->queue & 1 ? 0x6000u : 0x1000u) + 0x40u * (a->queue >> 1 & 3);
        nic_write(nic, offset, IOVA + (a->small & 0xff80u));
        nic_write(nic, offset + 8, (a->value & 15) * 128);
        nic_write(nic, offset + 0x28, 1u << 25 | (a->value & 1u << 30));
        break;
    case 5:
        doorbells[(a->queue & 1 ? 1024 : 0) + 0x18 / 4 + 0x10 * (a->queue >> 1 & 3)] =
            a->value & 0xff;
        break;
    case 6:
        doorbells[a->small & 2047] = a->value;
        break;
    case 7:
    case 8:
        memcpy(memory + (a->small & (MEMORY_BYTES - 8)), a, sizeof(*a));
        memory[(a->small + 7u) & (MEMORY_BYTES - 1)] = a->queue;
        break;
    case 9: { /* a descriptor that may pass */
        uint64_t d[2] = { IOVA + a->small,
                          (a->value & 0x3fff) | 0x23300000 | (uint64_t)(a->queue & 15) << 24 };
        memcpy(memory + (a->value >> 16 & (MEMORY_BYTES - 16)), d, sizeof(d));
        break;
    }
    case 10:
        nic_deliver(nic, memory + (a->small & 0x3fff), a->value % 16000);
        break;
    case 11:
        nic_deliver_done(nic);
        nic_poll(nic, a->queue);
        break;
    case 12:
        nic_set_link(nic, a->value & 1);
        nic_set_bus_master(nic, !(a->value & 2));
        break;
    case 13:
        dma_unmap_all(dma);
        if (a->value & 3)
            dma_map_memory(dma, IOVA, MEMORY_BYTES >> (a->value & 1), memory);
        break;
    case 14:
        nic_missed(nic);
        clock_ns += a->value;
        if (a->value == 0)
            nic_reset(nic);
        break;
    default:
        nic_write(nic, offset, a->value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < ACTION_BYTES)
        return 0;
    struct nic_config config = { .strict = data[0] & 1,
                                 .port = data[0] >> 1 & 1,
                                 .device_id = data[0] & 4 ? 0x10f7 : 0x10fb,
                                 .sfp_absent = data[0] & 8 };
    const struct nic_host host = {
        .interrupt = interrupt, .legacy_interrupt = legacy, .violation = violation, .now_ns = now
    };
    struct dma dma;
    struct nic *nic;
    uint8_t *memory = calloc(1, MEMORY_BYTES);
    dma_init(&dma);
    if (!memory || dma_map_memory(&dma, IOVA, MEMORY_BYTES, memory) ||
        nic_create(&nic, &config, &host, &dma))
        abort();
    uint32_t *doorbells =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, nic_doorbell_fd(nic), 0);
    if (doorbells == MAP_FAILED)
        abort();
    nic_attach_wire(nic, &wire);
    nic_set_bus_master(nic, true);
    nic_write(nic, 0x00000, 1u << 26);
    for (size_t at = 1; at + ACTION_BYTES <= size; at += ACTION_BYTES) {
        struct action a;
        memcpy(&a, data + at, sizeof(a));
        act(nic, &dma, memory, doorbells, &a);
    }
    nic_deliver_done(nic);
    nic_poll(nic, 256);
    munmap(doorbells, 8192);
    nic_destroy(nic);
    dma_destroy(&dma);
    free(memory);
    return 0;
}
