/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: from the wire through the filters into the driver's buffers (datasheet 7.1). */
#include "model.h"

enum { VLAN_BYTES = 4, VLAN_AT = 12 };

static uint32_t room(const struct rx_queue *q) {
    uint32_t head = q->ring.head;
    return q->tail >= head ? q->tail - head : q->tail + q->ring.count - head;
}

/* The tail comes from memory that a client writes at will. */
static uint32_t look_for_room(struct nic *nic, struct rx_queue *q) {
    uint32_t tail =
        atomic_load_explicit((_Atomic uint32_t *)q->ring.tail_register, memory_order_acquire);
    if (tail >= q->ring.count) {
        nic_violate(nic,
                    "RDT[%u]: 0x%08x is outside a ring of %u descriptors; datasheet "
                    "8.2.3.8.5, page 597",
                    q->ring.number, tail, q->ring.count);
        return 0;
    }
    q->tail = tail;
    return room(q);
}

/* Each descriptor's last half goes last: it holds DD. */
static void write_back(struct rx_queue *q) {
    uint32_t at = q->ring.head >= q->pending_count
                      ? q->ring.head - q->pending_count
                      : q->ring.head + q->ring.count - q->pending_count;
    for (uint32_t i = 0; i < q->pending_count && q->ring.memory; i++) {
        struct descriptor *d = (struct descriptor *)(q->ring.memory + DESCRIPTOR_BYTES * at);
        d->low = q->pending[i].low;
        atomic_store_explicit((_Atomic uint64_t *)&d->high, q->pending[i].high,
                              memory_order_release);
        if (++at == q->ring.count)
            at = 0;
    }
    q->pending_count = 0;
}

static inline void append(struct rx_queue *q, const struct descriptor *d) {
    if (q->pending_count == RX_PENDING)
        write_back(q);
    q->pending[q->pending_count++] = *d;
    if (++q->ring.head == q->ring.count)
        q->ring.head = 0;
}

typedef long long half_line __attribute__((vector_size(16), aligned(1)));

/* A loop may bring a frame out of the memory that it goes to, so all is read before any is written.
 * Frames of 32 to 64 bytes as two overlapping halves. */
static inline void copy_frame(uint8_t *to, const uint8_t *from, uint32_t bytes) {
    if (__builtin_expect(bytes >= 32 && bytes <= 64, 1)) {
        const half_line *first = (const half_line *)from;
        const half_line *rest = (const half_line *)(from + bytes - 32);
        half_line a = first[0], b = first[1], c = rest[0], d = rest[1];
        half_line *to_rest = (half_line *)(to + bytes - 32);
        ((half_line *)to)[0] = a;
        ((half_line *)to)[1] = b;
        to_rest[0] = c;
        to_rest[1] = d;
    } else {
        memmove(to, from, bytes);
    }
}

struct delivery {
    const uint8_t *frame;
    uint32_t bytes; /* as they lie in memory */
    bool tagged;
    struct rss_result rss;
    uint16_t vlan;
    uint32_t status;
};

static inline struct descriptor describe(const struct rx_queue *q, const struct descriptor *fetched,
                                         const struct delivery *f, uint32_t bytes, bool last) {
    uint64_t status = RX_DD | (last ? RX_EOP | f->status : 0);
    uint64_t vlan = last ? (uint64_t)f->vlan << 48 : 0;
    if (!q->advanced) /* 7.1.5: length, checksum, status, errors, VLAN; the address stays */
        return (struct descriptor){ fetched->low, bytes | (status & 0xff) << 32 | vlan };
    uint64_t type = last ? f->rss.packet_type | f->rss.hash_type : 0;
    uint64_t hash = last ? f->rss.hash : 0;
    return (struct descriptor){ type | hash << 32, status | (uint64_t)bytes << 32 | vlan };
}

/* The usual frame, in one buffer. False: not so simple. */
static inline bool place(struct nic *nic, struct rx_queue *q, const struct delivery *f) {
    struct descriptor d;
    if (__builtin_expect(f->bytes > q->buffer_bytes, 0))
        return false;
    memcpy(&d, q->ring.memory + DESCRIPTOR_BYTES * q->ring.head, sizeof(d));
    uint8_t *to = dma_at(nic->dma, d.low & q->address_bits, f->bytes, true);
    if (__builtin_expect(!to || (q->advanced && d.high & RX_DD), 0))
        return false;
    ring_prefetch(nic, &q->ring, true);
    copy_frame(to, f->frame, f->bytes);
    struct descriptor back = describe(q, &d, f, f->bytes, true);
    append(q, &back);
    return true;
}

/* False: an address outside the driver's memory; the descriptors are used up all the same. */
static bool scatter(struct nic *nic, struct rx_queue *q, const struct delivery *f) {
    bool good = true;
    uint32_t done = 0;
    while (done < f->bytes) {
        struct descriptor d;
        uint32_t chunk = f->bytes - done < q->buffer_bytes ? f->bytes - done : q->buffer_bytes;
        memcpy(&d, q->ring.memory + DESCRIPTOR_BYTES * q->ring.head, sizeof(d));
        uint64_t address = d.low & q->address_bits;
        if (q->advanced && d.high & RX_DD)
            nic_violate(nic,
                        "receive descriptor %u of queue %u: bit 0 of the header address is set, "
                        "where DD will be; datasheet 7.1.6.1",
                        q->ring.head, q->ring.number);
        uint8_t *to = dma_at(nic->dma, address, chunk, true);
        if (__builtin_expect(to != NULL, 1)) {
            copy_frame(to, f->frame + done, chunk);
        } else {
            nic_violate(nic,
                        "receive descriptor %u of queue %u: buffer 0x%llx is outside the mapped "
                        "memory; datasheet 7.1.6.1",
                        q->ring.head, q->ring.number, (unsigned long long)address);
            good = false;
        }
        done += chunk;
        struct descriptor back = describe(q, &d, f, good ? chunk : 0, done == f->bytes);
        append(q, &back);
    }
    return good;
}

/* What a driver may ask to be changed on the way: a tag taken out, the check sequence left in. */
static void reshape(struct nic *nic, const struct rx_queue *q, struct delivery *f) {
    uint8_t *to = nic->reshaped;
    if (f->tagged && q->strip_vlan) {
        f->vlan = (uint16_t)(f->frame[VLAN_AT + 2] << 8 | f->frame[VLAN_AT + 3]);
        memcpy(to, f->frame, VLAN_AT);
        memcpy(to + VLAN_AT, f->frame + VLAN_AT + VLAN_BYTES, f->bytes - VLAN_AT - VLAN_BYTES);
        f->bytes -= VLAN_BYTES;
    } else {
        memcpy(to, f->frame, f->bytes);
    }
    if (!nic->strip_crc) {
        uint32_t crc = frame_check(to, f->bytes);
        memcpy(to + f->bytes, &crc, sizeof(crc));
        f->bytes += FCS_BYTES;
    }
    f->frame = to;
}

static enum nic_deliver lost(struct nic *nic, uint32_t counter) {
    nic->counters[counter]++;
    nic->stats.rx_missed++;
    return NIC_DROPPED;
}

static enum nic_deliver wrong_length(struct nic *nic, uint32_t bytes) {
    nic->counters[bytes < FRAME_BYTES_MIN ? COUNT_RUC : COUNT_ROC]++;
    nic->counters[COUNT_TPR]++;
    nic->counters[COUNT_TOR] += bytes + FCS_BYTES;
    nic->stats.rx_length++;
    return NIC_DROPPED;
}

static enum nic_deliver filtered(struct nic *nic, uint32_t bytes) {
    nic->counters[COUNT_TPR]++;
    nic->counters[COUNT_RXNFGPC]++;
    nic->counters[COUNT_TOR] += bytes + FCS_BYTES;
    nic->counters[COUNT_RXNFGBC] += bytes + FCS_BYTES;
    nic->stats.rx_filtered++;
    return NIC_DROPPED;
}

static void mark_dirty(struct nic *nic, struct rx_queue *q) {
    if (!q->dirty) {
        q->dirty = true;
        nic->rx_dirty[nic->rx_dirty_count++] = q->ring.number;
    }
}

/* Length and filters: whether the frame gets past the MAC. */
static inline bool admitted(struct nic *nic, struct delivery *f) {
    uint32_t longest = nic->frame_bytes_max + (f->tagged ? VLAN_BYTES : 0);
    bool inexact = false;
    if (__builtin_expect(f->bytes > longest, 0)) {
        wrong_length(nic, f->bytes);
        return false;
    }
    bool own = nic->address_count && memcmp(f->frame, &nic->addresses[0], 6) == 0;
    if ((!own || nic->vlan_filter) && !filters_accept(nic, f->frame, &inexact)) {
        filtered(nic, f->bytes);
        return false;
    }
    f->status = (f->tagged ? RX_VP : 0) | (inexact ? RX_PIF : 0);
    return true;
}

static inline uint32_t descriptors_needed(const struct rx_queue *q, uint32_t bytes) {
    if (__builtin_expect(bytes <= q->buffer_bytes, 1))
        return 1;
    return (bytes + q->buffer_bytes - 1) / q->buffer_bytes;
}

enum nic_deliver nic_deliver(struct nic *nic, const uint8_t *frame, uint32_t bytes) {
    if (__builtin_expect(nic->dma_generation != nic->dma->generation, 0))
        queues_resolve(nic);
    if (__builtin_expect(!nic->rx_on || !nic->link_up || !nic->bus_master, 0)) {
        nic->stats.rx_missed++;
        return NIC_DROPPED;
    }
    if (__builtin_expect(bytes < FRAME_BYTES_MIN, 0))
        return wrong_length(nic, bytes);
    struct delivery f = { .frame = frame, .bytes = bytes, .tagged = is_tagged(nic, frame) };
    if (!admitted(nic, &f))
        return NIC_DROPPED;
    rss_classify(nic, frame, bytes, f.tagged, &f.rss);
    struct rx_queue *q = &nic->rx[nic->rss_on ? rss_queue(nic, &f.rss) : 0];
    bool working = q->ring.memory && q->buffer_bytes;
    if (__builtin_expect(!nic->strip_crc || (f.tagged && q->strip_vlan), 0))
        reshape(nic, q, &f);
    if (__builtin_expect(working, 1)) {
        uint32_t needed = descriptors_needed(q, f.bytes);
        if (__builtin_expect(room(q) < needed, 0) && look_for_room(nic, q) < needed) {
            if (!q->drop)
                return NIC_FULL;
            working = false;
        }
    }
    tally(&nic->rx_tally, frame, bytes + FCS_BYTES);
    if (__builtin_expect(!working, 0))
        return lost(nic, COUNT_QPRDC + q->ring.counter);
    mark_dirty(nic, q);
    if (__builtin_expect(!place(nic, q, &f), 0) && !scatter(nic, q, &f))
        return lost(nic, COUNT_RXMPC);
    q->frames++;
    q->bytes += bytes;
    return NIC_DELIVERED;
}

/* Without DROP_EN a frame waits in the packet buffer, and what finds that full is missed there:
 * QPRDC counts only what a queue with DROP_EN had no descriptor for (8.2.3.23.5, 8.2.3.23.76). */
void nic_missed(struct nic *nic) {
    nic->counters[COUNT_RXMPC]++;
    nic->stats.rx_missed++;
}

void nic_deliver_done(struct nic *nic) {
    if (__builtin_expect(nic->dma_generation != nic->dma->generation, 0))
        queues_resolve(nic);
    for (uint32_t i = 0; i < nic->rx_dirty_count; i++) {
        struct rx_queue *q = &nic->rx[nic->rx_dirty[i]];
        write_back(q);
        atomic_store_explicit((_Atomic uint32_t *)q->ring.head_register, q->ring.head,
                              memory_order_release);
        interrupt_raise(nic, q->ring.vector);
        q->dirty = false;
    }
    if (nic->rx_dirty_count) {
        nic->rx_dirty_count = 0;
        interrupts_deliver(nic);
    }
}
