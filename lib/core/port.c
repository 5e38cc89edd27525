/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: from a name to a driver, and what all drivers share. */
#include "driver.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint32_t opened; /* ports, ever: the next one's index */

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
    port->queues_given = opts->queues > 0;
    opts->queues = opts->queues ? opts->queues : 1;
    opts->rx_ring = opts->rx_ring ? opts->rx_ring : 512;
    opts->tx_ring = opts->tx_ring ? opts->tx_ring : 512;
    int err, rss = opts->rss, promisc = leat_option_flag(port, "promisc");
    int queues = leat_option_u32(port, "queues", &opts->queues, 1, LEAT_QUEUES_MAX);
    if ((err = promisc) < 0 || (err = queues) < 0 ||
        (err = leat_option_u32(port, "rx-ring", &opts->rx_ring, 1, 1u << 20)) < 0 ||
        (err = leat_option_u32(port, "tx-ring", &opts->tx_ring, 1, 1u << 20)) < 0 ||
        (err = leat_option_choice(port, "rss", "default|symmetric|prefer-symmetric", &rss)) < 0)
        return err;
    opts->rss = (enum leat_rss)rss;
    opts->promisc |= promisc;
    port->queues_given |= queues;
    if (opts->queues > LEAT_QUEUES_MAX)
        return leat_fail(EINVAL, "%s: %u queues; at most %d", port->name, opts->queues,
                         LEAT_QUEUES_MAX);
    return 0;
}

/* A driver that knows no RSS need not know the option. */
static int check_rss(struct leat_port *port) {
    struct leat_caps caps;
    if (port->opts.rss != LEAT_RSS_SYMMETRIC)
        return 0;
    leat_port_caps(port, &caps, sizeof(caps));
    return caps.rss_symmetric ? 0
                              : leat_fail(ENOTSUP,
                                          "%s: rss=symmetric: %s: ports cannot bring both "
                                          "directions of a connection to one queue; use one queue",
                                          port->name, port->driver->scheme);
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
    if ((err = read_common_options(port, opts)) < 0 || (err = port->driver->open(port)) < 0 ||
        (err = check_rss(port)) < 0)
        return err;
    return leat_option_unknown(port);
}

int leat_port_open(struct leat_port **out, const char *name, struct leat_pool *pool,
                   const struct leat_port_opts *opts) {
    struct leat_port *port = calloc(1, sizeof(*port));
    if (!port)
        return leat_fail(ENOMEM, "%s: no memory", name);
    port->pool = pool;
    port->index = atomic_fetch_add(&opened, 1) & 0xffff;
    leat_pool_hold(pool, 1);
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
    uint32_t before = private_of(port->pool)->quarantined;
    if (port->ops)
        port->ops->close(port);
    uint32_t lost = private_of(port->pool)->quarantined - before;
    if (lost)
        leat_log(LEAT_LOG_NOTICE,
                 "%s: %u buffers are set aside for ever: the device did not confirm that it let go "
                 "of them",
                 port->name, lost);
    if (final)
        *final = port->lost;
    leat_pool_hold(port->pool, -1);
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
