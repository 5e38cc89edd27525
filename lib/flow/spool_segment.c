/* SPDX-License-Identifier: BSD-2-Clause */
/* A segment of the spool on disk. */
#include "spool_segment.h"
#include "lib/core/error.h"
#include "message.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As it lies in the file, in network order. */
struct note_on_disk {
    uint32_t records, templates;
    uint64_t flows, packets, octets;
};

static void name_of(char name[32], uint64_t number, const char *ending) {
    snprintf(name, 32, "%010" PRIu64 ".%s", number, ending);
}

static int open_file(struct leat_segment *segment, const char *ending, int flags) {
    char name[32];
    name_of(name, segment->number, ending);
    int fd = openat(segment->directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
    if (fd < 0)
        return leat_fail(errno, "cannot open %s: %s", name, strerror(errno));
    return fd;
}

static int open_both(struct leat_segment *segment, int flags) {
    if (segment->messages_fd < 0)
        segment->messages_fd = open_file(segment, "ipfix", flags);
    if (segment->messages_fd < 0)
        return segment->messages_fd;
    if (segment->notes_fd < 0)
        segment->notes_fd = open_file(segment, "notes", O_CREAT);
    return segment->notes_fd < 0 ? segment->notes_fd : 0;
}

int leat_segment_create(struct leat_segment *segment, int directory, uint64_t number) {
    *segment = (struct leat_segment){
        .number = number, .directory = directory, .messages_fd = -1, .notes_fd = -1
    };
    int err = open_both(segment, O_CREAT | O_EXCL);
    if (err < 0)
        leat_segment_remove(segment);
    return err;
}

void leat_segment_rest(struct leat_segment *segment) {
    if (segment->messages_fd >= 0)
        close(segment->messages_fd);
    if (segment->notes_fd >= 0)
        close(segment->notes_fd);
    segment->messages_fd = segment->notes_fd = -1;
}

void leat_segment_remove(struct leat_segment *segment) {
    char name[32];
    leat_segment_rest(segment);
    name_of(name, segment->number, "ipfix");
    unlinkat(segment->directory, name, 0);
    name_of(name, segment->number, "notes");
    unlinkat(segment->directory, name, 0);
}

/* All of it or nothing: a file longer than what counts is cut by the next start. */
static int write_at(int fd, const void *bytes, uint32_t n, uint64_t at) {
    for (uint32_t done = 0; done < n;) {
        ssize_t wrote = pwrite(fd, (const char *)bytes + done, n - done, (off_t)(at + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            int err = wrote < 0 ? errno : ENOSPC;
            return leat_fail(err, "cannot write to the spool: %s", strerror(err));
        }
        done += (uint32_t)wrote;
    }
    return 0;
}

static bool read_at(int fd, void *bytes, uint32_t n, uint64_t at) {
    for (uint32_t done = 0; done < n;) {
        ssize_t got = pread(fd, (char *)bytes + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (uint32_t)got;
    }
    return true;
}

static void pass(struct leat_segment_place *place, uint32_t n, const struct leat_spool_note *note) {
    place->messages++;
    place->octets += n;
    leat_tally_add(&place->flows, &note->flows);
}

static void count(struct leat_segment *segment, uint32_t n, const struct leat_spool_note *note) {
    const bool head = note->templates && segment->head.messages == segment->end.messages;
    pass(&segment->end, n, note);
    if (head)
        segment->head = segment->end;
}

/* The note comes first, so that a whole message has one whenever the process is killed. */
int leat_segment_append(struct leat_segment *segment, const uint8_t *message, uint32_t n,
                        const struct leat_spool_note *note) {
    const struct note_on_disk on_disk = { htobe32(note->records), htobe32(note->templates),
                                          htobe64(note->flows.records),
                                          htobe64(note->flows.packets),
                                          htobe64(note->flows.octets) };
    const uint64_t note_at = segment->end.messages * sizeof(on_disk);
    int err = open_both(segment, 0);
    if (!err)
        err = write_at(segment->notes_fd, &on_disk, sizeof(on_disk), note_at);
    if (!err)
        err = write_at(segment->messages_fd, message, n, segment->end.octets);
    if (!err)
        count(segment, n, note);
    else if (segment->messages_fd >= 0 &&
             ftruncate(segment->messages_fd, (off_t)segment->end.octets))
        return err; /* the half message is overwritten by the next, or cut off at the next start */
    return err;
}

/* Of a message without a note (the power failed before it was on disk) nothing is counted. */
static void read_note(struct leat_segment *segment, uint64_t i, struct leat_spool_note *note) {
    struct note_on_disk on_disk;
    if (!read_at(segment->notes_fd, &on_disk, sizeof(on_disk), i * sizeof(on_disk)))
        memset(&on_disk, 0, sizeof(on_disk));
    *note = (struct leat_spool_note){
        be32toh(on_disk.records),
        on_disk.templates != 0,
        { be64toh(on_disk.flows), be64toh(on_disk.packets), be64toh(on_disk.octets) },
    };
}

int leat_segment_read(struct leat_segment *segment, struct leat_segment_place *place,
                      uint8_t *message, struct leat_spool_note *note) {
    uint8_t header[LEAT_MESSAGE_HEADER];
    int err = open_both(segment, 0);
    if (err)
        return err;
    if (!read_at(segment->messages_fd, header, sizeof(header), place->octets))
        return leat_fail(EIO, "segment %" PRIu64 " of the spool has become shorter",
                         segment->number);
    const uint32_t n = leat_message_length(header);
    if (leat_message_version(header) != 10 || n < LEAT_MESSAGE_HEADER ||
        n > segment->end.octets - place->octets ||
        (message && !read_at(segment->messages_fd, message, n, place->octets)))
        return leat_fail(EIO, "segment %" PRIu64 " of the spool has no message at octet %" PRIu64,
                         segment->number, place->octets);
    if (message && leat_message_length(message) != n)
        return leat_fail(EIO, "segment %" PRIu64 " of the spool changes while it is read",
                         segment->number);
    read_note(segment, place->messages, note);
    pass(place, n, note);
    return (int)n;
}

int leat_segment_recover(struct leat_segment *segment, int directory, uint64_t number) {
    struct stat file;
    *segment = (struct leat_segment){
        .number = number, .directory = directory, .messages_fd = -1, .notes_fd = -1
    };
    int err = open_both(segment, 0);
    if (!err && fstat(segment->messages_fd, &file) < 0)
        err = leat_fail(errno, "cannot examine a segment of the spool: %s", strerror(errno));
    if (err)
        return err;
    const uint64_t size = (uint64_t)file.st_size;
    while (size - segment->end.octets >= LEAT_MESSAGE_HEADER) {
        uint8_t header[LEAT_MESSAGE_HEADER];
        struct leat_spool_note note;
        if (!read_at(segment->messages_fd, header, sizeof(header), segment->end.octets))
            break;
        const uint32_t n = leat_message_length(header);
        if (leat_message_version(header) != 10 || n < LEAT_MESSAGE_HEADER ||
            n > size - segment->end.octets)
            break;
        read_note(segment, segment->end.messages, &note);
        count(segment, n, &note);
    }
    const off_t notes = (off_t)segment->end.messages * (off_t)sizeof(struct note_on_disk);
    if (ftruncate(segment->messages_fd, (off_t)segment->end.octets) < 0 ||
        ftruncate(segment->notes_fd, notes) < 0)
        return leat_fail(errno, "cannot cut a segment of the spool: %s", strerror(errno));
    return 0;
}
