/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver implements: the only abstraction between a program and a device. A driver's queue
 * structure begins with struct leat_queue_head; its port's own state hangs on port->data.
 */
#ifndef LEAT_CORE_DRIVER_H
#define LEAT_CORE_DRIVER_H

#include "cache.h"
#include "cycles.h"
#include "error.h"
#include <leat/port.h>
#include <stdatomic.h>

#define LEAT_QUEUES_MAX  64
#define LEAT_OPTIONS_MAX 32

/* One "key=value" or "key" (value "") of a port's name. */
struct leat_option {
    char *key, *value;
    bool used; /* a driver asked for it; what nobody asked for is refused after open */
};

struct leat_port {
    const struct leat_port_ops *ops;
    const struct leat_driver *driver;
    char *name;    /* as opened */
    char *parts;   /* a copy, cut into address and options */
    char *address; /* between the colon and the first comma */
    struct leat_option options[LEAT_OPTIONS_MAX];
    uint32_t option_count;
    struct leat_pool *pool;
    struct leat_port_opts opts; /* the common options, defaults and name merged, ranges unchecked */
    bool queues_given; /* else opts.queues is 1, which a driver may raise to what the device has */
    struct leat_queue *queues[LEAT_QUEUES_MAX]; /* started ones */
    uint32_t index;
    void *data;             /* the driver's own */
    struct leat_stats lost; /* of queues that are gone; what the driver adds at close */
};

struct leat_port_ops {
    /* Required. Allocates and starts queue `index`: rx, tx, fields of its head. */
    int (*queue_start)(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                       struct leat_queue **queue);

    /* Required. Stops all queues and the device, gives buffers back (leat_pool_return), adds the
     * last counts to port->lost, frees everything but the port itself. Also called when open failed
     * half-way, if the driver set port->ops before. */
    void (*close)(struct leat_port *port);

    /* Optional: NULL is answered with -ENOTSUP, or for link with "up". `caps` is zeroed, but for
     * what a single queue tells. */
    void (*caps)(struct leat_port *port, struct leat_caps *caps);
    int (*link)(struct leat_port *port, struct leat_link *link);
    int (*set_promisc)(struct leat_port *port, bool on);
    int (*set_mac)(struct leat_port *port, const uint8_t mac[6]);
    int (*set_multicast)(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n);
    int (*stats)(struct leat_port *port, struct leat_stats *stats); /* adds the device's part */
    int (*counters)(struct leat_port *port, struct leat_counter *counters, uint32_t n);
    int (*queue_sent)(struct leat_queue *queue, struct leat_sent *sent, uint32_t n);
    int (*queue_fd)(struct leat_queue *queue);
    int (*queue_arm)(struct leat_queue *queue);
    void (*queue_disarm)(struct leat_queue *queue);
};

struct leat_driver {
    const char *scheme;  /* before the colon of a port's name */
    const char *summary; /* half a sentence for help */

    /* Opens port->address. Returns 0 with port->ops set, or leat_fail(). */
    int (*open)(struct leat_port *port);

    /* Optional: what there is to open, as leat_port_look(). */
    void (*look)(void (*found)(void *ctx, const struct leat_port_found *port), void *ctx);
};

/* Generated at build time from the list of drivers in meson.build; NULL-terminated. */
extern const struct leat_driver *const leat_drivers[];

/* What every queue begins with. Only the owner writes the counters; LEAT_COUNT does it so that
 * others may read at any time. */
struct leat_queue_head {
    struct leat_queue public;
    struct leat_stats stats;
    bool profile; /* time the work on the cache, once a batch */
    uint64_t buffer_cycles;
};

/* Adds to a counter of one's own queue: a plain add for the machine, never torn for a reader. */
#define LEAT_COUNT(counter, n) \
    __atomic_store_n(&(counter), (counter) + (uint64_t)(n), __ATOMIC_RELAXED)

/* Around the cache work of a batch: t = leat_profile_start(q); ... leat_profile_stop(q, t); */
static inline uint64_t leat_profile_start(const struct leat_queue_head *queue) {
    return __builtin_expect(queue->profile, 0) ? leat_cycles() : 0;
}

static inline void leat_profile_stop(struct leat_queue_head *queue, uint64_t start) {
    if (__builtin_expect(start != 0, 0))
        LEAT_COUNT(queue->buffer_cycles, leat_cycles() - start);
}

/* Splits a port's name into scheme, address and options; see options.c. */
int leat_parse_name(struct leat_port *port, const char *name, char **scheme);

/* Options of the port's name. Each returns 1 when present (and marks it used), 0 when not, or
 * leat_fail(EINVAL) with a sentence when the value is wrong. */
int leat_option_flag(struct leat_port *port, const char *key);
int leat_option_u32(struct leat_port *port, const char *key, uint32_t *value, uint32_t min,
                    uint32_t max);
int leat_option_string(struct leat_port *port, const char *key, const char **value);
/* One of `choices`, "native|generic|auto": *choice is its place there. */
int leat_option_choice(struct leat_port *port, const char *key, const char *choices, int *choice);
/* Several of `choices` joined by '+', "time+hash": a bit of *set for each. */
int leat_option_set(struct leat_port *port, const char *key, const char *choices, uint32_t *set);

/* Refuses options that nobody asked for yet: after open, and by a driver that has asked for all of
 * its own and is about to do what cannot be undone, such as emptying a file. */
int leat_option_unknown(struct leat_port *port);

#endif
