/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of records, complete under their name or not there yet. */
#include "output.h"

#include "lib/core/error.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 256 << 10,
    PIECE_BYTES = 4096, /* PIPE_BUF: a pipe that poll() calls writable takes so much at once */
    PATIENCE_MS = 1000, /* with a reader that stands still */
    NAMES_MAX = 10000,  /* tried for one that is free */
};

/* What ends at an octet of the buffer. */
struct mark {
    size_t end;
    struct leat_tally tally;
};

struct leat_output {
    char name[256];
    char path[PATH_MAX], complete[PATH_MAX], part[PATH_MAX]; /* asked for; of the file at hand */
    bool plain;         /* a file of its own, with a .part; else a pipe or device */
    bool stalled;       /* the pipe's reader */
    struct mark *marks; /* of a pipe, in order */
    uint32_t mark_count, mark_room;
    bool troubled; /* and told so */
    bool gap;      /* something that was put is not in the file */
    int fd;        /* -1: the next one is not open */
    uint64_t now_ns, opened_ns, retry_ns;
    uint64_t good; /* octets of whole records in the file */
    struct leat_flow_rotation rotation;
    struct leat_text buffer;
    struct leat_tally buffered, written, lost;
    struct leat_span lost_when;
    uint64_t octets, pieces, failures;
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
};

static void tell(struct leat_output *output, const char *what, const char *why) {
    char sentence[LEAT_SENTENCE_BYTES];
    snprintf(sentence, sizeof(sentence), "%.200s: %s%s%.200s", output->name, what, why ? ": " : "",
             why ? why : "");
    if (output->told)
        output->told(output->told_ctx, sentence);
}

static void trouble(struct leat_output *output, const char *what, const char *why) {
    output->failures++;
    if (!output->troubled)
        tell(output, what, why);
    output->troubled = true;
}

static void well(struct leat_output *output) {
    if (output->troubled)
        tell(output, "writes again", NULL);
    output->troubled = false;
}

/* "flows.json" becomes "flows-20261121T075347Z.json", and -1, -2 ... where that is taken. */
static void candidate(struct leat_output *output, uint32_t number) {
    const char *slash = strrchr(output->path, '/');
    const char *base = slash ? slash + 1 : output->path;
    const char *dot = strrchr(base, '.');
    int stem = (int)((dot ? dot : base + strlen(base)) - output->path);
    char stamp[32] = "", count[16] = "";
    if (output->rotation.seconds || output->rotation.octets) {
        time_t seconds = (time_t)(output->now_ns / 1000000000);
        struct tm tm;
        strftime(stamp, sizeof(stamp), "-%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &tm));
    }
    if (number > 0)
        snprintf(count, sizeof(count), "-%u", number);
    snprintf(output->complete, sizeof(output->complete), "%.*s%s%s%s", stem, output->path, stamp,
             count, dot ? dot : "");
    size_t n = strlen(output->complete);
    memcpy(output->part, output->complete, n);
    memcpy(output->part + n, ".part", sizeof(".part"));
}

/* A .part that is there belongs to another process, or to one that died: neither is touched. */
static int open_part(struct leat_output *output) {
    bool rotates = output->rotation.seconds || output->rotation.octets;
    for (uint32_t number = 0; number < NAMES_MAX; number++) {
        candidate(output, number);
        if (rotates && access(output->complete, F_OK) == 0)
            continue;
        output->fd = open(output->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (output->fd >= 0 || errno != EEXIST)
            break;
        if (!rotates)
            tell(output, "a file of this name is being written, or was left by a process that died",
                 output->part);
    }
    return output->fd < 0 ? -errno : 0;
}

static int open_file(struct leat_output *output) {
    struct stat at;
    output->opened_ns = output->now_ns;
    output->good = 0;
    output->gap = false;
    if (strcmp(output->path, "-") == 0) {
        output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        return output->fd < 0 ? -errno : 0;
    }
    output->plain = stat(output->path, &at) != 0 || S_ISREG(at.st_mode);
    if (output->plain)
        return open_part(output);
    output->fd = open(output->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    return output->fd < 0 ? -errno : 0;
}

int leat_output_open(struct leat_output **result, const char *name, const char *path,
                     const struct leat_flow_sink_opts *opts) {
    const size_t longest = PATH_MAX - sizeof("-20261121T075347Z-10000.part");
    if (path[0] == '\0' || strlen(path) > longest)
        return leat_fail(EINVAL, "%s: cannot open the file: its path is %s", name,
                         path[0] ? "too long" : "missing; write one, or - for standard output");
    struct leat_output *output = calloc(1, sizeof(*output));
    if (!output || !leat_text_grow(&output->buffer, BUFFER_BYTES)) {
        free(output);
        return leat_fail(ENOMEM, "%s: cannot open the file: out of memory", name);
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    output->now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    snprintf(output->name, sizeof(output->name), "%s", name);
    snprintf(output->path, sizeof(output->path), "%s", path);
    output->rotation = opts->rotation;
    output->told = opts->told;
    output->told_ctx = opts->told_ctx;
    int err = open_file(output);
    if (err) {
        leat_text_free(&output->buffer);
        free(output);
        return leat_fail(-err, "%s: cannot open the file: %s", name, strerror(-err));
    }
    *result = output;
    return 0;
}

static int write_file(struct leat_output *output) {
    const struct leat_text *buffer = &output->buffer;
    for (size_t done = 0; done < buffer->n;) {
        ssize_t n = write(output->fd, buffer->bytes + done, buffer->n - done);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            done += (size_t)n;
    }
    return 0;
}

static void flush_file(struct leat_output *output) {
    int err = output->fd < 0 ? -EBADF : write_file(output);
    if (!err) {
        output->good += output->buffer.n;
        output->octets += output->buffer.n;
        output->pieces++;
        leat_tally_add(&output->written, &output->buffered);
        well(output);
    } else {
        trouble(output, "cannot write, so records are lost", strerror(-err));
        leat_output_lose(output, &output->buffered);
        output->gap = output->fd >= 0;
        /* Half a record must not stand before the next whole one. */
        if (output->fd >= 0 && ftruncate(output->fd, (off_t)output->good) == 0)
            lseek(output->fd, (off_t)output->good, SEEK_SET);
    }
    output->buffer.n = 0;
    output->buffered = (struct leat_tally){ 0 };
}

/* The reader has the first `done` octets of the buffer. Returns how many of these are of a record
 * that it has not all of. */
static size_t taken(struct leat_output *output, size_t done) {
    uint32_t whole = 0;
    size_t whole_octets = 0;
    while (whole < output->mark_count && output->marks[whole].end <= done) {
        leat_tally_add(&output->written, &output->marks[whole].tally);
        leat_tally_subtract(&output->buffered, &output->marks[whole].tally);
        whole_octets = output->marks[whole++].end;
    }
    output->mark_count -= whole;
    memmove(output->marks, output->marks + whole, output->mark_count * sizeof(*output->marks));
    for (uint32_t i = 0; i < output->mark_count; i++)
        output->marks[i].end -= done;
    output->buffer.n -= done;
    memmove(output->buffer.bytes, output->buffer.bytes + done, output->buffer.n);
    output->octets += done;
    output->pieces += done > 0;
    return done - whole_octets;
}

/* Where standard output is a file, half a record must not stand before the next whole one. */
static void cut_back(struct leat_output *output, size_t octets) {
    const off_t at = lseek(output->fd, 0, SEEK_CUR), back = at - (off_t)octets;
    struct stat file;
    if (octets && back >= 0 && fstat(output->fd, &file) == 0 && S_ISREG(file.st_mode) &&
        file.st_size == at && ftruncate(output->fd, back) == 0) {
        lseek(output->fd, back, SEEK_SET);
        output->octets -= octets;
    }
}

/* -ETIMEDOUT: the reader stands still. It is waited for once; then it is only asked, until
 * it has caught up, so that other sinks need not wait with it. */
static int write_pipe(struct leat_output *output, size_t *done) {
    const struct leat_text *buffer = &output->buffer;
    while (*done < buffer->n) {
        struct pollfd ready = { .fd = output->fd, .events = POLLOUT };
        if (poll(&ready, 1, output->stalled ? 0 : PATIENCE_MS) == 0)
            return -ETIMEDOUT;
        const size_t left = buffer->n - *done;
        ssize_t n =
            write(output->fd, buffer->bytes + *done, left < PIECE_BYTES ? left : PIECE_BYTES);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (n > 0)
            *done += (size_t)n;
    }
    return 0;
}

static void flush_pipe(struct leat_output *output) {
    size_t done = 0;
    int err = output->fd < 0 ? -EBADF : write_pipe(output, &done);
    size_t half = taken(output, done);
    if (!err) {
        output->stalled = false;
        well(output);
    } else if (err == -ETIMEDOUT) {
        if (!output->stalled)
            trouble(output, "its reader stands still: what does not fit the buffer is lost", NULL);
        output->stalled = true;
    } else {
        trouble(output, "cannot write, so records are lost", strerror(-err));
        cut_back(output, half);
        leat_output_lose(output, &output->buffered);
        output->gap = true;
        output->buffered = (struct leat_tally){ 0 };
        output->mark_count = 0;
        output->buffer.n = 0;
    }
}

void leat_output_flush(struct leat_output *output) {
    if (output->buffer.n == 0)
        return;
    if (output->plain)
        flush_file(output);
    else
        flush_pipe(output);
}

/* Of a pipe it is to be known what was in the octets that its reader took. */
static bool mark(struct leat_output *output, const struct leat_tally *tally) {
    if (output->mark_count == output->mark_room) {
        const uint32_t room = output->mark_room ? 2 * output->mark_room : 1024;
        void *more = realloc(output->marks, room * sizeof(*output->marks));
        if (!more)
            return false;
        output->marks = more;
        output->mark_room = room;
    }
    output->marks[output->mark_count++] = (struct mark){ output->buffer.n, *tally };
    return true;
}

void leat_output_put(struct leat_output *output, const void *bytes, size_t n,
                     const struct leat_tally *tally) {
    if (output->buffer.n + n > BUFFER_BYTES)
        leat_output_flush(output);
    const size_t before = output->buffer.n;
    if (before && before + n > BUFFER_BYTES) {
        output->gap = true;
        leat_output_lose(output, tally);
        return;
    }
    leat_text_put(&output->buffer, bytes, n);
    if (output->buffer.failed || (!output->plain && !mark(output, tally))) {
        output->buffer.n = before;
        output->gap = true;
        leat_output_lose(output, tally);
    } else {
        leat_tally_add(&output->buffered, tally);
    }
    output->buffer.failed = false;
}

void leat_output_lose(struct leat_output *output, const struct leat_tally *tally) {
    if (tally->records == 0)
        return;
    leat_tally_add(&output->lost, tally);
    leat_span_add(&output->lost_when, output->now_ns);
}

bool leat_output_gap(struct leat_output *output, bool *empty) {
    if (!output->gap || output->stalled) /* what has no room would have none again */
        return false;
    output->gap = false;
    *empty = (output->plain ? output->good : output->octets) + output->buffer.n == 0;
    return true;
}

static void complete(struct leat_output *output) {
    leat_output_flush(output);
    if (output->fd < 0)
        return;
    int err = close(output->fd) ? errno : 0;
    output->fd = -1;
    if (!err && output->plain && rename(output->part, output->complete) != 0)
        err = errno;
    if (err)
        trouble(output, "cannot complete the file", strerror(err));
}

void leat_output_close(struct leat_output *output, struct leat_flow_sink_stats *final) {
    output->stalled = false; /* the last chance */
    complete(output);
    leat_output_lose(output, &output->buffered);
    output->buffered = (struct leat_tally){ 0 };
    if (final) {
        leat_output_stats(output, final);
        if (!output->troubled)
            strcpy(final->state, "closed");
    }
    leat_text_free(&output->buffer);
    free(output->marks);
    free(output);
}

bool leat_output_due(const struct leat_output *output) {
    const struct leat_flow_rotation *rotation = &output->rotation;
    if (output->fd < 0)
        return output->now_ns >= output->retry_ns;
    if (!output->plain)
        return false;
    return (rotation->octets && output->good + output->buffer.n >= rotation->octets) ||
           (rotation->seconds &&
            output->now_ns >= output->opened_ns + rotation->seconds * 1000000000);
}

bool leat_output_rotate(struct leat_output *output) {
    complete(output);
    int err = open_file(output);
    if (err) {
        trouble(output, "cannot begin the next file, so records are lost", strerror(-err));
        output->retry_ns = output->now_ns + 1000000000;
    }
    return !err;
}

void leat_output_tick(struct leat_output *output, uint64_t now_ns) {
    output->now_ns = now_ns;
    leat_output_flush(output);
}

void leat_output_stats(const struct leat_output *output, struct leat_flow_sink_stats *stats) {
    *stats = (struct leat_flow_sink_stats){
        .records = output->written.records,
        .octets = output->octets,
        .messages = output->pieces,
        .held = output->buffered.records,
        .failures = output->failures,
        .lost_when = output->lost_when,
    };
    leat_tally_lost(&output->lost, stats);
    snprintf(stats->state, sizeof(stats->state), "%s", output->troubled ? "in trouble" : "writing");
}
