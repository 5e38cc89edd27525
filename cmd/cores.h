/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of cores, "2,4-6", in the order in which workers run on them. */
#ifndef CMD_CORES_H
#define CMD_CORES_H

#include <stdbool.h>
#include <stdint.h>

#define CORES_MAX 128

struct cores {
    uint32_t count; /* 0: none given */
    int core[CORES_MAX];
};

/* For OPTION_PARSED: `to` is a struct cores. */
bool cores_parse(const char *value, void *to);

/* The first one that there is not, or that this process may not run on; -1: none. */
int cores_missing(const struct cores *cores);

/* How many cores this process may run on. */
uint32_t cores_ours(void);

#endif
