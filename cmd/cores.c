/* SPDX-License-Identifier: BSD-2-Clause */
#include "cores.h"
#include "options.h"
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CORE_LAST 1023

/* Each core once. */
static bool add(struct cores *cores, int core) {
    bool fits = cores->count < CORES_MAX;
    for (uint32_t i = 0; fits && i < cores->count; i++)
        fits = cores->core[i] != core;
    if (fits)
        cores->core[cores->count++] = core;
    return fits;
}

/* "3" or "3-5" */
static bool add_range(struct cores *cores, const char *text, size_t length) {
    char first[16], *last = first;
    uint64_t from, to;
    if (length >= sizeof(first))
        return false;
    memcpy(first, text, length);
    first[length] = '\0';
    char *dash = strchr(first, '-');
    if (dash) {
        *dash = '\0';
        last = dash + 1;
    }
    if (!options_number(first, 0, CORE_LAST, &from) || !options_number(last, from, CORE_LAST, &to))
        return false;
    for (; from <= to; from++)
        if (!add(cores, (int)from))
            return false;
    return true;
}

bool cores_parse(const char *value, void *to) {
    struct cores cores = { 0 };
    for (const char *word = value;; word++) {
        size_t length = strcspn(word, ",");
        if (!add_range(&cores, word, length))
            return options_wrong("--cores takes each core once, as in 2,4-6, not '%s'", value);
        word += length;
        if (!*word)
            break;
    }
    *(struct cores *)to = cores;
    return true;
}

/* The cores that this program runs on say little: it may leave those that taskset(1) chose, not
 * those of its cpuset. So each is tried. */
int cores_missing(const struct cores *cores) {
    cpu_set_t ours, one;
    int missing = -1;
    if (sched_getaffinity(0, sizeof(ours), &ours))
        return -1;
    for (uint32_t i = 0; i < cores->count && missing < 0; i++) {
        CPU_ZERO(&one);
        CPU_SET((size_t)cores->core[i], &one);
        if (sched_setaffinity(0, sizeof(one), &one))
            missing = cores->core[i];
    }
    sched_setaffinity(0, sizeof(ours), &ours);
    return missing;
}

uint32_t cores_ours(void) {
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? (uint32_t)CPU_COUNT(&cores) : 1;
}
