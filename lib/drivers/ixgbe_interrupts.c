/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X wake-ups (7.3): queue n signals vector n, and with it an eventfd. A vector fires once and
 * is masked by the device (EIAM) until its queue is armed again, so a busy queue costs no
 * interrupts.
 */
#include "ixgbe_ring.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THROTTLE_MAX_US 1000
#define ADAPTIVE_MIN_US 4   /* a single packet does not wait */
#define ADAPTIVE_MAX_US 128 /* a busy queue is woken for a batch at a time */

static uint32_t bit_of(const struct leat_queue *queue) {
    return 1u << queue->index % 32;
}

/* 4.6.6: once for all; vectors stay masked. */
int ixgbe_set_up_interrupts(struct ixgbe *nic) {
    int err = leat_option_u32(nic->port, "itr", &nic->throttle_us, 2, THROTTLE_MAX_US);
    if (err < 0)
        return err;
    reg_write(nic, REG_GPIE, GPIE_MULTIPLE_MSIX | GPIE_EIAME | GPIE_PBA_SUPPORT);
    for (uint32_t i = 0; i < nic->port->opts.queues; i += 2)
        reg_write(nic, REG_IVAR(i / 2), IVAR_RX_EVEN(i) | IVAR_RX_ODD(i + 1));
    reg_write(nic, REG_EIAC, EIAC_QUEUES);
    reg_write(nic, REG_EIAM_EX(0), UINT32_MAX);
    reg_write(nic, REG_EIAM_EX(1), UINT32_MAX);
    return 0;
}

static void throttle(struct ixgbe_queue *q, uint32_t us) {
    if (us == q->throttle_us)
        return;
    q->throttle_us = us;
    reg_write(q->nic, REG_EITR(q->head.public.index),
              EITR_INTERVAL(us * 1000 / EITR_UNIT_NS) | EITR_CNT_WDIS);
}

/* The interval follows the packets that a wake-up found, by a moving average over eight: the more
 * come at a time, the longer the next may be waited for. Steps of two spare writes. */
static void adapt(struct ixgbe_queue *q) {
    uint64_t found = q->head.stats.rx_packets - q->packets_at_arm;
    q->packets_at_arm = q->head.stats.rx_packets;
    q->average += found - q->average / 8;
    uint32_t us = ADAPTIVE_MIN_US;
    while (us < ADAPTIVE_MAX_US && us < q->average / 4)
        us *= 2;
    throttle(q, us);
}

/* Who sleeps on the queue is also woken when the device vanishes, and then finds out by arming. */
static int open_wait_fd(struct ixgbe_queue *q, int event_fd) {
    int fd = epoll_create1(EPOLL_CLOEXEC), hangup_fd = q->nic->dev->hangup_fd;
    struct epoll_event fired = { .events = EPOLLIN }, hung_up = { .events = EPOLLRDHUP };
    if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, event_fd, &fired) != 0 ||
        (hangup_fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, hangup_fd, &hung_up) != 0)) {
        int err = leat_fail(errno, "%s: cannot watch an eventfd: %s", q->nic->port->name,
                            strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    return fd;
}

int ixgbe_queue_fd(struct leat_queue *queue) {
    struct ixgbe_queue *q = (struct ixgbe_queue *)queue;
    if (q->event_fd >= 0)
        return q->wait_fd;
    int event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event_fd < 0)
        return leat_fail(errno, "%s: cannot open an eventfd: %s", queue->port->name,
                         strerror(errno));
    int wait_fd = open_wait_fd(q, event_fd);
    int err = wait_fd < 0 ? wait_fd : leat_device_interrupt(q->nic->dev, queue->index, event_fd);
    if (err) {
        if (wait_fd >= 0)
            close(wait_fd);
        close(event_fd);
        return err;
    }
    throttle(q, q->nic->throttle_us ? q->nic->throttle_us : ADAPTIVE_MIN_US);
    q->event_fd = event_fd;
    return q->wait_fd = wait_fd;
}

/* Whether it has fired since it was armed. */
static bool take_event(struct ixgbe_queue *q) {
    uint64_t count;
    return read(q->event_fd, &count, sizeof(count)) == sizeof(count);
}

int ixgbe_queue_arm(struct leat_queue *queue) {
    struct ixgbe_queue *q = (struct ixgbe_queue *)queue;
    int err = ixgbe_queue_fd(queue);
    if (err < 0)
        return err;
    if (!q->nic->throttle_us)
        adapt(q);
    take_event(q);
    if (queue->index < 16)
        reg_write(q->nic, REG_EICR, bit_of(queue)); /* what was polled already wakes nobody */
    reg_write(q->nic, REG_EIMS_EX(queue->index / 32), bit_of(queue));
    if (rx_status(q, q->rx_next) & RX_DD) {
        ixgbe_queue_disarm(queue);
        return 1;
    }
    return q->nic->dev->gone ? leat_device_check(q->nic->dev) : 0;
}

void ixgbe_queue_disarm(struct leat_queue *queue) {
    struct ixgbe_queue *q = (struct ixgbe_queue *)queue;
    if (q->event_fd >= 0 && !take_event(q)) /* else the device has masked it */
        reg_write(q->nic, REG_EIMC_EX(queue->index / 32), bit_of(queue));
}

void ixgbe_forget_wait(struct ixgbe_queue *q) {
    if (q->event_fd < 0)
        return;
    close(q->wait_fd);
    close(q->event_fd);
}
