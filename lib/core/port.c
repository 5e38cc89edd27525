/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: from a name to a driver, and what all drivers share. */
#include "driver.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Atomic uint64_t indexes_in_use;

/* The lowest free one; beyond 64 open ports they share the last. */
static uint32_t take_index(void) {
    uint64_t used = atomic_load(&indexes_in_use);
    uint32_t index;
    do {
        index = ~used ? (uint32_t)__builtin_ctzll(~used) : 63;
    } while (!atomic_compare_exchange_weak(&indexes_in_use, &used, used | 1ull << index));
    return index;
}

static const struct leat_driver *find_driver(const char *scheme) {
    for (const struct leat_driver *const *driver = leat_drivers; *driver; driver++)
        if (strcmp((*driver)->scheme, scheme) == 0)
            return *driver;
    return NULL;
}

static int read_common_options(struct leat_port *port, const struct leat_port_opts *given) {
    struct leat_port_opts *opts = &port->opts;
    if (given)
        memcpy(opts, given, given->size < sizeof(*opts) ? given->size : sizeof(*opts));
    opts->queues = opts->queues ? opts->queues : 1;
    opts->rx_ring = opts->rx_ring ? opts->rx_ring : 512;
    opts->tx_ring = opts->tx_ring ? opts->tx_ring : 512;
    int err, promisc = leat_option_flag(port, "promisc");
    if ((err = promisc) < 0 ||
        (err = leat_option_u32(port, "queues", &opts->queues, 1, LEAT_QUEUES_MAX)) < 0 ||
        (err = leat_option_u32(port, "rx-ring", &opts->rx_ring, 1, 1u << 20)) < 0 ||
        (err = leat_option_u32(port, "tx-ring", &opts->tx_ring, 1, 1u << 20)) < 0)
        return err;
    opts->promisc |= promisc;
    if (opts->queues > LEAT_QUEUES_MAX)
        return leat_fail(EINVAL, "%s: %u queues; at most %d", port->name, opts->queues,
                         LEAT_QUEUES_MAX);
    return 0;
}

static int refuse_unknown_options(struct leat_port *port) {
    for (uint32_t i = 0; i < port->option_count; i++)
        if (!port->options[i].used)
            return leat_fail(EINVAL, "%s: no such option here: '%s'", port->name,
                             port->options[i].key);
    return 0;
}

static int open_driver(struct leat_port *port, const char *name,
                       const struct leat_port_opts *opts) {
    char *scheme;
    int err = leat_parse_name(port, name, &scheme);
    if (err < 0)
        return err;
    port->driver = find_driver(scheme);
    if (!port->driver)
        return leat_fail(EINVAL, "%s: no such kind of port: '%s'; 'leat ports' lists them", name,
                         scheme);
    if ((err = read_common_options(port, opts)) < 0 || (err = port->driver->open(port)) < 0)
        return err;
    return refuse_unknown_options(port);
}

int leat_port_open(struct leat_port **out, const char *name, struct leat_pool *pool,
                   const struct leat_port_opts *opts) {
    struct leat_port *port = calloc(1, sizeof(*port));
    if (!port)
        return leat_fail(ENOMEM, "%s: no memory", name);
    port->pool = pool;
    port->index = take_index();
    leat_pool_hold(pool);
    int err = open_driver(port, name, opts);
    if (err < 0) {
        char *why = strdup(leat_error()); /* closing may fail too, and say so */
        leat_port_close(port, NULL);
        leat_fail(0, "%s", why ? why : "no memory");
        free(why);
        return err;
    }
    *out = port;
    return 0;
}

void leat_port_close(struct leat_port *port, struct leat_stats *final) {
    if (!port)
        return;
    if (port->ops)
        port->ops->close(port);
    if (final)
        *final = port->lost;
    leat_pool_release(port->pool);
    atomic_fetch_and(&indexes_in_use, ~(1ull << port->index));
    free(port->parts);
    free(port->name);
    free(port);
}

int leat_port_queue(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                    struct leat_queue **queue) {
    if (index >= port->opts.queues)
        return leat_fail(EINVAL, "%s: no queue %u; it was opened with %u", port->name, index,
                         port->opts.queues);
    if (port->queues[index])
        return leat_fail(EBUSY, "%s: queue %u is started already", port->name, index);
    if (cache->pool != port->pool)
        return leat_fail(EINVAL, "%s: the cache for queue %u is of another pool", port->name,
                         index);
    int err = port->ops->queue_start(port, index, cache, queue);
    if (err == 0)
        port->queues[index] = *queue;
    return err;
}

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
            leat_stats_add(stats, &head_of(port->queues[i])->stats);
    return port->ops->stats ? port->ops->stats(port, stats) : 0;
}

void leat_port_caps(struct leat_port *port, struct leat_caps *caps, size_t size) {
    struct leat_caps full = { .driver = port->driver->scheme };
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
