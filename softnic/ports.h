/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a softnic is made of; for softnic.c and command.c.
 */
#ifndef SOFTNIC_PORTS_H
#define SOFTNIC_PORTS_H

#include "server.h"
#include "softnic.h"
#include <stdatomic.h>

struct port {
    struct server server;
    struct wire *wire;
};

struct softnic {
    struct port *ports;
    uint32_t count;
    int epoll;
    bool sleep_when_idle;
    uint32_t idle_turns;     /* in a row */
    uint32_t unlooked_turns; /* since the last look at the sockets */
    uint32_t talking_turns;  /* left, in which a driver that just asked may ask again */
    const char *violation;
    atomic_bool stop;
};

#endif
