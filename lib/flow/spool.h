/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Store and forward: a bounded directory of IPFIX files (RFC 5655), oldest first. Messages are
 * appended while the collector is away and read back in order when it is there again; what kill -9
 * leaves half-written is cut off at the next start.
 */
#ifndef LEAT_FLOW_SPOOL_H
#define LEAT_FLOW_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

struct leat_spool;
/* One process at a time holds a directory. -EBUSY, -EACCES, -ENOSPC ... */
int leat_spool_open(struct leat_spool **spool, const char *directory, uint64_t octets_max);
void leat_spool_close(struct leat_spool *spool); /* what is in it stays */

/* 0, or -ENOSPC: full, or the disk is; nothing was written then. */
int leat_spool_append(struct leat_spool *spool, const uint8_t *message, uint32_t n,
                      uint32_t records);

/* The oldest message, 0 bytes if there is none; it stays until leat_spool_drop(). */
int leat_spool_peek(struct leat_spool *spool, uint8_t *message, uint32_t room, uint32_t *records);
void leat_spool_drop(struct leat_spool *spool);

uint64_t leat_spool_records(const struct leat_spool *spool);
uint64_t leat_spool_octets(const struct leat_spool *spool);

#endif
