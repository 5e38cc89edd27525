/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginnings of some streams, put together from packets: a handshake or request that spans
 * several. A fixed number of them; whoever comes when all are taken replaces the oldest of its set.
 */
#ifndef LEAT_FLOW_PIECES_H
#define LEAT_FLOW_PIECES_H

#include <stdint.h>

#define LEAT_PIECES_BYTES 4096 /* of a stream */

struct leat_pieces_stream {
    uint64_t flow_id;
    uint64_t taken;           /* when, by the count of all that were; 0: free */
    uint32_t base;            /* TCP sequence number of the first byte */
    uint8_t side, kind;       /* enum leat_flow_application_kind */
    uint8_t connection_bytes; /* QUIC's connection id that the keys were made of */
    uint8_t connection[20];
    uint64_t there[LEAT_PIECES_BYTES / 64]; /* a bit a byte */
    uint8_t bytes[LEAT_PIECES_BYTES];
};

struct leat_pieces;
int leat_pieces_create(struct leat_pieces **pieces);
void leat_pieces_destroy(struct leat_pieces *pieces);

/* NULL: none is kept. */
struct leat_pieces_stream *leat_pieces_find(struct leat_pieces *pieces, uint64_t flow_id,
                                            uint8_t side);
/* An empty one for a stream that has none. */
struct leat_pieces_stream *leat_pieces_take(struct leat_pieces *pieces, uint64_t flow_id,
                                            uint8_t side);
void leat_pieces_release(struct leat_pieces_stream *stream);

/* Adds what fits. Returns how many bytes from the first on are there without a gap. */
uint32_t leat_pieces_put(struct leat_pieces_stream *stream, uint64_t offset, const uint8_t *bytes,
                         uint32_t n);

#endif
