/* SPDX-License-Identifier: BSD-2-Clause */
/* What a sink does with a frame: is it a probe, is it intact, is it the next, how old is it. */
#include "sink.h"
#include "clock.h"
#include "error.h"
#include "probe.h"
#include <endian.h>
#include <errno.h>
#include <string.h>

#define CLOCK_FRAMES 32 /* one reading of the clock serves a burst */

int sink_open(struct sink *sink) {
    sink->sequence = sequence_create();
    return sink->sequence ? 0 : softnic_fail(ENOMEM, "sink: no memory for its streams");
}

void sink_close(struct sink *sink) {
    sequence_destroy(sink->sequence);
}

static uint16_t read_be16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return be16toh(value);
}

static uint32_t read_32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t read_be64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

static uint16_t fold(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* RFC 1071; the sum of an intact header is 0xffff in either byte order. */
static bool ipv4_intact(const uint8_t *ip, uint32_t bytes) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 20; i += 4)
        sum += read_32(ip + i);
    uint32_t total = read_be16(ip + 2);
    return fold(sum) == 0xffff && total <= bytes && read_be16(ip + 24) == total - 20;
}

/* RFC 8200, 8.1: the pseudo-header's addresses, length and protocol, then the datagram. */
static bool ipv6_intact(const uint8_t *ip, uint32_t bytes) {
    uint32_t length = read_be16(ip + 4);
    if (length > bytes - 40 || read_be16(ip + 44) != length)
        return false;
    uint64_t sum = length + 17;
    for (uint32_t i = 8; i < 40 + length; i += 2)
        sum += i + 1 < 40 + length ? read_be16(ip + i) : (uint32_t)ip[i] << 8;
    return fold(sum) == 0xffff;
}

/* Where the probe stands, or 0 when this is none; *end is set to the end of an intact one, 0 when
 * its headers disagree with themselves. */
static uint32_t find_probe(const uint8_t *frame, uint32_t bytes, uint32_t *end) {
    const uint8_t *ip = frame + PROBE_IP;
    if (bytes < PROBE_FRAME_MIN)
        return 0;
    uint16_t ethertype = read_be16(frame + 12);
    if (ethertype == 0x0800 && ip[0] == 0x45 && ip[9] == 17 &&
        read_be16(frame + PROBE_PAYLOAD) == PROBE_MAGIC) {
        *end = ipv4_intact(ip, bytes - PROBE_IP) ? PROBE_IP + read_be16(ip + 2) : 0;
        return PROBE_PAYLOAD;
    }
    if (ethertype == 0x86dd && bytes >= PROBE_FRAME_MIN + 20 && ip[6] == 17 &&
        read_be16(frame + PROBE_PAYLOAD + 20) == PROBE_MAGIC) {
        *end = ipv6_intact(ip, bytes - PROBE_IP) ? PROBE_IP + 40 + read_be16(ip + 4) : 0;
        return PROBE_PAYLOAD + 20;
    }
    return 0;
}

static bool all_are(const uint8_t *at, const uint8_t *end, uint8_t value) {
    uint8_t differs = 0; /* no early exit, so that the compiler takes many bytes at a time */
    for (; at < end; at++)
        differs |= *at ^ value;
    return !differs;
}

static void measure(struct sink *sink, uint64_t made_ns) {
    if (!sink->clock_frames) {
        sink->now_ns = clock_monotonic_ns();
        sink->clock_frames = CLOCK_FRAMES;
    }
    sink->clock_frames--;
    /* Another process may have read its clock after this burst's reading. */
    histogram_add(&sink->latency, sink->now_ns > made_ns ? sink->now_ns - made_ns : 0);
}

void sink_take(struct sink *sink, const uint8_t *frame, uint32_t bytes) {
    uint32_t end = 0;
    uint32_t start = find_probe(frame, bytes, &end);
    if (!start)
        return;
    const uint8_t *probe = frame + start;
    sink->probes++;
    uint64_t stream_and_number = read_be64(probe + PROBE_STREAM);
    uint64_t number = stream_and_number & ((1ull << PROBE_SEQUENCE_BITS) - 1);
    uint16_t stream = (uint16_t)(stream_and_number >> PROBE_SEQUENCE_BITS);
    if (end < start + PROBE_BYTES || !all_are(probe + PROBE_BYTES, frame + end, (uint8_t)number) ||
        !sequence_check(sink->sequence, stream, number)) {
        sink->corrupt++;
        return;
    }
    uint64_t made_ns = read_be64(probe + PROBE_TIME);
    if (made_ns)
        measure(sink, made_ns);
}

void sink_sum(const struct sink *sink, struct wire_stats *stats) {
    stats->probes = sink->probes;
    stats->missing = sink->sequence->missing;
    stats->duplicate = sink->sequence->duplicate;
    stats->reordered = sink->sequence->reordered;
    stats->corrupt = sink->corrupt;
    stats->latency_count = sink->latency.count;
    stats->latency_p50_ns = histogram_per_mille(&sink->latency, 500);
    stats->latency_p99_ns = histogram_per_mille(&sink->latency, 990);
    stats->latency_p999_ns = histogram_per_mille(&sink->latency, 999);
    stats->latency_max_ns = sink->latency.max;
}
