/* SPDX-License-Identifier: BSD-2-Clause */
/* This process's own journal: a file that is there as long as it has notes that stand. */
#include "journal.h"
#include "error.h"
#include "journal_private.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAMES_TRIED 100

static struct {
    pthread_mutex_t lock;
    int fd, directory; /* -1: this process has no note that stands */
    char name[48];
    uint64_t bytes;
    uint32_t standing;
    int last;      /* number of the latest note */
    int inherited; /* notes up to this one are a parent's */
} own = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .directory = -1 };

static const char *directory_name(void) {
    const char *name = secure_getenv("LEAT_RUN_DIR");
    return name ? name : "/run/leat";
}

int journal_open_directory(bool make) {
    const char *name = directory_name();
    struct stat status;
    if (make && mkdir(name, 0755) < 0 && errno != EEXIST)
        return leat_fail(errno, "journal: cannot make %s: %s", name, strerror(errno));
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return leat_fail(errno, "journal: cannot open %s: %s", name, strerror(errno));
    if (fstat(fd, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid()) &&
        !(status.st_mode & (S_IWGRP | S_IWOTH)))
        return fd;
    close(fd);
    return leat_fail(EPERM, "journal: others may write to %s; make it root's, mode 0755", name);
}

int journal_write(int fd, uint64_t offset, const char *line, size_t bytes) {
    ssize_t written = pwrite(fd, line, bytes, (off_t)offset);
    int err = written < 0 ? errno : written < (ssize_t)bytes ? ENOSPC : 0;
    if (!err && fsync(fd) < 0)
        err = errno;
    if (err && ftruncate(fd, (off_t)offset) < 0)
        return -errno;
    return -err;
}

uint64_t journal_namespace(void) {
    uint64_t cookie = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t bytes = sizeof(cookie);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &bytes) < 0)
        cookie = 0;
    if (fd >= 0)
        close(fd);
    return cookie;
}

/* Who replays may find the file before it is locked, take it for one that was left, and remove it.
 */
static bool lock_own(int fd) {
    struct stat status;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 && status.st_nlink > 0;
}

static int create_own(void) {
    int directory = journal_open_directory(true), err = EEXIST;
    if (directory < 0)
        return directory;
    for (int i = 0; i < NAMES_TRIED && err == EEXIST; i++) {
        snprintf(own.name, sizeof(own.name), JOURNAL_PREFIX "%d.%d", getpid(), i);
        int fd = openat(directory, own.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 && lock_own(fd)) {
            own.fd = fd;
            own.directory = directory;
            own.bytes = own.standing = 0;
            return 0;
        }
        err = fd < 0 ? errno : EEXIST;
        if (fd >= 0)
            close(fd);
    }
    close(directory);
    return leat_fail(err, "journal: cannot make %s/%s: %s", directory_name(), own.name,
                     strerror(err));
}

static void forget_own(void) {
    close(own.fd);
    close(own.directory);
    own.fd = own.directory = -1;
}

static int append(const char *line, size_t bytes) {
    int err = journal_write(own.fd, own.bytes, line, bytes);
    if (err)
        return leat_fail(-err, "journal: cannot write %s/%s: %s", directory_name(), own.name,
                         strerror(-err));
    own.bytes += bytes;
    return 0;
}

static int append_note(const char *kind, const char *text) {
    char line[JOURNAL_LINE_MAX];
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    int bytes = snprintf(line, sizeof(line), "%d %llu %s %llu %s\n", own.last + 1,
                         now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec, kind,
                         (unsigned long long)journal_namespace(), text);
    if (bytes >= (int)sizeof(line) || strchr(text, '\n'))
        return leat_fail(EINVAL, "journal: a note is one line of %d bytes at most",
                         JOURNAL_LINE_MAX);
    int err = append(line, (size_t)bytes);
    if (err)
        return err;
    own.standing++;
    return ++own.last;
}

static void remove_if_empty(void) {
    if (own.standing > 0)
        return;
    unlinkat(own.directory, own.name, 0);
    forget_own();
}

static void before_fork(void) {
    pthread_mutex_lock(&own.lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&own.lock);
}

/* The lock lasts until the last descriptor of the open file is closed, the child's too. */
static void after_fork_in_child(void) {
    if (own.fd >= 0)
        forget_own();
    own.inherited = own.last;
    pthread_mutex_unlock(&own.lock);
}

static void watch_forks(void) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int leat_journal_note(const struct leat_journal_kind *kind, const char *text) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&own.lock);
    int note = own.fd >= 0 ? 0 : create_own();
    if (note == 0) {
        note = append_note(kind->name, text);
        remove_if_empty();
    }
    pthread_mutex_unlock(&own.lock);
    return note;
}

void leat_journal_strike(int note) {
    char line[16];
    pthread_mutex_lock(&own.lock);
    if (own.fd >= 0 && note > own.inherited && note <= own.last) {
        append(line, (size_t)snprintf(line, sizeof(line), "-%d\n", note));
        own.standing--;
        remove_if_empty();
    }
    pthread_mutex_unlock(&own.lock);
}
