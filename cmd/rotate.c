/* SPDX-License-Identifier: BSD-2-Clause */
#include "rotate.h"
#include "session.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Digits that the numbers of a ring of files need, so that they sort by name. */
static int digits(uint32_t files) {
    int n = 1;
    for (uint32_t last = files ? files - 1 : 0; last >= 10; last /= 10)
        n++;
    return n;
}

/* FILE, FILE1, FILE2 ... by -C; FILE00, FILE01 ... with -W too. What is too long for a path is cut,
 * still too long, and refused by the system when it is opened. */
static void set_path(struct rotate *rotate) {
    const struct rotate_opts *opts = rotate->opts;
    char base[sizeof(rotate->path) - 16];
    struct tm local;
    if (!opts->seconds ||
        !strftime(base, sizeof(base), opts->name, localtime_r(&rotate->since, &local)))
        snprintf(base, sizeof(base), "%s", opts->name);
    bool ring = opts->megabytes && opts->files;
    if (ring)
        snprintf(rotate->path, sizeof(rotate->path), "%s%0*u", base, digits(opts->files),
                 rotate->number);
    else if (rotate->number)
        snprintf(rotate->path, sizeof(rotate->path), "%s%u", base, rotate->number);
    else
        snprintf(rotate->path, sizeof(rotate->path), "%s", base);
}

static int open_file(struct rotate *rotate) {
    char name[sizeof(rotate->path) + 32];
    set_path(rotate);
    int end = snprintf(name, sizeof(name), "pcap:>%s", rotate->path);
    if (rotate->opts->snaplen)
        snprintf(name + end, sizeof(name) - (size_t)end, ",snaplen=%u", rotate->opts->snaplen);
    const struct leat_port_opts opts = { .size = sizeof(opts) };
    int status = leat_port_open(&rotate->port, name, leat_cache_pool(rotate->cache), &opts);
    if (status == 0)
        status = leat_port_queue(rotate->port, 0, rotate->cache, &rotate->queue);
    rotate->opened++;
    return status;
}

static void close_file(struct rotate *rotate) {
    if (!rotate->port)
        return; /* the next file could not be opened */
    struct leat_stats stats = { 0 };
    leat_port_close(rotate->port, &stats);
    leat_stats_add(&rotate->closed, &stats);
    rotate->port = NULL;
}

int rotate_open(struct rotate *rotate, const struct rotate_opts *opts, struct leat_cache *cache) {
    *rotate = (struct rotate){ .opts = opts, .cache = cache, .since = time(NULL) };
    int status = open_file(rotate);
    return status ? session_error(status) : 0;
}

static bool full(const struct rotate *rotate) {
    struct stat file;
    return rotate->opts->megabytes && stat(rotate->path, &file) == 0 &&
           (uint64_t)file.st_size > rotate->opts->megabytes * 1000000;
}

int rotate_look(struct rotate *rotate, time_t now) {
    const struct rotate_opts *opts = rotate->opts;
    bool late = opts->seconds && now - rotate->since >= (time_t)opts->seconds;
    if (!late && !full(rotate))
        return 0;
    if (late && opts->files && !opts->megabytes && rotate->opened >= opts->files)
        return 1;
    if (late) {
        rotate->since = now;
        rotate->number = 0;
    } else {
        rotate->number++;
        if (opts->files && rotate->number == opts->files)
            rotate->number = 0;
    }
    close_file(rotate);
    return open_file(rotate);
}

void rotate_close(struct rotate *rotate, struct leat_stats *stats) {
    close_file(rotate);
    *stats = rotate->closed;
}
