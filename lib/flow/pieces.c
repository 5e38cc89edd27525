/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginnings of some streams, put together from packets. */
#include "pieces.h"
#include "../core/error.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SETS 64 /* a power of two */
#define WAYS 4

struct leat_pieces {
    uint64_t taken;
    struct leat_pieces_stream streams[SETS][WAYS];
};

int leat_pieces_create(struct leat_pieces **pieces) {
    *pieces = calloc(1, sizeof(**pieces));
    return *pieces ? 0 : leat_fail(ENOMEM, "flow meter: no memory for handshakes in pieces");
}

void leat_pieces_destroy(struct leat_pieces *pieces) {
    free(pieces);
}

/* Flow numbers may be consecutive or hashes: the golden ratio spreads both. */
static struct leat_pieces_stream *set_of(struct leat_pieces *pieces, uint64_t flow_id) {
    return pieces->streams[(flow_id * 0x9e3779b97f4a7c15u) >> 58 & (SETS - 1)];
}

struct leat_pieces_stream *leat_pieces_find(struct leat_pieces *pieces, uint64_t flow_id,
                                            uint8_t side) {
    struct leat_pieces_stream *set = set_of(pieces, flow_id);
    for (uint32_t i = 0; i < WAYS; i++)
        if (set[i].taken && set[i].flow_id == flow_id && set[i].side == side)
            return &set[i];
    return NULL;
}

struct leat_pieces_stream *leat_pieces_take(struct leat_pieces *pieces, uint64_t flow_id,
                                            uint8_t side) {
    struct leat_pieces_stream *set = set_of(pieces, flow_id), *oldest = set;
    for (uint32_t i = 1; i < WAYS; i++)
        if (set[i].taken < oldest->taken)
            oldest = &set[i];
    memset(oldest, 0, offsetof(struct leat_pieces_stream, bytes));
    oldest->flow_id = flow_id;
    oldest->side = side;
    oldest->taken = ++pieces->taken;
    return oldest;
}

void leat_pieces_release(struct leat_pieces_stream *stream) {
    stream->taken = 0;
}

static void mark(uint64_t *there, uint32_t first, uint32_t end) {
    while (first < end) {
        uint32_t bit = first % 64, n = end - first < 64 - bit ? end - first : 64 - bit;
        there[first / 64] |= (n == 64 ? UINT64_MAX : (1ull << n) - 1) << bit;
        first += n;
    }
}

static uint32_t without_gap(const uint64_t *there) {
    for (uint32_t i = 0; i < LEAT_PIECES_BYTES / 64; i++)
        if (there[i] != UINT64_MAX)
            return 64 * i + (uint32_t)__builtin_ctzll(~there[i]);
    return LEAT_PIECES_BYTES;
}

uint32_t leat_pieces_put(struct leat_pieces_stream *stream, uint64_t offset, const uint8_t *bytes,
                         uint32_t n) {
    if (offset < LEAT_PIECES_BYTES) {
        uint32_t at = (uint32_t)offset, room = LEAT_PIECES_BYTES - at;
        n = n < room ? n : room;
        memcpy(stream->bytes + at, bytes, n);
        mark(stream->there, at, at + n);
    }
    return without_gap(stream->there);
}
