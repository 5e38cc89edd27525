/* SPDX-License-Identifier: BSD-2-Clause */
#include "compare.h"
#include "session.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FRAME_MIN 60
#define FRAME_MAX 65536

/* A capture being read, a frame at a time. */
struct reader {
    struct leat_queue *queue;
    uint32_t bytes; /* of the frame at hand */
    uint8_t frame[FRAME_MAX];
};

static int open_reader(struct session *session, const char *path) {
    char name[4096];
    if (snprintf(name, sizeof(name), "pcap:%s", path) >= (int)sizeof(name)) {
        fprintf(stderr, "leat: %s: the name is too long\n", path);
        return -ENAMETOOLONG;
    }
    return session_port(session, name, (struct leat_port_opts){ 0 });
}

static void gather(struct reader *reader, const struct leat_pkt *pkts, uint32_t n) {
    reader->bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t room = FRAME_MAX - reader->bytes;
        uint32_t part = pkts[i].len < room ? pkts[i].len : room;
        memcpy(reader->frame + reader->bytes, pkts[i].data, part);
        reader->bytes += part;
    }
}

/* 1 with the next frame, 0 at the end, or a negative errno. As one frame is to be had at a time,
 * the room for it grows until it fits. */
static int next(struct reader *reader) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    for (uint32_t room = 1; room <= LEAT_BATCH_MAX; room++) {
        int n = leat_rx(reader->queue, pkts, room);
        if (n == -ENODATA)
            return 0;
        if (n < 0)
            return session_error(n);
        if (n > 0) {
            gather(reader, pkts, (uint32_t)n);
            leat_free(reader->queue->cache, pkts, (uint32_t)n);
            return 1;
        }
    }
    fprintf(stderr, "leat: %s: no frame and no end\n", leat_port_name(reader->queue->port));
    return -EIO;
}

static void pad(struct reader *reader) {
    if (reader->bytes >= FRAME_MIN)
        return;
    memset(reader->frame + reader->bytes, 0, FRAME_MIN - reader->bytes);
    reader->bytes = FRAME_MIN;
}

static int compare_all(struct reader *sent, struct reader *came, struct compare *result) {
    for (;;) {
        int more_sent = next(sent), more_came = more_sent < 0 ? 0 : next(came);
        if (more_sent < 0 || more_came < 0)
            return more_sent < 0 ? more_sent : more_came;
        if (!more_sent && !more_came)
            return 0;
        result->sent_frames += (uint64_t)more_sent;
        result->came_frames += (uint64_t)more_came;
        result->sent_bytes += more_sent ? sent->bytes : 0;
        pad(sent);
        pad(came);
        bool same = more_sent && more_came && sent->bytes == came->bytes &&
                    !memcmp(sent->frame, came->frame, sent->bytes);
        if (!same && !result->different)
            result->different = more_came ? result->came_frames : result->sent_frames;
    }
}

int compare_captures(const char *sent, const char *came, struct compare *result) {
    static struct reader readers[2];
    struct session session;
    memset(result, 0, sizeof(*result));
    int status = session_open(&session, 0, 0);
    if (status)
        return status;
    status = open_reader(&session, sent);
    if (status == 0)
        status = open_reader(&session, came);
    if (status == 0)
        status = session_start(&session, 1, 0);
    for (int i = 0; i < 2; i++)
        readers[i].queue = session.ports[i].queues[0];
    if (status == 0)
        status = compare_all(&readers[0], &readers[1], result);
    session_close(&session, NULL);
    return status;
}

int64_t compare_count(const char *capture) {
    static struct reader reader;
    struct session session;
    int64_t frames = 0;
    int status = session_open(&session, 0, 0);
    if (status)
        return status;
    status = open_reader(&session, capture);
    if (status == 0)
        status = session_start(&session, 1, 0);
    reader.queue = session.ports[0].queues[0];
    while (status == 0 && (status = next(&reader)) > 0) {
        frames++;
        status = 0;
    }
    session_close(&session, NULL);
    return status < 0 ? status : frames;
}
