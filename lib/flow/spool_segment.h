/* SPDX-License-Identifier: BSD-2-Clause */
/* One segment of the spool: a file of messages and a file of notes on them. */
#ifndef LEAT_FLOW_SPOOL_SEGMENT_H
#define LEAT_FLOW_SPOOL_SEGMENT_H

#include "spool.h"

/* A place between two messages: what lies before it. */
struct leat_segment_place {
    uint64_t messages, octets;
    struct leat_tally flows;
};

struct leat_segment {
    uint64_t number;
    int directory;
    int messages_fd, notes_fd;      /* -1: not open at the moment */
    struct leat_segment_place head; /* behind the templates, which come before everything else */
    struct leat_segment_place end;  /* behind the last whole message */
};

/* A new, empty one. */
int leat_segment_create(struct leat_segment *segment, int directory, uint64_t number);
/* One that is there: cuts off what is not whole. */
int leat_segment_recover(struct leat_segment *segment, int directory, uint64_t number);
/* Lets go of its descriptors; they come back by themselves. */
void leat_segment_rest(struct leat_segment *segment);
void leat_segment_remove(struct leat_segment *segment);

int leat_segment_append(struct leat_segment *segment, const uint8_t *message, uint32_t n,
                        const struct leat_spool_note *note);
/* The message at `place`, which moves behind it: its length, or -EIO. `message` may be NULL. */
int leat_segment_read(struct leat_segment *segment, struct leat_segment_place *place,
                      uint8_t *message, struct leat_spool_note *note);

#endif
