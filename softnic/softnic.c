/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedding interface: ports and their turns.
 */
#include "error.h"
#include "ports.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FRAMES_EACH_TURN  128
#define TURNS_UNTIL_TIRED 10000 /* idle ones in a row, before sleep_when_idle sleeps */
#define SLEEP_MS          1     /* wires have no descriptor to wake us */

/* A look at the sockets costs a system call, about 400 ns: seldom while frames flow, more often
 * when none do, always for a while after a message, since drivers ask one thing after the other. */
#define TURNS_BETWEEN_LOOKS      64
#define IDLE_TURNS_BETWEEN_LOOKS 8
#define TALKING_TURNS            64

/* Its partner is the nearest port before it that also wants one and has none yet. */
static struct wire *peer_of(const struct softnic *softnic, const struct softnic_opts *opts,
                            uint32_t number) {
    struct wire *peer = NULL;
    for (uint32_t i = 0; i < number; i++)
        if (strncmp(opts->ports[i].wire, "pair", 4) == 0)
            peer = peer ? NULL : softnic->ports[i].wire;
    return peer;
}

static int open_port(struct softnic *softnic, const struct softnic_opts *opts, uint32_t number) {
    struct port *port = &softnic->ports[number];
    const struct softnic_port *wanted = &opts->ports[number];
    if (!wanted->wire)
        return softnic_fail(
            EINVAL, "port %u: cannot open: no wire is given; 'loop' is the simplest", number);
    int error = device_open(&port->server.device, &wanted->nic, wanted->no_mmap);
    if (error)
        return error;
    struct nic *nic = port->server.device.nic;
    struct wire *peer =
        strncmp(wanted->wire, "pair", 4) == 0 ? peer_of(softnic, opts, number) : NULL;
    error = wire_open(&port->wire, wanted->wire, nic, peer);
    if (error)
        return error;
    nic_attach_wire(nic, port->wire);
    return wanted->socket ? server_listen(&port->server, wanted->socket)
                          : server_adopt(&port->server, wanted->fd);
}

/* What a caller handed over stays its own when nothing comes of it. */
static void disown_handed_over(struct softnic *softnic) {
    for (uint32_t i = 0; i < softnic->count; i++)
        if (!softnic->ports[i].server.path[0])
            softnic->ports[i].server.client.fd = -1;
}

int softnic_create(struct softnic **created, const struct softnic_opts *opts) {
    *created = NULL;
    if (opts->port_count == 0 || opts->port_count > SOFTNIC_PORTS_MAX)
        return softnic_fail(EINVAL, "softnic: cannot make %u ports: 1 to %d are possible",
                            opts->port_count, SOFTNIC_PORTS_MAX);
    struct softnic *softnic = calloc(1, sizeof(*softnic));
    struct port *ports = calloc(opts->port_count, sizeof(*ports));
    if (!softnic || !ports) {
        free(softnic);
        free(ports);
        return softnic_fail(ENOMEM, "softnic: no memory for %u ports", opts->port_count);
    }
    softnic->ports = ports;
    softnic->sleep_when_idle = opts->sleep_when_idle;
    softnic->epoll = epoll_create1(EPOLL_CLOEXEC);
    int error = softnic->epoll < 0
                    ? softnic_fail(errno, "softnic: cannot make an epoll: %s", strerror(errno))
                    : 0;
    for (uint32_t i = 0; i < opts->port_count && !error; i++) {
        server_init(&ports[i].server, softnic->epoll, i);
        softnic->count = i + 1;
        error = open_port(softnic, opts, i);
    }
    if (error) {
        disown_handed_over(softnic);
        softnic_destroy(softnic);
        return error;
    }
    *created = softnic;
    return 0;
}

void softnic_destroy(struct softnic *softnic) {
    if (!softnic)
        return;
    for (uint32_t i = 0; i < softnic->count; i++)
        server_close(&softnic->ports[i].server);
    for (uint32_t i = 0; i < softnic->count; i++)
        if (softnic->ports[i].wire)
            wire_close(softnic->ports[i].wire);
    for (uint32_t i = 0; i < softnic->count; i++)
        device_close(&softnic->ports[i].server.device);
    if (softnic->epoll >= 0)
        close(softnic->epoll);
    free(softnic->ports);
    free(softnic);
}

/* Handles what the sockets have to say, waiting for it at most `timeout_ms`. */
static uint32_t look_at_sockets(struct softnic *softnic, int timeout_ms) {
    struct epoll_event events[SOFTNIC_PORTS_MAX * SERVER_SOURCES];
    uint32_t work = 0;
    softnic->unlooked_turns = 0;
    int ready = epoll_wait(softnic->epoll, events, SOFTNIC_PORTS_MAX * SERVER_SOURCES, timeout_ms);
    for (int i = 0; i < ready; i++) {
        uint64_t which = events[i].data.u64;
        work += server_serve(&softnic->ports[which / SERVER_SOURCES].server,
                             (enum server_source)(which % SERVER_SOURCES));
    }
    if (work)
        softnic->talking_turns = TALKING_TURNS;
    return work;
}

static uint32_t look_if_due(struct softnic *softnic) {
    bool tired = softnic->sleep_when_idle && softnic->idle_turns == TURNS_UNTIL_TIRED;
    uint32_t between = softnic->idle_turns ? IDLE_TURNS_BETWEEN_LOOKS : TURNS_BETWEEN_LOOKS;
    if (softnic->talking_turns)
        softnic->talking_turns--;
    else if (!tired && ++softnic->unlooked_turns < between)
        return 0;
    return look_at_sockets(softnic, tired ? SLEEP_MS : 0);
}

/* After what its driver did in this turn: a device that must not, or cannot, go on. */
static void check_port(struct softnic *softnic, struct port *port) {
    struct server *server = &port->server;
    if (server->device.dma.vanished)
        server_disconnect(server);
    if (server->device.violation[0] && server_is_plugged(server)) {
        server_unplug(server);
        if (!softnic->violation)
            softnic->violation = server->device.violation;
    }
}

uint32_t softnic_poll(struct softnic *softnic) {
    uint32_t work = look_if_due(softnic);
    for (uint32_t i = 0; i < softnic->count; i++) {
        struct port *port = &softnic->ports[i];
        work += nic_poll(port->server.device.nic, FRAMES_EACH_TURN);
        work += port->wire->ops->poll(port->wire, FRAMES_EACH_TURN);
    }
    for (uint32_t i = 0; i < softnic->count; i++) {
        nic_deliver_done(softnic->ports[i].server.device.nic);
        check_port(softnic, &softnic->ports[i]);
    }
    if (work)
        softnic->idle_turns = 0;
    else if (softnic->idle_turns < TURNS_UNTIL_TIRED)
        softnic->idle_turns++;
    return work;
}

int softnic_run(struct softnic *softnic) {
    while (!atomic_load_explicit(&softnic->stop, memory_order_relaxed)) {
        softnic_poll(softnic);
        if (softnic->violation)
            return softnic_fail(EPROTO, "%s", softnic->violation);
    }
    return 0;
}

void softnic_stop(struct softnic *softnic) {
    atomic_store_explicit(&softnic->stop, true, memory_order_relaxed);
}

const char *softnic_violation(const struct softnic *softnic) {
    return softnic->violation;
}

bool softnic_done(const struct softnic *softnic) {
    for (uint32_t i = 0; i < softnic->count; i++)
        if (!softnic->ports[i].wire->ops->done(softnic->ports[i].wire))
            return false;
    return true;
}

bool softnic_connected(const struct softnic *softnic, uint32_t port) {
    return port < softnic->count && server_is_connected(&softnic->ports[port].server);
}

void softnic_port_stats(const struct softnic *softnic, uint32_t port, struct nic_stats *nic,
                        struct wire_stats *wire) {
    if (nic)
        nic_stats(softnic->ports[port].server.device.nic, nic);
    if (wire)
        wire_stats(softnic->ports[port].wire, wire);
}
