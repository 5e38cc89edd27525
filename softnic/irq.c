/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SET_IRQS as <linux/vfio.h> describes it, and the signalling.
 */
#include "irq.h"
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void irqs_init(struct irqs *irqs) {
    memset(irqs, 0, sizeof(*irqs));
    irqs->intx.eventfd = -1;
    for (uint32_t i = 0; i < NIC_VECTORS; i++)
        irqs->msix[i].eventfd = -1;
}

static void assign(struct irq *irq, int fd) {
    if (irq->eventfd >= 0)
        close(irq->eventfd);
    *irq = (struct irq){ .eventfd = fd };
}

void irqs_close(struct irqs *irqs) {
    assign(&irqs->intx, -1);
    for (uint32_t i = 0; i < NIC_VECTORS; i++)
        assign(&irqs->msix[i], -1);
    irqs->intx_disabled = irqs->intx_asserted = false;
}

static void forget(struct irq *irq) {
    irq->masked = irq->pending = false;
}

void irqs_reset(struct irqs *irqs) {
    forget(&irqs->intx);
    for (uint32_t i = 0; i < NIC_VECTORS; i++)
        forget(&irqs->msix[i]);
    irqs->intx_disabled = irqs->intx_asserted = false;
}

uint32_t irqs_count(uint32_t type) {
    return type == VFIO_PCI_INTX_IRQ_INDEX ? 1 : type == VFIO_PCI_MSIX_IRQ_INDEX ? NIC_VECTORS : 0;
}

uint32_t irqs_flags(uint32_t type) {
    switch (type) {
    case VFIO_PCI_INTX_IRQ_INDEX:
        return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
    case VFIO_PCI_MSIX_IRQ_INDEX:
        return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE;
    default:
        return 0;
    }
}

/* A write to an eventfd blocks when its counter is full, and only its client could fill it: we look
 * first rather than make its descriptor non-blocking, which the client would see. A client that
 * fills it between the two calls stalls its own device, knowingly. */
static void signal_eventfd(int fd) {
    const uint64_t one = 1;
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    if (fd >= 0 && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT))
        while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
}

/* Only eventfds, since a write to any other kind of file might block. */
static bool is_eventfd(int fd) {
    char link[64], target[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, target, sizeof(target));
    static const char kind[] = "anon_inode:[eventfd]";
    return bytes == sizeof(kind) - 1 && memcmp(target, kind, sizeof(kind) - 1) == 0;
}

void irqs_raise_msix(struct irqs *irqs, uint32_t vector) {
    struct irq *irq = &irqs->msix[vector];
    if (irq->masked)
        irq->pending = true;
    else
        signal_eventfd(irq->eventfd);
}

/* Level-triggered, so it masks itself until the client has dealt with it. */
void irqs_raise_intx(struct irqs *irqs) {
    if (irqs->intx.masked || irqs->intx_disabled) {
        irqs->intx.pending = true;
        return;
    }
    irqs->intx.masked = irqs->intx_asserted = true;
    signal_eventfd(irqs->intx.eventfd);
}

static void raise_if_pending(struct irqs *irqs, struct irq *irq) {
    if (!irq->pending || irq->masked || (irq == &irqs->intx && irqs->intx_disabled))
        return;
    irq->pending = false;
    if (irq == &irqs->intx)
        irqs_raise_intx(irqs);
    else
        signal_eventfd(irq->eventfd);
}

void irqs_disable_intx(struct irqs *irqs, bool disable) {
    irqs->intx_disabled = disable;
    raise_if_pending(irqs, &irqs->intx);
}

bool irqs_intx_asserted(const struct irqs *irqs) {
    return irqs->intx_asserted || irqs->intx.pending;
}

uint64_t irqs_pending(const struct irqs *irqs) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < NIC_VECTORS; i++)
        bits |= (uint64_t)irqs->msix[i].pending << i;
    return bits;
}

static void act(struct irqs *irqs, const struct protocol_irq_set *set, uint32_t sub) {
    struct irq *irq = set->index == VFIO_PCI_INTX_IRQ_INDEX ? &irqs->intx : &irqs->msix[sub];
    switch (set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
    case VFIO_IRQ_SET_ACTION_MASK:
        irq->masked = true;
        break;
    case VFIO_IRQ_SET_ACTION_UNMASK:
        irq->masked = false;
        if (irq == &irqs->intx)
            irqs->intx_asserted = false;
        raise_if_pending(irqs, irq);
        break;
    default:
        if (irq == &irqs->intx)
            irqs_raise_intx(irqs);
        else
            irqs_raise_msix(irqs, sub);
    }
}

static int assign_eventfds(struct irqs *irqs, const struct protocol_irq_set *set,
                           struct message *request) {
    if ((set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
        return -ENOTSUP;
    if (request->fd_count != 0 && request->fd_count != set->count)
        return -EINVAL;
    for (uint32_t i = 0; i < request->fd_count; i++)
        if (!is_eventfd(request->fds[i]))
            return -EINVAL;
    struct irq *first = set->index == VFIO_PCI_INTX_IRQ_INDEX ? &irqs->intx : irqs->msix;
    for (uint32_t i = 0; i < set->count; i++)
        assign(first + set->start + i, request->fd_count ? message_take_fd(request, i) : -1);
    return 0;
}

static bool is_one_bit(uint32_t bits) {
    return bits != 0 && (bits & (bits - 1)) == 0;
}

static int check(const struct protocol_irq_set *set, const struct message *request) {
    uint32_t known = VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK;
    uint32_t data = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    uint32_t booleans = data == VFIO_IRQ_SET_DATA_BOOL ? set->count : 0;
    uint32_t have = irqs_count(set->index);
    if (set->argsz < sizeof(*set) || (set->flags & ~known) || !is_one_bit(data) ||
        !is_one_bit(set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) || set->index >= IRQ_TYPES)
        return -EINVAL;
    if (set->start > have || set->count > have - set->start)
        return -EINVAL;
    if (set->count == 0 && (set->start != 0 || data != VFIO_IRQ_SET_DATA_NONE))
        return -EINVAL;
    if (request->payload_bytes - sizeof(*set) < booleans)
        return -EINVAL;
    return data != VFIO_IRQ_SET_DATA_EVENTFD && request->fd_count ? -EINVAL : 0;
}

/* No sub-index at all means the whole type: its eventfds are taken away. */
static void disable_type(struct irqs *irqs, const struct protocol_irq_set *set) {
    struct irq *first = set->index == VFIO_PCI_INTX_IRQ_INDEX ? &irqs->intx : irqs->msix;
    for (uint32_t i = 0; i < irqs_count(set->index); i++)
        assign(first + i, -1);
}

int irqs_set(struct irqs *irqs, struct message *request) {
    const struct protocol_irq_set *set = request->payload;
    const uint8_t *wanted = (const uint8_t *)(set + 1);
    int error = check(set, request);
    if (error)
        return error;
    if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
        return assign_eventfds(irqs, set, request);
    if (set->count == 0 && (set->flags & VFIO_IRQ_SET_ACTION_TRIGGER))
        disable_type(irqs, set);
    for (uint32_t i = 0; i < set->count; i++)
        if ((set->flags & VFIO_IRQ_SET_DATA_NONE) || wanted[i])
            act(irqs, set, set->start + i);
    return 0;
}
