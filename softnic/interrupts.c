/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: causes to vectors (IVAR), masks, automatic clear and mask, throttling in real time
 * (datasheet 7.3). An event waits in `pending` until its vector is enabled and its interval over.
 */
#include "model.h"

#define EITR_TICK_NS 2048 /* 8.2.3.5.12, at 10 Gb/s and 1 Gb/s */

static uint32_t throttle_offset(uint32_t vector) {
    return vector < 24 ? R_EITR + 4 * vector : 0x12300 + 4 * (vector - 24);
}

static uint64_t throttle_ns(const struct nic *nic, uint32_t vector) {
    return (uint64_t)EITR_INTERVAL(nic_get(nic, throttle_offset(vector))) * EITR_TICK_NS;
}

static uint8_t ivar_vector(uint32_t entry) {
    return entry & IVAR_VALID ? entry & 0x3f : NO_VECTOR;
}

static bool msix(const struct nic *nic) {
    return nic_get(nic, R_GPIE) & GPIE_MULTIPLE_MSIX;
}

void interrupts_reset(struct nic *nic) {
    memset(&nic->interrupts, 0, sizeof(nic->interrupts));
    for (uint32_t q = 0; q < NIC_QUEUES; q++)
        nic->rx[q].ring.vector = nic->tx[q].ring.vector = NO_VECTOR;
}

void interrupt_raise(struct nic *nic, uint32_t vector) {
    if (vector == NO_VECTOR)
        return;
    nic->interrupts.bits |= 1ull << vector;
    nic->interrupts.pending |= 1ull << vector;
}

/* The second byte of IVAR_MISC maps all causes but queues and the TCP timer (7.3.4.3.1). */
static void announce_others(struct nic *nic) {
    struct interrupts *i = &nic->interrupts;
    uint8_t vector = ivar_vector(nic_get(nic, R_IVAR_MISC) >> 8 & 0xff);
    if (vector == NO_VECTOR || !(i->causes & i->mask_others))
        return;
    i->pending |= 1ull << vector;
    i->others_wait |= 1ull << vector;
}

void interrupt_cause(struct nic *nic, uint32_t cause) {
    nic->interrupts.causes |= cause;
    if (cause & nic->interrupts.mask_others)
        announce_others(nic);
}

static void auto_mask(struct nic *nic, uint64_t vectors, uint32_t others) {
    uint64_t automatic = nic_get(nic, R_EIAM_EX) | (nic_get(nic, R_EIAM) & EICR_QUEUES) |
                         (uint64_t)nic_get(nic, R_EIAM_EX + 4) << 32;
    nic->interrupts.mask &= ~(vectors & automatic);
    nic->interrupts.mask_others &= ~(others & nic_get(nic, R_EIAM));
}

static void send_message(struct nic *nic, uint32_t vector, uint64_t now) {
    struct interrupts *i = &nic->interrupts;
    uint64_t bit = 1ull << vector;
    uint32_t automatic_clear = nic_get(nic, R_EIAC);
    bool others = i->others_wait & bit;
    i->pending &= ~bit;
    i->others_wait &= ~bit;
    i->next_ns[vector] = now + throttle_ns(nic, vector);
    if (nic_get(nic, R_GPIE) & GPIE_AUTO_MASK_MSIX)
        auto_mask(nic, bit, others ? i->causes : 0);
    if (vector >= 16 || automatic_clear & bit)
        i->bits &= ~bit;
    if (others)
        i->causes &= ~(automatic_clear & EICR_OTHERS);
    nic->stats.interrupts++;
    nic->host.interrupt(nic->host.ctx, vector);
}

static void deliver_legacy(struct nic *nic) {
    struct interrupts *i = &nic->interrupts;
    bool level = (i->bits & i->mask & EICR_QUEUES) || (i->causes & i->mask_others);
    if (level == i->asserted)
        return;
    if (level) {
        uint64_t now = nic->host.now_ns(nic->host.ctx);
        if (now < i->next_ns[0])
            return;
        i->next_ns[0] = now + throttle_ns(nic, 0);
        nic->stats.interrupts++;
        nic->host.legacy_interrupt(nic->host.ctx);
    }
    i->asserted = level;
}

void interrupts_deliver(struct nic *nic) {
    struct interrupts *i = &nic->interrupts;
    if (!nic->bus_master)
        return;
    if (!msix(nic)) {
        deliver_legacy(nic);
        return;
    }
    uint64_t ready = i->pending & (i->mask | i->others_wait);
    if (!ready)
        return;
    uint64_t now = nic->host.now_ns(nic->host.ctx);
    while (ready) {
        uint32_t vector = (uint32_t)__builtin_ctzll(ready);
        ready &= ready - 1;
        if (now >= i->next_ns[vector])
            send_message(nic, vector, now);
    }
}

static uint32_t causes_now(const struct nic *nic) {
    return (nic->interrupts.bits & EICR_QUEUES) | nic->interrupts.causes;
}

static void clear_causes(struct nic *nic, uint32_t causes) {
    struct interrupts *i = &nic->interrupts;
    i->bits &= ~(uint64_t)(causes & EICR_QUEUES);
    i->pending &= ~((uint64_t)(causes & EICR_QUEUES) & ~i->others_wait);
    i->causes &= ~causes;
    if (!(i->causes & i->mask_others)) {
        i->pending &= ~(i->others_wait & ~i->bits);
        i->others_wait = 0;
    }
}

uint32_t interrupt_cause_read(struct nic *nic, const struct access *a) {
    (void)a;
    uint32_t causes = causes_now(nic);
    if (!(nic_get(nic, R_GPIE) & GPIE_AUTO_MASK_MSIX))
        auto_mask(nic, causes & EICR_QUEUES, causes & EICR_OTHERS);
    clear_causes(nic, nic_get(nic, R_GPIE) & GPIE_OTHER_CLEAR ? causes & EICR_OTHERS : causes);
    interrupts_deliver(nic);
    return causes;
}

void interrupt_cause_write(struct nic *nic, const struct access *a) {
    clear_causes(nic, a->value);
    interrupts_deliver(nic);
}

uint32_t interrupt_cause_peek(struct nic *nic, const struct access *a) {
    return a->offset == R_EICS ? causes_now(nic)
                               : (uint32_t)(nic->interrupts.bits >> (32 * a->index));
}

static uint64_t vectors_of(const struct access *a, uint32_t narrow) {
    return a->offset == narrow ? a->value & EICR_QUEUES : (uint64_t)a->value << (32 * a->index);
}

void interrupt_trigger(struct nic *nic, const struct access *a) {
    uint64_t vectors = vectors_of(a, R_EICS);
    nic->interrupts.bits |= vectors;
    nic->interrupts.pending |= vectors;
    if (a->offset == R_EICS)
        interrupt_cause(nic, a->value & EICR_OTHERS);
    interrupts_deliver(nic);
}

uint32_t interrupt_mask_read(struct nic *nic, const struct access *a) {
    const struct interrupts *i = &nic->interrupts;
    if (a->offset == R_EIMS)
        return (i->mask & EICR_QUEUES) | i->mask_others;
    return (uint32_t)(i->mask >> (32 * a->index));
}

void interrupt_mask_set(struct nic *nic, const struct access *a) {
    struct interrupts *i = &nic->interrupts;
    uint64_t unmasked = vectors_of(a, R_EIMS) & ~i->mask;
    i->mask |= unmasked;
    i->pending |= i->bits & unmasked; /* a cause that still stands interrupts again */
    if (a->offset == R_EIMS) {
        i->mask_others |= a->value & EICR_OTHERS;
        announce_others(nic);
    }
    interrupts_deliver(nic);
}

void interrupt_mask_clear(struct nic *nic, const struct access *a) {
    struct interrupts *i = &nic->interrupts;
    i->mask &= ~vectors_of(a, R_EIMC);
    if (a->offset == R_EIMC) {
        i->mask_others &= ~a->value;
        if (!(i->causes & i->mask_others))
            i->others_wait = 0;
    }
    interrupts_deliver(nic);
}

/* Without CNT_WDIS the write loads the counter too, here always with 0: due at once. */
void interrupt_throttle(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value & ~EITR_KEEP_COUNTER);
    if (!(a->value & EITR_KEEP_COUNTER))
        nic->interrupts.next_ns[a->index] = 0;
    interrupts_deliver(nic);
}

void interrupt_vectors(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t queue = 2 * a->index + i;
        nic->rx[queue].ring.vector = ivar_vector(a->value >> (16 * i) & 0xff);
        nic->tx[queue].ring.vector = ivar_vector(a->value >> (16 * i + 8) & 0xff);
    }
}
