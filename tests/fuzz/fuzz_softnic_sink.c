/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever frames a driver sends, the sink reads inside them, and its counts add up: a frame is a
 * probe or none, a probe is intact or altered, an intact one is new to its stream or a duplicate.
 */
#include "softnic/sink.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

/* The input is frames, each behind two bytes with its length. */
static uint64_t take_all(struct sink *sink, const uint8_t *data, size_t bytes) {
    uint64_t frames = 0;
    while (bytes >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        bytes -= 2;
        length = length < bytes ? length : bytes;
        sink_take(sink, data, (uint32_t)length);
        data += length;
        bytes -= length;
        frames++;
    }
    return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct sink sink;
    struct wire_stats stats = { 0 };
    sink = (struct sink){ 0 };
    if (sink_open(&sink))
        return 0;
    uint64_t frames = take_all(&sink, data, bytes);
    sink_sum(&sink, &stats);
    require(stats.probes <= frames);
    require(stats.duplicate + stats.corrupt + stats.reordered <= stats.probes);
    require(stats.latency_count <= stats.probes - stats.corrupt);
    require(stats.latency_p50_ns <= stats.latency_p99_ns &&
            stats.latency_p99_ns <= stats.latency_p999_ns &&
            stats.latency_p999_ns <= stats.latency_max_ns);
    sink_close(&sink);
    return 0;
}
