/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Store and forward: a bounded directory of IPFIX files (RFC 5655), oldest first. Messages are
 * appended while the collector is away and read back in order when it is there again; what kill -9
 * leaves half-written is cut off at the next start.
 *
 *   0000000007.ipfix   a segment: the templates, then data; any reader of IPFIX files reads it
 *   0000000007.notes   what is to be known of each of its messages (struct leat_spool_note)
 *   position           how far the oldest segment was sent; locked by the process that has the
 *                      spool
 *   layout             of which version all this is (spool_layout.h)
 *
 * Reading runs ahead of dropping: what was sent but perhaps not received is read again after
 * leat_spool_rewind().
 */
#ifndef LEAT_FLOW_SPOOL_H
#define LEAT_FLOW_SPOOL_H

#include "tally.h"
#include <stdbool.h>
#include <stdint.h>

struct leat_spool_note {
    uint32_t records;        /* by which the sequence number grows */
    bool templates;          /* at the head of a segment: to be sent again in each session */
    struct leat_tally flows; /* what is in it of flow records */
};

struct leat_spool;
/* One process at a time holds a directory, which is made if it is not there. `octets_max`: of all
 * messages. -EBUSY, -EPROTO: of another version's layout, -EACCES, -ENOSPC ... */
int leat_spool_open(struct leat_spool **spool, const char *directory, uint64_t octets_max);
void leat_spool_close(struct leat_spool *spool); /* what is in it stays */
/* Root's hands the directory and all in it to the user that the process goes on as, once. */
int leat_spool_give(struct leat_spool *spool, uint32_t user, uint32_t group);

/* What segments begin with from now on: whole messages, one after the other; copied. The sequence
 * number of each says how many records are in it. */
int leat_spool_templates(struct leat_spool *spool, const uint8_t *messages, uint32_t n);

/* 0, or -ENOSPC: full, or the disk is; nothing was written then. */
int leat_spool_append(struct leat_spool *spool, const uint8_t *message, uint32_t n,
                      uint32_t records, const struct leat_tally *flows);

/* The next message that was not read yet: its length, 0 if there is none, or a negative errno: the
 * rest of its segment cannot be read, and was given up. `message` has room for LEAT_MESSAGE_MAX. */
int leat_spool_read(struct leat_spool *spool, uint8_t *message, struct leat_spool_note *note);
/* The oldest message that was read (templates do not count) has arrived. 0, or a negative errno:
 * the disk has it no more, so that this cannot be noted, and it is still held. */
int leat_spool_drop(struct leat_spool *spool);
/* Reads from the oldest message again that was not dropped; the templates of its segment first. */
void leat_spool_rewind(struct leat_spool *spool);

/* What was not dropped yet. */
struct leat_tally leat_spool_tally(const struct leat_spool *spool);
uint64_t leat_spool_flows(const struct leat_spool *spool); /* records of them */
uint64_t leat_spool_messages(const struct leat_spool *spool);
uint64_t leat_spool_octets(const struct leat_spool *spool);

#endif
