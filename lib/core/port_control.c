/* SPDX-License-Identifier: BSD-2-Clause */
/* What ports tell of themselves, and what only some can do: -ENOTSUP by the others. */
#include "driver.h"
#include <errno.h>
#include <string.h>
#include <time.h>

static const struct leat_queue_head *head_of(const struct leat_queue *queue) {
    return (const struct leat_queue_head *)queue;
}

void leat_queue_stats(const struct leat_queue *queue, struct leat_stats *stats) {
    *stats = (struct leat_stats){ 0 };
    leat_stats_add(stats, &head_of(queue)->stats);
}

int leat_port_stats(struct leat_port *port, struct leat_stats *stats) {
    *stats = port->lost;
    for (uint32_t i = 0; i < port->opts.queues; i++)
        if (port->queues[i])
            leat_stats_add(stats, &((struct leat_queue_head *)port->queues[i])->stats);
    return port->ops->stats ? port->ops->stats(port, stats) : 0;
}

void leat_port_caps(struct leat_port *port, struct leat_caps *caps, size_t size) {
    struct leat_caps full = { .driver = port->driver->scheme,
                              .rss_symmetric = port->opts.queues == 1 };
    if (port->ops->caps)
        port->ops->caps(port, &full);
    memcpy(caps, &full, size < sizeof(full) ? size : sizeof(full));
}

int leat_port_link(struct leat_port *port, struct leat_link *link) {
    *link = (struct leat_link){ .up = true };
    return port->ops->link ? port->ops->link(port, link) : 0;
}

int leat_port_wait_link(struct leat_port *port, uint32_t timeout_ms) {
    struct leat_link link;
    for (uint32_t waited_ms = 0;; waited_ms += 10) {
        int err = leat_port_link(port, &link);
        if (err < 0 || link.up)
            return err;
        if (waited_ms >= timeout_ms)
            return leat_fail(ETIMEDOUT, "%s: no link after %u ms; is the cable in?", port->name,
                             timeout_ms);
        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
    }
}

const char *leat_port_name(const struct leat_port *port) {
    return port->name;
}

uint32_t leat_port_index(const struct leat_port *port) {
    return port->index;
}

struct leat_pool *leat_port_pool(const struct leat_port *port) {
    return port->pool;
}

static int not_supported(struct leat_port *port, const char *what) {
    return leat_fail(ENOTSUP, "%s: cannot %s: %s: ports have no such thing", port->name, what,
                     port->driver->scheme);
}

int leat_port_set_promisc(struct leat_port *port, bool on) {
    return port->ops->set_promisc ? port->ops->set_promisc(port, on)
                                  : not_supported(port, "change promiscuous mode");
}

int leat_port_set_mac(struct leat_port *port, const uint8_t mac[6]) {
    return port->ops->set_mac ? port->ops->set_mac(port, mac)
                              : not_supported(port, "set an address");
}

int leat_port_set_multicast(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n) {
    return port->ops->set_multicast ? port->ops->set_multicast(port, groups, n)
                                    : not_supported(port, "filter multicast groups");
}

int leat_port_counters(struct leat_port *port, struct leat_counter *counters, uint32_t n) {
    return port->ops->counters ? port->ops->counters(port, counters, n) : 0;
}

int leat_queue_sent(struct leat_queue *queue, struct leat_sent *sent, uint32_t n) {
    return queue->port->ops->queue_sent ? queue->port->ops->queue_sent(queue, sent, n)
                                        : not_supported(queue->port, "tell times of sending");
}

int leat_queue_fd(struct leat_queue *queue) {
    return queue->port->ops->queue_fd ? queue->port->ops->queue_fd(queue)
                                      : not_supported(queue->port, "wait");
}

int leat_queue_arm(struct leat_queue *queue) {
    return queue->port->ops->queue_arm ? queue->port->ops->queue_arm(queue)
                                       : not_supported(queue->port, "wait");
}

void leat_queue_disarm(struct leat_queue *queue) {
    if (queue->port->ops->queue_disarm)
        queue->port->ops->queue_disarm(queue);
}

void leat_queue_profile(struct leat_queue *queue, bool on) {
    ((struct leat_queue_head *)queue)->profile = on;
}

uint64_t leat_queue_buffer_cycles(const struct leat_queue *queue) {
    return __atomic_load_n(&head_of(queue)->buffer_cycles, __ATOMIC_RELAXED);
}

/* Only counted up to `i`: the list may be empty. */
static const struct leat_driver *kind(uint32_t i) {
    const struct leat_driver *const *driver = leat_drivers;
    while (*driver && i > 0) {
        driver++;
        i--;
    }
    return *driver;
}

const char *leat_port_kind(uint32_t i) {
    return kind(i) ? kind(i)->scheme : NULL;
}

const char *leat_port_kind_summary(uint32_t i) {
    return kind(i) ? kind(i)->summary : NULL;
}

void leat_port_look(void (*found)(void *ctx, const struct leat_port_found *port), void *ctx) {
    for (const struct leat_driver *const *driver = leat_drivers; *driver; driver++)
        if ((*driver)->look)
            (*driver)->look(found, ctx);
}
