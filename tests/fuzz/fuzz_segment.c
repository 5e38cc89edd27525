/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that contradict the frame: the input is flags (2 bytes), offload lengths (4), room (2),
 * and three lengths of buffers (2 each, 0: none) that the frame behind them is cut into.
 */
#include <leat/checksum.h>
#include <leat/parse.h>
#include <leat/segment.h>
#include <stdlib.h>
#include <string.h>

#define HEAD    14
#define BUFFERS 4
#define OUT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

/* Each buffer is memory of its own, so that the address sanitizer sees its ends. */
static uint32_t make_frame(struct leat_pkt *pkts, const uint8_t *input, size_t bytes) {
    const uint8_t *from = input + HEAD;
    size_t left = bytes - HEAD;
    uint32_t n = 0;

    for (; n < BUFFERS; n++) {
        size_t len = n + 1 < BUFFERS ? leat_be16(input + 8 + 2 * n) : left;
        len = len && len < left ? len : left;
        len = len < UINT16_MAX ? len : UINT16_MAX;
        pkts[n] = (struct leat_pkt){ .data = malloc(len ? len : 1),
                                     .len = (uint16_t)len,
                                     .flags = LEAT_PKT_MORE };
        require(pkts[n].data != NULL);
        memcpy(pkts[n].data, from, len);
        from += len;
        left -= len;
    }
    pkts[n - 1].flags = 0;
    pkts[0].flags = leat_be16(input) | LEAT_PKT_MORE;
    pkts[0].offload = leat_be32(input + 2);
    return n;
}

static void cut(const struct leat_pkt *pkts, uint32_t n, uint32_t room) {
    static struct leat_pkt out[OUT_MAX];
    int count = leat_segment_count(pkts, n, room);
    require(count != 0);
    if (count < 0 || count > OUT_MAX)
        return;
    for (int i = 0; i < count; i++)
        require((out[i].data = malloc(room ? room : 1)) != NULL);
    require(leat_segment(pkts, n, out, (uint32_t)count, room, 0) == count);
    for (int i = 0; i < count; i++) {
        require(out[i].len <= room && !(out[i].flags & LEAT_PKT_REQUESTS));
        free(out[i].data);
    }
    require(!(out[count - 1].flags & LEAT_PKT_MORE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct leat_pkt pkts[BUFFERS];
    if (bytes < HEAD)
        return 0;
    uint32_t n = make_frame(pkts, data, bytes);
    cut(pkts, n, leat_be16(data + 6));
    uint16_t flags = pkts[0].flags;
    int err = leat_complete_checksum(pkts, n);
    require(err ? pkts[0].flags == flags : !(pkts[0].flags & LEAT_PKT_REQUESTS));
    for (uint32_t i = 0; i < n; i++)
        free(pkts[i].data);
    return 0;
}
