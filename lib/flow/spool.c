/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool: its segments in order, how far they were read, and how far they were dropped. */
#include "spool.h"
#include "lib/core/error.h"
#include "message.h"
#include "spool_layout.h"
#include "spool_segment.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_OCTETS_MIN 65536
#define SEGMENT_OCTETS_MAX (16 << 20)
#define SEGMENTS_A_SPOOL   16 /* and a few more, where templates changed */

struct leat_spool {
    char *directory;
    int directory_fd, position_fd;
    uint64_t octets_max, segment_octets;
    struct leat_segment *segments; /* oldest first */
    uint32_t segment_count, segment_room;
    bool appending;       /* to the last one, which was made by this process */
    uint64_t next_number; /* never one that the position may speak of */
    uint8_t *templates;
    uint32_t templates_n;
    uint32_t reading; /* index of the segment to be read next; segment_count: of none yet */
    struct leat_segment_place read;
    struct leat_segment_place dropped; /* in the oldest segment, never before its templates */
};

/* As it lies in the file `position`, in network order. */
struct position {
    uint64_t number, octets, messages;
};

static void save_position(struct leat_spool *spool) {
    const struct position position = {
        htobe64(spool->segments[0].number),
        htobe64(spool->dropped.octets),
        htobe64(spool->dropped.messages),
    };
    /* If it fails, messages may be sent twice after a restart; none is lost. */
    if (pwrite(spool->position_fd, &position, sizeof(position), 0) < 0)
        leat_log(LEAT_LOG_NOTICE, "%s: cannot note how far it was sent: %s", spool->directory,
                 strerror(errno));
}

static void drop_segment(struct leat_spool *spool) {
    leat_segment_remove(&spool->segments[0]);
    spool->segment_count--;
    memmove(spool->segments, spool->segments + 1, spool->segment_count * sizeof(*spool->segments));
    if (spool->segment_count == 0)
        spool->appending = false;
    spool->dropped = (struct leat_segment_place){ 0 };
    if (spool->reading > 0)
        spool->reading--;
    else
        spool->read = (struct leat_segment_place){ 0 };
}

/* Steps over the templates, removes segments of which nothing is left. */
static void tidy(struct leat_spool *spool) {
    while (spool->segment_count) {
        struct leat_segment *oldest = &spool->segments[0];
        if (spool->dropped.messages < oldest->head.messages)
            spool->dropped = oldest->head;
        if (spool->dropped.messages < oldest->end.messages)
            return;
        drop_segment(spool);
    }
}

/* Room for one more, behind the last; NULL, with the thread's error set. */
static struct leat_segment *room_for_segment(struct leat_spool *spool) {
    if (spool->segment_count == spool->segment_room) {
        const uint32_t room = spool->segment_room ? 2 * spool->segment_room : 2 * SEGMENTS_A_SPOOL;
        void *more = realloc(spool->segments, room * sizeof(*spool->segments));
        if (!more) {
            leat_fail(ENOMEM, "no memory for %u segments", room);
            return NULL;
        }
        spool->segments = more;
        spool->segment_room = room;
    }
    return &spool->segments[spool->segment_count];
}

/* Takes up where the process before stopped, if the place is one between two messages. */
static void restore_position(struct leat_spool *spool) {
    struct position position;
    struct leat_segment_place place = { 0 };
    struct leat_spool_note note;
    spool->next_number = 1;
    if (spool->segment_count)
        spool->next_number = spool->segments[spool->segment_count - 1].number + 1;
    if (pread(spool->position_fd, &position, sizeof(position), 0) != sizeof(position)) {
        /* Takes its place on the disk now: it is to be had also when segments have filled that. No
         * segment has the number 0. */
        memset(&position, 0, sizeof(position));
        if (pwrite(spool->position_fd, &position, sizeof(position), 0) < 0)
            leat_log(LEAT_LOG_NOTICE, "%s: cannot write to it: %s", spool->directory,
                     strerror(errno));
        return;
    }
    if (be64toh(position.number) >= spool->next_number)
        spool->next_number = be64toh(position.number) + 1;
    if (spool->segment_count == 0 || be64toh(position.number) != spool->segments[0].number)
        return;
    while (place.messages < be64toh(position.messages))
        if (leat_segment_read(&spool->segments[0], &place, NULL, &note) < 0)
            return;
    if (place.octets == be64toh(position.octets))
        spool->dropped = place;
}

static int compare_numbers(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Numbers of the segments that are there, in order; to be freed. */
static int list_segments(struct leat_spool *spool, uint64_t **numbers, uint32_t *count) {
    int fd = openat(spool->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    uint32_t room = 0;
    int err = 0;
    if (!directory) {
        err = leat_fail(errno, "cannot list it: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    for (const struct dirent *entry; !err && (entry = readdir(directory));) {
        char *end;
        const uint64_t number = strtoull(entry->d_name, &end, 10);
        if (end != entry->d_name + 10 || strcmp(end, ".ipfix") != 0)
            continue;
        if (*count == room) {
            room = room ? 2 * room : 64;
            void *more = realloc(*numbers, room * sizeof(**numbers));
            if (!more) {
                err = leat_fail(ENOMEM, "no memory for %u segments", room);
                break;
            }
            *numbers = more;
        }
        (*numbers)[(*count)++] = number;
    }
    closedir(directory);
    if (*count)
        qsort(*numbers, *count, sizeof(**numbers), compare_numbers);
    return err;
}

static int recover(struct leat_spool *spool) {
    uint64_t *numbers = NULL;
    uint32_t count = 0;
    struct stat position;
    int err = list_segments(spool, &numbers, &count);
    if (!err && fstat(spool->position_fd, &position) < 0)
        err = leat_fail(errno, "cannot examine it: %s", strerror(errno));
    if (!err)
        err = leat_spool_check_layout(spool->directory_fd, count == 0 && position.st_size == 0);
    for (uint32_t i = 0; !err && i < count; i++) {
        struct leat_segment *segment = room_for_segment(spool);
        err = segment ? leat_segment_recover(segment, spool->directory_fd, numbers[i]) : -ENOMEM;
        if (segment)
            leat_segment_rest(segment);
        if (!err)
            spool->segment_count++;
    }
    free(numbers);
    if (err)
        return err;
    restore_position(spool);
    leat_spool_rewind(spool);
    return 0;
}

/* The directory, and the lock on it. */
static int take_directory(struct leat_spool *spool) {
    if (mkdir(spool->directory, 0750) < 0 && errno != EEXIST)
        return leat_fail(errno, "cannot make it: %s", strerror(errno));
    spool->directory_fd = open(spool->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->directory_fd < 0)
        return leat_fail(errno, "cannot open it: %s", strerror(errno));
    spool->position_fd =
        openat(spool->directory_fd, "position", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (spool->position_fd < 0)
        return leat_fail(errno, "cannot write to it: %s", strerror(errno));
    if (flock(spool->position_fd, LOCK_EX | LOCK_NB) < 0)
        return leat_fail(errno == EWOULDBLOCK ? EBUSY : errno, "%s",
                         errno == EWOULDBLOCK ? "another exporter has it; give each its own"
                                              : strerror(errno));
    return 0;
}

int leat_spool_open(struct leat_spool **opened, const char *directory, uint64_t octets_max) {
    struct leat_spool *spool = calloc(1, sizeof(*spool));
    if (!spool)
        return leat_fail(ENOMEM, "spool %s: no memory", directory);
    spool->directory_fd = spool->position_fd = -1;
    spool->octets_max = octets_max;
    spool->segment_octets = octets_max / SEGMENTS_A_SPOOL;
    if (spool->segment_octets < SEGMENT_OCTETS_MIN)
        spool->segment_octets = SEGMENT_OCTETS_MIN;
    if (spool->segment_octets > SEGMENT_OCTETS_MAX)
        spool->segment_octets = SEGMENT_OCTETS_MAX;
    spool->directory = strdup(directory);
    int err = spool->directory ? take_directory(spool) : leat_fail(ENOMEM, "no memory");
    if (!err)
        err = recover(spool);
    if (err) {
        leat_spool_close(spool);
        leat_fail(0, "spool %s: %s", directory, leat_error());
        return err;
    }
    *opened = spool;
    return 0;
}

void leat_spool_close(struct leat_spool *spool) {
    for (uint32_t i = 0; i < spool->segment_count; i++)
        leat_segment_rest(&spool->segments[i]);
    if (spool->position_fd >= 0)
        close(spool->position_fd);
    if (spool->directory_fd >= 0)
        close(spool->directory_fd);
    free(spool->segments);
    free(spool->templates);
    free(spool->directory);
    free(spool);
}

static int give_files(DIR *directory, uint32_t user, uint32_t group) {
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.' &&
            fchownat(dirfd(directory), entry->d_name, user, group, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
    return fchown(dirfd(directory), user, group) < 0 ? -errno : 0;
}

/* The directory comes last: as long as it is root's nobody else has put a file there. One that is
 * another's already is left alone. */
int leat_spool_give(struct leat_spool *spool, uint32_t user, uint32_t group) {
    struct stat at;
    if (fstat(spool->directory_fd, &at) < 0 || at.st_uid != 0)
        return 0;
    int fd = openat(spool->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    int err = directory ? give_files(directory, user, group) : -errno;
    if (directory)
        closedir(directory);
    else if (fd >= 0)
        close(fd);
    return err ? leat_fail(-err, "spool %s: cannot give it to user %u: %s", spool->directory, user,
                           strerror(-err))
               : 0;
}

int leat_spool_templates(struct leat_spool *spool, const uint8_t *messages, uint32_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        return leat_fail(ENOMEM, "spool %s: no memory for templates", spool->directory);
    memcpy(copy, messages, n);
    free(spool->templates);
    spool->templates = copy;
    spool->templates_n = n;
    spool->appending = false; /* a segment has one set of templates */
    return 0;
}

/* A new last segment, with the templates at its head. */
static int begin_segment(struct leat_spool *spool) {
    struct leat_segment *segment = room_for_segment(spool);
    if (!segment)
        return -ENOMEM;
    if (spool->segment_count)
        leat_segment_rest(segment - 1);
    int err = leat_segment_create(segment, spool->directory_fd, spool->next_number);
    if (err)
        return err;
    spool->next_number++;
    for (uint32_t at = 0; at < spool->templates_n;) {
        const uint32_t n = leat_message_length(spool->templates + at);
        const struct leat_spool_note note = { .records =
                                                  leat_message_sequence(spool->templates + at),
                                              .templates = true };
        err = leat_segment_append(segment, spool->templates + at, n, &note);
        if (err) {
            leat_segment_remove(segment);
            return err;
        }
        at += n;
    }
    spool->segment_count++;
    spool->appending = true;
    return 0;
}

static int append(struct leat_spool *spool, const uint8_t *message, uint32_t n,
                  const struct leat_spool_note *note) {
    int err = 0;
    if (leat_spool_octets(spool) + n > spool->octets_max)
        return leat_fail(ENOSPC, "full, at %llu octets", (unsigned long long)spool->octets_max);
    if (!spool->appending ||
        spool->segments[spool->segment_count - 1].end.octets + n > spool->segment_octets)
        err = begin_segment(spool);
    if (!err)
        err = leat_segment_append(&spool->segments[spool->segment_count - 1], message, n, note);
    return err;
}

int leat_spool_append(struct leat_spool *spool, const uint8_t *message, uint32_t n,
                      uint32_t records, const struct leat_tally *flows) {
    const struct leat_spool_note note = { records, false, *flows };
    int err = append(spool, message, n, &note);
    if (err)
        leat_fail(0, "spool %s: %s", spool->directory, leat_error());
    return err == -EDQUOT ? -ENOSPC : err;
}

/* Nothing behind the place read can be had: the segment ends there. */
static void give_up(struct leat_spool *spool) {
    struct leat_segment *segment = &spool->segments[spool->reading];
    segment->end = spool->read;
    if (segment->head.messages > segment->end.messages)
        segment->head = segment->end;
    if (spool->reading == 0 && spool->dropped.messages > segment->end.messages)
        spool->dropped = segment->end;
    if (spool->reading + 1 == spool->segment_count)
        spool->appending = false;
}

int leat_spool_read(struct leat_spool *spool, uint8_t *message, struct leat_spool_note *note) {
    while (spool->reading < spool->segment_count) {
        struct leat_segment *segment = &spool->segments[spool->reading];
        if (spool->reading == 0 && spool->read.messages >= segment->head.messages &&
            spool->read.messages < spool->dropped.messages)
            spool->read = spool->dropped;
        if (spool->read.messages < segment->end.messages) {
            int n = leat_segment_read(segment, &spool->read, message, note);
            if (n < 0) {
                give_up(spool);
                leat_fail(0, "spool %s: %s", spool->directory, leat_error());
            }
            return n;
        }
        if (spool->reading + 1 == spool->segment_count)
            return 0;
        spool->reading++;
        spool->read = (struct leat_segment_place){ 0 };
    }
    return 0;
}

int leat_spool_drop(struct leat_spool *spool) {
    struct leat_spool_note note;
    tidy(spool);
    if (spool->segment_count == 0)
        return 0;
    int n = leat_segment_read(&spool->segments[0], &spool->dropped, NULL, &note);
    if (n < 0)
        return n;
    save_position(spool);
    tidy(spool);
    return 0;
}

void leat_spool_rewind(struct leat_spool *spool) {
    tidy(spool);
    spool->reading = 0;
    spool->read = (struct leat_segment_place){ 0 };
}

static struct leat_segment_place held(const struct leat_spool *spool) {
    struct leat_segment_place sum = { 0 };
    for (uint32_t i = 0; i < spool->segment_count; i++) {
        const struct leat_segment *segment = &spool->segments[i];
        const struct leat_segment_place *from = &segment->head;
        if (i == 0 && spool->dropped.messages > from->messages)
            from = &spool->dropped;
        sum.messages += segment->end.messages - from->messages;
        sum.octets += segment->end.octets - from->octets;
        leat_tally_add(&sum.flows, &segment->end.flows);
        leat_tally_subtract(&sum.flows, &from->flows);
    }
    return sum;
}

struct leat_tally leat_spool_tally(const struct leat_spool *spool) {
    return held(spool).flows;
}

uint64_t leat_spool_flows(const struct leat_spool *spool) {
    return held(spool).flows.records;
}

uint64_t leat_spool_messages(const struct leat_spool *spool) {
    return held(spool).messages;
}

uint64_t leat_spool_octets(const struct leat_spool *spool) {
    return held(spool).octets;
}
