/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What client and server tell each other in VERSION.
 */
#ifndef SOFTNIC_VERSION_H
#define SOFTNIC_VERSION_H

#include "protocol.h"
#include <stdbool.h>
#include <stdint.h>

struct version_terms {
    uint32_t fds_max;      /* descriptors the client takes in one message */
    uint32_t transfer_max; /* bytes of data in one message, for both of us */
    bool write_multiple;   /* the client may send WRITE_MULTI */
};

/* 0 with the client's terms, -EINVAL when the proposal is malformed, -EPROTONOSUPPORT when it is of
 * another major version. */
int version_read(const struct message *proposal, struct version_terms *terms);

/* Our answer: the bytes of it. */
uint32_t version_write(const struct version_terms *terms, void *payload);

#endif
