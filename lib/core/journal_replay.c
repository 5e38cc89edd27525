/* SPDX-License-Identifier: BSD-2-Clause */
/* Journals that nobody holds any more: their notes are undone, newest first, and struck out one by
 * one, so that whoever is killed while replaying leaves the rest to the next start. */
#include "error.h"
#include "journal.h"
#include "journal_private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct orphan {
    struct orphan *next;
    int fd;
    uint64_t bytes; /* of whole lines */
    uint32_t standing;
    char name[256];
};

struct left_note {
    struct left_note *next; /* newest first */
    struct orphan *orphan;
    struct journal_line line;
};

struct leftovers {
    struct orphan *orphans;
    struct left_note *notes;
};

static void parse_line(const char *text, struct journal_line *line) {
    int at = 0;
    if (sscanf(text, "-%9d%n", &line->note, &at) == 1 && at > 0 && !text[at] && line->note > 0)
        line->note = -line->note;
    else if (sscanf(text, "%9d %" SCNu64 " %15s %" SCNu64 " %n", &line->note, &line->time_ns,
                    line->kind, &line->namespace, &at) == 4 &&
             at > 0 && line->note > 0)
        snprintf(line->text, sizeof(line->text), "%s", text + at);
    else
        line->note = 0;
}

size_t journal_read_line(const char *bytes, size_t count, struct journal_line *line) {
    char text[JOURNAL_LINE_MAX];
    const char *end = memchr(bytes, '\n', count);
    if (!end)
        return 0;
    size_t length = (size_t)(end - bytes);
    *line = (struct journal_line){ 0 };
    if (length < sizeof(text) && !memchr(bytes, '\0', length)) {
        memcpy(text, bytes, length);
        text[length] = '\0';
        parse_line(text, line);
    }
    return length + 1;
}

static void add_note(struct leftovers *left, struct orphan *orphan,
                     const struct journal_line *line) {
    struct left_note **at = &left->notes, *note = malloc(sizeof(*note));
    orphan->standing++; /* also without memory: then it stays for a later start */
    if (!note)
        return;
    while (*at && (*at)->line.time_ns > line->time_ns)
        at = &(*at)->next;
    *note = (struct left_note){ *at, orphan, *line };
    *at = note;
}

static void remove_note(struct left_note **at) {
    struct left_note *note = *at;
    note->orphan->standing--;
    *at = note->next;
    free(note);
}

static void strike_note(struct leftovers *left, const struct orphan *orphan, int number) {
    struct left_note **at = &left->notes;
    while (*at && ((*at)->orphan != orphan || (*at)->line.note != number))
        at = &(*at)->next;
    if (*at)
        remove_note(at);
}

static void read_lines(struct leftovers *left, struct orphan *orphan, const char *text,
                       size_t bytes) {
    struct journal_line line;
    size_t length;
    while ((length = journal_read_line(text + orphan->bytes, bytes - orphan->bytes, &line)) > 0) {
        orphan->bytes += length;
        if (line.note > 0)
            add_note(left, orphan, &line);
        else if (line.note < 0)
            strike_note(left, orphan, -line.note);
    }
}

/* A journal that nobody holds, of root or of the same user; NULL: it is none of our business. */
static struct orphan *lock_orphan(int directory, const char *name, struct stat *status) {
    struct orphan *orphan = calloc(1, sizeof(*orphan));
    int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (orphan && fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, status) == 0 &&
        S_ISREG(status->st_mode) && status->st_nlink > 0 &&
        (status->st_uid == 0 || status->st_uid == geteuid())) {
        orphan->fd = fd;
        snprintf(orphan->name, sizeof(orphan->name), "%s", name);
        return orphan;
    }
    if (fd >= 0)
        close(fd);
    free(orphan);
    return NULL;
}

static void find_orphan(struct leftovers *left, int directory, const char *name) {
    struct stat status;
    struct orphan *orphan = lock_orphan(directory, name, &status);
    if (!orphan)
        return;
    size_t bytes = (size_t)status.st_size;
    char *text = malloc(bytes + 1);
    if (text && pread(orphan->fd, text, bytes, 0) == (ssize_t)bytes)
        read_lines(left, orphan, text, bytes);
    else
        orphan->standing++;
    free(text);
    orphan->next = left->orphans;
    left->orphans = orphan;
}

static const struct leat_journal_kind *kind_of(const struct journal_line *line,
                                               const struct leat_journal_kind *const *kinds) {
    while (*kinds && strcmp((*kinds)->name, line->kind) != 0)
        kinds++;
    return *kinds;
}

/* Undone, or nothing there any more. */
static bool undo(const struct left_note *note, const struct leat_journal_kind *const *kinds) {
    const struct leat_journal_kind *kind = kind_of(&note->line, kinds);
    if (!kind)
        return false;
    bool here = note->line.namespace == journal_namespace();
    if (!here && (!kind->gone || !kind->gone(note->line.text)))
        return false;
    int err = here ? kind->undo(note->line.text) : 0;
    if (err && err != -ENODEV && err != -ENOENT) {
        leat_log(LEAT_LOG_NOTICE, "journal: what a process left cannot be undone: %s",
                 leat_error());
        return false;
    }
    char line[16];
    int bytes = snprintf(line, sizeof(line), "-%d\n", note->line.note);
    if (journal_write(note->orphan->fd, note->orphan->bytes, line, (size_t)bytes) == 0)
        note->orphan->bytes += (uint64_t)bytes;
    return true;
}

static int undo_all(struct leftovers *left, const struct leat_journal_kind *const *kinds) {
    int undone = 0;
    for (struct left_note **at = &left->notes; *at;) {
        if (undo(*at, kinds)) {
            remove_note(at);
            undone++;
        } else {
            at = &(*at)->next;
        }
    }
    return undone;
}

static void release(struct leftovers *left, int directory) {
    for (struct left_note *note = left->notes, *next; note; note = next) {
        next = note->next;
        free(note);
    }
    for (struct orphan *orphan = left->orphans, *next; orphan; orphan = next) {
        next = orphan->next;
        if (orphan->standing == 0)
            unlinkat(directory, orphan->name, 0);
        close(orphan->fd);
        free(orphan);
    }
}

int leat_journal_replay(const struct leat_journal_kind *const *kinds) {
    struct leftovers left = { 0 };
    int directory = journal_open_directory(false);
    DIR *entries = directory < 0 ? NULL : fdopendir(directory);
    if (!entries) {
        if (directory >= 0)
            close(directory);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(entries));)
        if (strncmp(entry->d_name, JOURNAL_PREFIX, strlen(JOURNAL_PREFIX)) == 0)
            find_orphan(&left, directory, entry->d_name);
    int undone = undo_all(&left, kinds);
    release(&left, directory);
    closedir(entries);
    return undone;
}
