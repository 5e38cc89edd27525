/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transmitting: descriptors fetched, frames gathered and given to the wire (datasheet 7.2). A frame
 * whose descriptors make no sense, or ask for an offload that is not modelled, is not sent: sent
 * unchanged it would be another frame than the driver meant. It is counted, and reported as done.
 */
#include "model.h"

static uint32_t next_index(const struct ring *ring, uint32_t index) {
    return index + 1 == ring->count ? 0 : index + 1;
}

static struct descriptor fetch(const struct ring *ring, uint32_t index) {
    struct descriptor d;
    memcpy(&d, ring->memory + DESCRIPTOR_BYTES * index, sizeof(d));
    return d;
}

static inline uint32_t command(const struct descriptor *d) {
    return (uint32_t)d->high;
}

static bool is_context(const struct descriptor *d) {
    return command(d) & TX_DEXT && TX_TYPE(command(d)) == TX_CONTEXT;
}

/* DD is all that a write-back tells (7.2.3.2.4). */
static void report_done(const struct ring *ring, uint32_t index) {
    uint8_t *d = ring->memory + DESCRIPTOR_BYTES * index;
    atomic_store_explicit((_Atomic uint32_t *)(d + 12), TX_DD, memory_order_release);
}

static void complain(struct nic *nic, const struct ring *ring, uint32_t index, const char *why) {
    struct descriptor d = fetch(ring, index);
    nic_violate(nic,
                "transmit descriptor %u of queue %u (0x%016llx %016llx): %s; datasheet 7.2.3.2",
                index, ring->number, (unsigned long long)d.low, (unsigned long long)d.high, why);
}

/* One frame: descriptors [first, end), the last with EOP. */
struct outgoing {
    uint32_t first, end;
    uint32_t count;
    struct descriptor head; /* its first data descriptor */
    uint8_t *data;
    uint32_t bytes;
};

static const char *refusal(const struct descriptor *d) {
    uint32_t c = command(d), options = (uint32_t)(d->high >> 32);
    if (!(c & TX_DEXT))
        return c & (TX_LEGACY_IC | TX_VLE) ? "checksum and VLAN insertion are not modelled" : NULL;
    if (TX_TYPE(c) != TX_DATA)
        return "DTYP is neither 2 (context) nor 3 (data)";
    if (c & TX_TSE)
        return "segmentation is not modelled";
    if (c & TX_VLE)
        return "VLAN insertion is not modelled";
    if (options & (TX_POPTS_CHECKSUM | TX_POPTS_IPSEC))
        return "checksum insertion and IPsec are not modelled";
    return NULL;
}

/* Finds the end of the frame at the head, whose first descriptor is `d`. False: it is not all there
 * yet. */
static inline bool find_end(const struct ring *ring, uint32_t tail, const struct descriptor *d,
                            struct outgoing *f) {
    struct descriptor last = *d;
    f->head = *d;
    f->first = ring->head;
    f->end = next_index(ring, f->first);
    f->count = 1;
    while (!(command(&last) & TX_EOP) && f->count < TX_FRAME_DESCRIPTORS) {
        if (f->end == tail)
            return false;
        last = fetch(ring, f->end);
        f->end = next_index(ring, f->end);
        f->count++;
    }
    return true;
}

/* The whole frame in one piece, or why it cannot be sent. */
static const char *gather(struct nic *nic, const struct ring *ring, struct outgoing *f) {
    const char *why = refusal(&f->head);
    uint32_t last = f->first;
    f->bytes = 0;
    if (why)
        return why;
    for (uint32_t i = f->first; i != f->end; i = next_index(ring, i)) {
        struct descriptor d = fetch(ring, i);
        uint32_t bytes = command(&d) & TX_LENGTH;
        if ((command(&d) ^ command(&f->head)) & TX_DEXT)
            return "legacy and advanced descriptors are mixed in one frame";
        if (command(&d) & TX_DEXT && TX_TYPE(command(&d)) != TX_DATA)
            return "a descriptor inside a frame is not of type data";
        if (f->bytes + bytes > TX_FRAME_BYTES)
            return "the frame is longer than 9.5 KiB";
        last = i;
        if (!bytes)
            continue;
        const uint8_t *from = dma_at(nic->dma, d.low, bytes, false);
        if (!from)
            return "its buffer is outside the mapped memory";
        memcpy(nic->gathered + f->bytes, from, bytes);
        f->bytes += bytes;
    }
    struct descriptor end = fetch(ring, last);
    if (!(command(&end) & TX_EOP))
        return "a frame has more than 40 descriptors";
    f->data = nic->gathered;
    return NULL;
}

/* The usual frame: one data descriptor without wishes; sent from where it lies. */
static inline bool simple(struct nic *nic, struct outgoing *f) {
    const uint32_t care = TX_DEXT | 0xfu << 20 | TX_EOP | TX_TSE | TX_VLE;
    uint32_t c = command(&f->head), options = (uint32_t)(f->head.high >> 32);
    if ((c & care) != (TX_DEXT | TX_DATA << 20 | TX_EOP) ||
        options & (TX_POPTS_CHECKSUM | TX_POPTS_IPSEC))
        return false;
    f->bytes = c & TX_LENGTH;
    f->data = dma_at(nic->dma, f->head.low, f->bytes, false);
    return f->data != NULL && f->bytes <= TX_FRAME_BYTES;
}

/* What makes a wrong frame, or none, of a real device though this one could send it. */
static inline void check_fields(struct nic *nic, const struct ring *ring, const struct outgoing *f,
                                uint32_t bytes) {
    uint32_t c = command(&f->head), options = (uint32_t)(f->head.high >> 32);
    if (!(c & TX_DEXT))
        return;
    if (__builtin_expect(c & TX_RESERVED || options & TX_STATUS, 0))
        complain(nic, ring, f->first, "reserved bits, or DD, are set");
    if (__builtin_expect(TX_PAYLOAD(options) != bytes, 0))
        complain(nic, ring, f->first, "PAYLEN is not the length of the frame");
}

/* Padding and the frame check sequence, which the wire does not carry: one that the driver made
 * itself is checked here, as the far MAC would. */
static const char *finish(struct nic *nic, struct outgoing *f) {
    bool insert = command(&f->head) & TX_IFCS && nic->core & HLREG0_TX_CRC;
    if (!insert) {
        if (f->bytes < FRAME_BYTES_MIN + FCS_BYTES)
            return "a frame with its own check sequence must have 64 bytes at least";
        uint32_t crc, expected = frame_check(f->data, f->bytes - FCS_BYTES);
        f->bytes -= FCS_BYTES;
        memcpy(&crc, f->data + f->bytes, sizeof(crc));
        return crc == expected ? NULL : "its frame check sequence is wrong, and IFCS is clear";
    }
    if (f->bytes < 17)
        return "a frame must have 17 bytes at least";
    if (f->bytes < FRAME_BYTES_MIN) {
        if (!(nic->core & HLREG0_TX_PAD))
            return "the frame is short, and HLREG0.TXPADEN is clear";
        if (f->data != nic->gathered)
            memcpy(nic->gathered, f->data, f->bytes);
        memset(nic->gathered + f->bytes, 0, FRAME_BYTES_MIN - f->bytes);
        f->data = nic->gathered;
        f->bytes = FRAME_BYTES_MIN;
    }
    return NULL;
}

/* Reports on a descriptor that asks for it. True: it did. */
static inline bool report(struct nic *nic, const struct tx_queue *q, uint32_t index,
                          const struct descriptor *d) {
    if (command(d) & TX_RS) {
        report_done(&q->ring, index);
        return true;
    }
    if (__builtin_expect(q->write_back_threshold && command(d) & TX_EOP, 0))
        complain(nic, &q->ring, index, "RS must end every frame while TXDCTL.WTHRESH is not 0");
    return false;
}

static inline bool complete(struct nic *nic, struct tx_queue *q, const struct outgoing *f) {
    bool reported = report(nic, q, f->first, &f->head);
    for (uint32_t i = next_index(&q->ring, f->first); i != f->end; i = next_index(&q->ring, i)) {
        struct descriptor d = fetch(&q->ring, i);
        reported |= report(nic, q, i, &d);
    }
    q->ring.head = f->end;
    return reported;
}

static void remember_context(struct nic *nic, struct tx_queue *q, const struct descriptor *d) {
    uint32_t index = d->high >> 36 & 0xf; /* IDX */
    if (index > 1)
        complain(nic, &q->ring, q->ring.head, "a queue has the contexts 0 and 1 only");
    q->contexts[index & 1] = (struct tx_context){ *d, true };
    q->ring.head = next_index(&q->ring, q->ring.head);
}

/* What the wire took, or a frame that could not go out; false: the wire cannot take it now. */
static inline bool send(struct nic *nic, struct tx_queue *q, struct outgoing *f) {
    const char *why = simple(nic, f) ? NULL : gather(nic, &q->ring, f);
    uint32_t fetched = f->bytes;
    if (!why)
        why = finish(nic, f);
    if (why) {
        complain(nic, &q->ring, f->first, why);
        nic->stats.tx_errors++;
        return true;
    }
    if (nic->wire && !nic->wire->ops->transmit(nic->wire, f->data, f->bytes))
        return false;
    check_fields(nic, &q->ring, f, fetched);
    tally(&nic->tx_tally, f->data, f->bytes + FCS_BYTES);
    q->frames++;
    q->bytes += f->bytes;
    return true;
}

static uint32_t queue_poll(struct nic *nic, struct tx_queue *q, uint32_t budget) {
    struct ring *ring = &q->ring;
    uint32_t tail =
        atomic_load_explicit((_Atomic uint32_t *)ring->tail_register, memory_order_acquire);
    if (tail == ring->head)
        return 0;
    if (tail >= ring->count) {
        nic_violate(nic,
                    "TDT[%u]: 0x%08x is outside a ring of %u descriptors; datasheet "
                    "8.2.3.9.9, page 606",
                    ring->number, tail, ring->count);
        return 0;
    }
    uint32_t frames = 0, before = ring->head;
    bool reported = false;
    while (ring->head != tail && frames < budget) {
        struct descriptor d = fetch(ring, ring->head);
        struct outgoing f;
        if (is_context(&d)) {
            remember_context(nic, q, &d);
            continue;
        }
        if (!find_end(ring, tail, &d, &f))
            break;
        ring_prefetch(nic, ring, false);
        if (!send(nic, q, &f))
            break;
        reported |= complete(nic, q, &f);
        frames++;
    }
    if (ring->head != before)
        atomic_store_explicit((_Atomic uint32_t *)ring->head_register, ring->head,
                              memory_order_release);
    if (reported)
        interrupt_raise(nic, ring->vector);
    return frames;
}

/* Queues take turns; each gets what the ones before it left. */
uint32_t tx_poll(struct nic *nic, uint32_t budget) {
    uint32_t frames = 0;
    if (!nic->tx_on || !nic->link_up || !nic->bus_master)
        return 0;
    for (uint32_t i = 0; i < nic->tx_count && frames < budget; i++) {
        if (++nic->tx_turn >= nic->tx_count)
            nic->tx_turn = 0;
        struct tx_queue *q = &nic->tx[nic->tx_list[nic->tx_turn]];
        if (q->ring.memory)
            frames += queue_poll(nic, q, budget - frames);
    }
    return frames;
}
