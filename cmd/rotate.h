/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that a capture is written to, one after the other, named as tcpdump does. */
#ifndef CMD_ROTATE_H
#define CMD_ROTATE_H

#include <leat/port.h>
#include <time.h>

struct rotate_opts {
    const char *name;   /* "-": standard output; with `seconds`, a format of strftime() */
    uint64_t megabytes; /* -C: begin a new file beyond so many; 0: never */
    uint32_t seconds;   /* -G: and after so long; 0: never */
    uint32_t files;     /* -W: so many; with -C a ring of files, with -G the end; 0: no bound */
    uint32_t snaplen;   /* 0: whole frames */
};

struct rotate {
    const struct rotate_opts *opts;
    struct leat_cache *cache;
    struct leat_port *port;
    struct leat_queue *queue; /* to write to; changes with the file */
    char path[4096 + 32];     /* PATH_MAX, and room to be too long */
    uint32_t number;          /* of files by -C since the last one by -G */
    uint32_t opened;          /* files so far */
    time_t since;             /* when the file by -G was begun */
    struct leat_stats closed; /* of the files before */
};

/* Opens the first file. As all of the session's functions: 0, or a negative errno after saying why
 * on standard error. */
int rotate_open(struct rotate *rotate, const struct rotate_opts *opts, struct leat_cache *cache);

/* Before frames that arrive at `now` are written: goes on to the next file where it is time to.
 * Returns 1 when the last file is full, or a negative errno with leat_error() telling why. */
int rotate_look(struct rotate *rotate, time_t now);

/* Closes the file and adds up what was written to all of them. */
void rotate_close(struct rotate *rotate, struct leat_stats *stats);

#endif
