/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite's frame: a rig is one port under test, opened with its pool and caches, and
 * a far end that brings frames to it and collects what it sends. Each kind of port says how its far
 * end is made (kind_*.c); the cases (cases_*.c) are the same for all.
 */
#ifndef LEAT_TESTS_PORT_RIG_H
#define LEAT_TESTS_PORT_RIG_H

#include <leat/checksum.h>
#include <leat/error.h>
#include <leat/port.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define RIG_QUEUES_MAX 4
#define RIG_FRAME_MAX  65536
#define RIG_FRAMES_MAX 2048 /* of one case; the id of a frame is below it */

struct rig;

/* What a kind of port can do, besides what the port itself says of it (struct leat_caps). */
struct port_kind {
    const char *name;
    uint32_t queues;
    uint32_t buffer_bytes; /* of the pool; 0: the default */
    bool rx, tx;
    bool live;               /* frames can be brought while the port is open; else before */
    bool collects;           /* what was sent can be looked at */
    bool pauses;             /* the far end can be held up */
    bool alone;              /* no other program's frames arrive */
    bool jumbo;              /* frames of several buffers, up to 9,000 bytes */
    const char *wrong_name;  /* that cannot be opened, for there is no such thing */
    const char *unavailable; /* set by probe(): why it cannot be tested here */
    void (*probe)(struct port_kind *kind);
    void (*set_up)(struct rig *rig); /* sets rig->name and, where there is one, rig->mac */
    void (*tear_down)(struct rig *rig);
    void (*opened)(struct rig *rig); /* the port is open now; not any more */
    void (*closed)(struct rig *rig);
    void (*bring)(struct rig *rig, const uint8_t *frame, uint32_t bytes);
    void (*brought)(struct rig *rig); /* all frames of the case were given to bring() */
    /* The next frame that the port sent, into `frame` of RIG_FRAME_MAX: its bytes, 0: none yet. */
    uint32_t (*collect)(struct rig *rig, uint8_t *frame);
    void (*pause)(struct rig *rig, bool on);
};

extern struct port_kind *const port_kinds[]; /* NULL-terminated */

struct rig {
    const struct port_kind *kind;
    char name[160];
    uint8_t mac[6]; /* where frames for the port are sent to */
    void *far;      /* the kind's own */
    struct leat_pool *pool;
    struct leat_cache *caches[RIG_QUEUES_MAX];
    struct leat_queue *queues[RIG_QUEUES_MAX];
    struct leat_port *port;
    struct leat_caps caps;
    uint32_t buffers;     /* of the pool, free at the start */
    uint64_t noise;       /* frames received that the case did not bring */
    uint64_t noise_bytes; /* theirs */
    uint32_t complaints;  /* errors that the library logged */
};

/* A case's fixture, for cmocka. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Opens the port with `options` (",queues=2" or "") and starts its queues. */
void rig_open(struct rig *rig, const char *options);
/* Closes it, and expects that the pool is whole again; `final` may be NULL. */
void rig_close(struct rig *rig, struct leat_stats *final);

/* Opens the port and brings it frames 0 to n - 1 of the sizes that `size_of` says, in the order
 * that the kind needs. */
void rig_open_with(struct rig *rig, uint32_t n, uint32_t (*size_of)(uint32_t id));
void rig_bring(struct rig *rig, uint32_t n, uint32_t (*size_of)(uint32_t id));

/* The frame of that number: UDP over IPv4 of one of 64 flows, with a pattern. */
void rig_make_frame(const struct rig *rig, uint8_t *frame, uint32_t id, uint32_t bytes);
/* Which frame it is, with every byte as it was made, or -1 for another program's frame. */
int rig_check_frame(const struct rig *rig, const uint8_t *frame, uint32_t bytes);

/* Receives until `n` of the frames brought are there or none comes any more. Gives each to `take`
 * with its packets, or frees them if that is NULL. Returns how many came; none comes twice. */
typedef void rig_take(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t segments);
uint32_t rig_receive(struct rig *rig, uint32_t n, rig_take *take);

/* Makes frame `id` in new buffers of the queue's cache. Returns how many packets. */
uint32_t rig_fill(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t id,
                  uint32_t bytes);
/* Sends all, offering again what was not taken. */
void rig_send(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t n);
/* Waits until `n` frames that the case sent came out at the far end; checks each, and that none
 * comes twice. */
void rig_expect_sent(struct rig *rig, uint32_t n);

/* The port's counters, once as many packets as given are counted as sent. */
void rig_stats(struct rig *rig, uint64_t tx_packets, struct leat_stats *stats);

uint64_t rig_drops(const struct leat_stats *stats);

/* Small sizes that every kind carries, cycling with the frame's number; and one alone. */
uint32_t rig_sizes(uint32_t id);
uint32_t rig_size_60(uint32_t id);

/* Whether time is left for something that should happen soon: 10 s, far above what any machine
 * needs. Gives the processor away. */
struct rig_patience {
    uint64_t until_ns;
};
bool rig_wait(struct rig_patience *patience);

/* Says why the case does not apply, as an answer and not as a skip. */
void rig_not_here(const struct rig *rig, const char *why);

#endif
