/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal's file: lines, appended, each a note or the number of one that is struck out.
 *
 *   NUMBER TIME KIND NAMESPACE TEXT      1 77123456789 netdev 1 mtu 5 lt-a 1500 9000
 *   -NUMBER                              -1
 *
 * TIME is CLOCK_BOOTTIME in nanoseconds, by which notes of several processes are undone newest
 * first. NAMESPACE is the cookie of the network namespace, which no other one has until the machine
 * starts anew. A line without its end was being written when its process died: what it announces
 * was not done yet, what it strikes out may be undone once more.
 */
#ifndef LEAT_CORE_JOURNAL_PRIVATE_H
#define LEAT_CORE_JOURNAL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_PREFIX   "journal."
#define JOURNAL_LINE_MAX 1024
#define JOURNAL_KIND_MAX 16

struct journal_line {
    int note; /* < 0: the note -note is struck out; 0: this is no line of a journal */
    uint64_t time_ns, namespace;
    char kind[JOURNAL_KIND_MAX];
    char text[JOURNAL_LINE_MAX];
};

/* Reads the first line of `bytes`. Returns its length, its end included, or 0 when the rest is not
 * a whole line. */
size_t journal_read_line(const char *bytes, size_t count, struct journal_line *line);

/* The directory that journals lie in; `make`: makes it if it is not there. A descriptor or a
 * negative errno by leat_fail(); it is refused where others could put journals. */
int journal_open_directory(bool make);

/* Has a line on the file, at `offset`, as a whole or not at all. 0 or a negative errno. */
int journal_write(int fd, uint64_t offset, const char *line, size_t bytes);

/* The cookie of the network namespace of this thread. */
uint64_t journal_namespace(void);

#endif
