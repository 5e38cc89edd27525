/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a capture from a file or a pipe, through a window that holds at least the next frame. */
#include "capture.h"
#include "lib/core/error.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES (256u << 10)

/* Keeps the sentence, since the caller may ask again in another thread. */
static int break_reader(struct capture_reader *reader, int error) {
    reader->error = error;
    snprintf(reader->sentence, sizeof(reader->sentence), "%s", leat_error());
    return error;
}

/* Makes room for `need` bytes from the window's start on. */
static int make_room(struct capture_reader *reader, size_t need) {
    size_t held = reader->end - reader->start;
    if (reader->start + need <= reader->size)
        return 0;
    if (held > 0)
        memmove(reader->window, reader->window + reader->start, held);
    reader->position += reader->start;
    reader->start = 0;
    reader->end = held;
    if (need <= reader->size)
        return 0;
    size_t size = need > WINDOW_BYTES ? need : WINDOW_BYTES;
    uint8_t *window = realloc(reader->window, size);
    if (!window)
        return leat_fail(ENOMEM, "no memory for a block of %zu bytes", need);
    reader->window = window;
    reader->size = size;
    return 0;
}

/* Reads what there is: 1 if the window grew, 0 if a pipe has nothing now or all is read. */
static int read_more(struct capture_reader *reader) {
    struct pollfd ready = { .fd = reader->fd, .events = POLLIN };
    if (!reader->regular && poll(&ready, 1, 0) == 0)
        return 0;
    ssize_t got = read(reader->fd, reader->window + reader->end, reader->size - reader->end);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN
                   ? 0
                   : leat_fail(EIO, "cannot read: %s", strerror(errno));
    reader->at_end = got == 0;
    reader->end += (size_t)got;
    return got > 0;
}

static int at_end(struct capture_reader *reader, size_t need) {
    size_t held = reader->end - reader->start;
    if (held == 0 && reader->decoder.format != CAPTURE_UNKNOWN)
        return -ENODATA;
    return leat_fail(EIO, "the file ends at byte %llu, amid a record of at least %zu bytes",
                     (unsigned long long)(reader->position + reader->end), need);
}

/* Decodes until there is a frame, or an interface if `header_only`. */
static int decode(struct capture_reader *reader, bool header_only) {
    for (;;) {
        size_t bytes = 0;
        int found = capture_decode(&reader->decoder, reader->window + reader->start,
                                   reader->end - reader->start, &bytes, &reader->frame);
        if (found < 0) {
            char place[32];
            snprintf(place, sizeof(place), "byte %llu",
                     (unsigned long long)(reader->position + reader->start));
            return leat_fail_in(found, place);
        }
        if (found == CAPTURE_FRAME) {
            reader->frame_bytes = bytes;
            return 1;
        }
        if (found == CAPTURE_PASS) {
            reader->start += bytes;
            if (header_only && reader->decoder.interface_count > 0)
                return 1;
            continue;
        }
        int grown = make_room(reader, bytes);
        if (grown < 0 || (grown = read_more(reader)) < 0)
            return grown;
        if (grown == 0)
            return reader->at_end ? at_end(reader, bytes) : 0;
    }
}

int capture_find(struct capture_reader *reader) {
    if (reader->error == -ENODATA)
        return -ENODATA;
    if (reader->error)
        return leat_fail(-reader->error, "%s", reader->sentence);
    int found = decode(reader, false);
    return found < 0 ? break_reader(reader, found) : found;
}

int capture_rewind(struct capture_reader *reader) {
    if (lseek(reader->fd, 0, SEEK_SET) < 0)
        return leat_fail(EIO, "cannot be read again: %s", strerror(errno));
    capture_decoder_clear(&reader->decoder);
    reader->position = reader->start = reader->end = reader->frame_bytes = 0;
    reader->error = 0;
    reader->at_end = false;
    return 0;
}

/* A pipe's writer may take its time; the header of a file is there. */
static int read_header(struct capture_reader *reader) {
    for (;;) {
        int found = decode(reader, true);
        if (found == -ENODATA)
            return 0; /* a section without any interface: an empty capture */
        if (found != 0)
            return found < 0 ? found : 0;
        if (poll(&(struct pollfd){ .fd = reader->fd, .events = POLLIN }, 1, -1) < 0 &&
            errno == EINTR)
            return leat_fail(EINTR, "interrupted by a signal while it waited for the first bytes");
    }
}

static int open_source(struct capture_reader *reader, const char *path) {
    bool standard = strcmp(path, "-") == 0;
    struct stat status;
    reader->fd =
        standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0 || fstat(reader->fd, &status) < 0)
        return leat_fail(errno, "cannot open '%s' for reading: %s", path, strerror(errno));
    reader->regular = S_ISREG(status.st_mode);
    if (reader->regular)
        flock(reader->fd, LOCK_SH | LOCK_NB); /* one that is still being written is read, too */
    return 0;
}

int capture_reader_open(struct capture_reader *reader, const char *path) {
    *reader = (struct capture_reader){ .fd = -1 };
    int err = open_source(reader, path);
    if (err == 0)
        err = read_header(reader);
    if (err < 0)
        capture_reader_close(reader);
    return err;
}

void capture_reader_close(struct capture_reader *reader) {
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->window);
    capture_decoder_clear(&reader->decoder);
    *reader = (struct capture_reader){ .fd = -1 };
}
