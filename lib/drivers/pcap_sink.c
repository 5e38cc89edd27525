/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending into a capture: each call writes its frames with one writev(2), so that what counts as
 * sent is in the kernel's hands, and a file that a killed program leaves behind ends with a frame.
 */
#include "pcap.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/checksum.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* A frame of the batch that is being written. */
struct pending {
    uint32_t packets;      /* of the batch up to its end */
    uint32_t bytes;        /* of the frame */
    enum leat_drop reason; /* LEAT_DROP_COUNT: it is written */
    uint64_t written_at;   /* bytes of the batch up to its end */
};

struct batch {
    uint64_t bytes;
    uint32_t frames, vectors;
    struct pending pending[LEAT_BATCH_MAX];
    struct iovec vector[3 * LEAT_BATCH_MAX]; /* header, packets, trailer */
    uint8_t header[LEAT_BATCH_MAX][CAPTURE_FRAME_HEADER_BYTES];
    uint8_t trailer[LEAT_BATCH_MAX][CAPTURE_TRAILER_MAX];
};

/* A pipe whose reader is gone raises SIGPIPE, which is the program's: it gets the error instead. */
static ssize_t write_without_signal(int fd, const struct iovec *vector, int n) {
    sigset_t pipe_only, before, waiting;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&waiting);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t wrote = writev(fd, vector, n);
    int err = errno;
    if (wrote < 0 && err == EPIPE && !sigismember(&waiting, SIGPIPE))
        sigtimedwait(&pipe_only, NULL, &(struct timespec){ 0 });
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return wrote;
}

/* Writes all of it, or returns how much it could; then errno says why not more. */
static uint64_t write_all(const struct pcap_sink *sink, struct iovec *vector, uint32_t n) {
    uint64_t written = 0;
    while (n > 0) {
        ssize_t wrote = sink->regular ? writev(sink->fd, vector, (int)n)
                                      : write_without_signal(sink->fd, vector, (int)n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            break;
        written += (uint64_t)wrote;
        size_t rest = (size_t)wrote;
        for (; n > 0 && rest >= vector->iov_len; vector++, n--)
            rest -= vector->iov_len;
        if (n > 0) {
            vector->iov_base = (uint8_t *)vector->iov_base + rest;
            vector->iov_len -= rest;
        }
    }
    return written;
}

static int check_not_source(const struct pcap_sink *sink, struct leat_port *port,
                            const struct stat *status, const struct pcap_source *source) {
    struct stat other;
    if (source && fstat(source->reader.fd, &other) == 0 && sink->regular &&
        other.st_dev == status->st_dev && other.st_ino == status->st_ino)
        return leat_fail(EINVAL, "%s: would overwrite the capture that it reads", port->name);
    return 0;
}

/* Readers and writers of a file hold a lock, so that none is emptied under another port, here or in
 * another process. Where there are no locks, it goes without. */
static int lock_alone(const struct pcap_sink *sink, struct leat_port *port, const char *path) {
    if (!sink->regular || flock(sink->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return 0;
    return leat_fail(EBUSY, "%s: cannot empty '%s': another port reads or writes it", port->name,
                     path);
}

static int open_file(struct pcap_sink *sink, struct leat_port *port, const char *path,
                     const struct pcap_source *source) {
    struct stat status;
    bool standard = strcmp(path, "-") == 0;
    sink->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                        : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (sink->fd < 0 || fstat(sink->fd, &status) < 0)
        return leat_fail(errno, "%s: cannot open '%s' for writing: %s", port->name, path,
                         strerror(errno));
    sink->regular = S_ISREG(status.st_mode) && !standard;
    int err = check_not_source(sink, port, &status, source);
    if (err == 0)
        err = lock_alone(sink, port, path);
    if (err == 0 && sink->regular && ftruncate(sink->fd, 0) < 0)
        return leat_fail(errno, "%s: cannot empty '%s': %s", port->name, path, strerror(errno));
    return err;
}

int pcap_sink_open(struct pcap_sink *sink, struct leat_port *port, const char *path,
                   const struct pcap_source *source) {
    uint8_t header[CAPTURE_HEADER_BYTES];
    sink->snaplen = CAPTURE_FRAME_MAX;
    int err = leat_option_u32(port, "snaplen", &sink->snaplen, 1, CAPTURE_FRAME_MAX);
    if (err < 0 || (err = leat_option_unknown(port)) < 0 ||
        (err = open_file(sink, port, path, source)) < 0)
        return err;
    capture_put_header(header, sink->snaplen);
    struct iovec vector = { header, sizeof(header) };
    sink->position = write_all(sink, &vector, 1);
    if (sink->position < sizeof(header))
        return leat_fail(errno, "%s: cannot write: %s", port->name, strerror(errno));
    return 0;
}

void pcap_sink_close(struct pcap_sink *sink) {
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
}

static uint64_t time_of(const struct leat_pool *pool, const struct leat_pkt *pkt, uint64_t now_ns) {
    bool timed = (pkt->flags & LEAT_PKT_META) && (pkt->flags & LEAT_PKT_TIME);
    return timed ? leat_pkt_meta(pool, pkt)->time_ns : now_ns;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add_vector(struct batch *batch, void *bytes, size_t length) {
    batch->vector[batch->vectors++] = (struct iovec){ bytes, length };
    batch->bytes += length;
}

static void add_frame(struct batch *batch, uint32_t frame, const struct leat_pkt *pkts,
                      uint32_t bytes, uint32_t snaplen, uint64_t time_ns) {
    uint32_t captured = bytes < snaplen ? bytes : snaplen;
    uint32_t trailer =
        capture_put_frame(batch->header[frame], batch->trailer[frame], captured, bytes, time_ns);
    add_vector(batch, batch->header[frame], CAPTURE_FRAME_HEADER_BYTES);
    for (; captured > 0; pkts++) {
        uint32_t part = pkts->len < captured ? pkts->len : captured;
        add_vector(batch, pkts->data, part);
        captured -= part;
    }
    add_vector(batch, batch->trailer[frame], trailer);
}

/* A writable pipe has room for PIPE_BUF bytes (pipe(7)); a call that wrote more could wait for its
 * reader. At least one frame is gathered, so that a longer one waits for the pipe to take it. */
static bool may_block(const struct pcap_sink *sink, const struct batch *batch, uint32_t bytes) {
    uint32_t block = CAPTURE_FRAME_HEADER_BYTES + bytes + CAPTURE_TRAILER_MAX;
    return !sink->regular && batch->bytes > 0 && batch->bytes + block > PIPE_BUF;
}

static void gather(const struct pcap_sink *sink, const struct leat_pool *pool, struct batch *batch,
                   struct leat_pkt *pkts, uint32_t n) {
    const struct copying_limits limits = {
        .frame_min = 1,
        .frame_max = copying_frame_max(pool),
        .segments_max = COPYING_SEGMENTS_MAX,
        .requests = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM,
    };
    uint64_t now = now_ns();
    batch->bytes = batch->frames = batch->vectors = 0;
    uint32_t at = 0;
    for (uint32_t segments; (segments = leat_frame_segments(pkts + at, n - at)) > 0;) {
        struct leat_pkt *first = pkts + at;
        uint32_t bytes = copying_frame_bytes(first, segments);
        if (may_block(sink, batch, bytes))
            break;
        uint32_t frame = batch->frames++;
        enum leat_drop reason = copying_refusal(&limits, first, segments, bytes);
        if (reason == LEAT_DROP_COUNT && leat_complete_checksum(first, segments) < 0)
            reason = LEAT_DROP_TX_OFFLOAD;
        if (reason == LEAT_DROP_COUNT)
            add_frame(batch, frame, first, bytes, sink->snaplen, time_of(pool, first, now));
        at += segments;
        batch->pending[frame] = (struct pending){ at, bytes, reason, batch->bytes };
    }
}

/* Counts the frames that are in the file, or that never will be; returns how many they are. */
static uint32_t account(struct leat_stats *stats, const struct batch *batch, uint64_t written) {
    uint32_t done = 0, sent = 0;
    uint64_t bytes = 0;
    for (; done < batch->frames && batch->pending[done].written_at <= written; done++) {
        const struct pending *frame = &batch->pending[done];
        if (frame->reason != LEAT_DROP_COUNT) {
            LEAT_COUNT(stats->drops[frame->reason], 1);
            continue;
        }
        sent++;
        bytes += frame->bytes;
    }
    LEAT_COUNT(stats->tx_packets, sent);
    LEAT_COUNT(stats->tx_bytes, bytes);
    return done;
}

/* Nothing is written any more. The part of a frame at the end of a file is taken back, so that what
 * was written stays readable. */
static void break_sink(struct pcap_sink *sink, int error) {
    sink->error = error;
    if (sink->regular && ftruncate(sink->fd, (off_t)sink->position) < 0)
        leat_log(LEAT_LOG_ERROR, "pcap: the capture ends with a part of a frame: %s",
                 strerror(errno));
}

static int refuse(const struct pcap_sink *sink, const struct leat_port *port) {
    return leat_fail(EIO, "%s: cannot write: %s", port->name, strerror(sink->error));
}

/* One write; returns how many packets are done with. */
static int write_some(struct pcap_sink *sink, struct leat_queue_head *head, struct leat_pkt *pkts,
                      uint32_t n) {
    struct leat_cache *cache = head->public.cache;
    struct pollfd room = { .fd = sink->fd, .events = POLLOUT };
    struct batch batch;
    if (sink->error)
        return refuse(sink, head->public.port);
    if (n == 0 || (!sink->regular && poll(&room, 1, 0) <= 0)) /* a signal leaves it open */
        return 0;
    gather(sink, cache->pool, &batch, pkts, n);
    uint64_t written = write_all(sink, batch.vector, batch.vectors);
    int err = errno;
    uint32_t frames = account(&head->stats, &batch, written);
    const struct pending *last = frames ? &batch.pending[frames - 1] : &(struct pending){ 0 };
    sink->position += last->written_at;
    uint64_t start = leat_profile_start(head);
    leat_free(cache, pkts, last->packets);
    leat_profile_stop(head, start);
    if (written < batch.bytes)
        break_sink(sink, err);
    return frames > 0 || !sink->error ? (int)last->packets : refuse(sink, head->public.port);
}

int pcap_sink_tx(struct pcap_sink *sink, struct leat_queue_head *head, struct leat_pkt *pkts,
                 uint32_t n) {
    uint32_t done = 0;
    int some;
    do {
        some = write_some(sink, head, pkts + done, n - done);
        done += some > 0 ? (uint32_t)some : 0;
    } while (some > 0 && done < n);
    return done > 0 ? (int)done : some;
}
