/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands to a running `leat softnic`, a line each: on a unix socket, or on standard input. */
#ifndef CMD_SOFTNIC_CONTROL_H
#define CMD_SOFTNIC_CONTROL_H

#include "softnic/softnic.h"
#include <sys/un.h>

#define CONTROL_CLIENTS 8
#define CONTROL_LINE    256

struct control_client {
    int from, to; /* file descriptors; from -1: no client */
    size_t used;
    char line[CONTROL_LINE];
};

struct softnic_control {
    int listener; /* -1: none */
    struct sockaddr_un address;
    struct control_client clients[CONTROL_CLIENTS];
};

/* `where` is a socket's path, "-" for standard input, or NULL for no control at all. 0, or a
 * negative errno after saying why on standard error. */
int softnic_control_open(struct softnic_control *control, const char *where);

/* Obeys what has come in the meantime. False: someone said "quit". */
bool softnic_control_serve(struct softnic_control *control, struct softnic *softnic);

void softnic_control_close(struct softnic_control *control);

#endif
