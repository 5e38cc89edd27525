/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the workers' caches to the sinks: a queue for each worker (one writer, one reader, copies of
 * whole records with their parts), and one thread that empties them all, selects records, joins
 * those of one flow that several workers saw, and hands each to every sink.
 */
#ifndef LEAT_FLOW_EXPORTER_H
#define LEAT_FLOW_EXPORTER_H

#include "flow.h"

struct leat_flow_queue;
/* `records` is rounded up to a power of two; 0: 65,536. */
int leat_flow_queue_create(struct leat_flow_queue **queue, uint32_t records, uint32_t features);
void leat_flow_queue_destroy(struct leat_flow_queue *queue);
/* Records that fit now. By the writer, which may hold back a source that loses nothing. */
uint32_t leat_flow_queue_room(struct leat_flow_queue *queue);
bool leat_flow_queue_put(struct leat_flow_queue *queue, const struct leat_flow *flow);
/* The oldest record, valid until leat_flow_queue_release(); NULL: none. */
const struct leat_flow *leat_flow_queue_peek(struct leat_flow_queue *queue);
void leat_flow_queue_release(struct leat_flow_queue *queue);

/* Selection of flow records before export (RFC 7014). */
struct leat_flow_selection {
    uint64_t min_packets, min_octets; /* both sides together; 0: any */
    uint32_t sample;                  /* one of so many records, by hash of the key; 0: all */
};

/* Which records wait for others of the same flow (join.h). */
enum leat_flow_joining {
    LEAT_FLOW_JOIN_NONE,
    LEAT_FLOW_JOIN_TUNNELS, /* of one direction, of packets in tunnels: devices hash what is
                               outside, which may have ports of its own each way, so that no
                               symmetric hash brings both directions to one worker */
    LEAT_FLOW_JOIN_HALVES,  /* of one direction; one that has both is joined to those that wait */
    LEAT_FLOW_JOIN_ALL,     /* any worker may see any packet of a flow */
};

struct leat_flow_join_times {
    uint64_t wait_ns; /* for others; 0: 2 s */
    uint64_t idle_ns; /* of the meters: at most so much lies between records of one flow; 0: 30 s */
    uint64_t active_ns; /* of the meters; 0: no record is too long */
};

struct leat_flow_exporter_opts {
    struct leat_flow_queue **queues;
    uint32_t queue_count;
    struct leat_flow_sink **sinks; /* the exporter's from now on: closed by it */
    uint32_t sink_count;
    bool paused; /* records wait in the queues, for a reload that is to come */
    struct leat_flow_selection selection;
    enum leat_flow_joining join; /* flows of several workers */
    uint32_t join_key;           /* LEAT_FLOW_KEY_* of the meters: records agree on these, too */
    struct leat_flow_join_times join_times;
    int core; /* -1: any */
};

struct leat_flow_exporter_stats {
    uint64_t records;                        /* from the queues */
    uint64_t joined;                         /* those that became part of another one */
    uint64_t waiting;                        /* those that wait for others now */
    uint64_t alone;                          /* that waited in vain for the other direction */
    uint64_t unselected, unselected_packets; /* left out by the selection */
    /* Given to every sink: records - joined - waiting - unselected. */
    uint64_t exported, exported_packets, exported_octets;
    struct leat_flow_sink_stats replaced; /* sum over sinks that a reload closed */
};

struct leat_flow_exporter;
int leat_flow_exporter_start(struct leat_flow_exporter **exporter,
                             const struct leat_flow_exporter_opts *opts);
/* Empties the queues and closes the sinks, which have `timeout_ms` together. Statistics stay, and
 * are final. */
void leat_flow_exporter_stop(struct leat_flow_exporter *exporter, uint32_t timeout_ms);
/* After leat_flow_exporter_stop(). NULL is allowed. The queues stay the caller's. */
void leat_flow_exporter_destroy(struct leat_flow_exporter *exporter);
void leat_flow_exporter_stats(const struct leat_flow_exporter *exporter,
                              struct leat_flow_exporter_stats *stats);
/* Of sink `index`: a copy that the exporter's thread makes ten times a second. Any thread. */
void leat_flow_exporter_sink_stats(const struct leat_flow_exporter *exporter, uint32_t index,
                                   struct leat_flow_sink_stats *stats);
/* Replaces sinks, selection and `join_times` (SIGHUP): those not among the new ones are closed
 * after their last record, none is lost; a sink that is in both lists just goes on. The caller
 * closes the new ones when this fails. */
int leat_flow_exporter_reload(struct leat_flow_exporter *exporter,
                              const struct leat_flow_exporter_opts *opts);

#endif
