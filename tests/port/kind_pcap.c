/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap: the far ends are a file that is written before and one that is read after. */
#include "rig.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct far {
    char in[64], out[64];
    long read_to; /* of the file that is written */
};

static void write_words(FILE *file, const uint32_t *words, size_t n) {
    assert_int_equal(fwrite(words, 4, n, file), n);
}

/* A pcap file with nanoseconds, of no frames yet. */
static void make_input(const char *path) {
    const uint32_t header[] = { 0xa1b23c4d, 2 | 4 << 16, 0, 0, 262144, 1 };
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    write_words(file, header, 6);
    assert_int_equal(fclose(file), 0);
}

static void make_paths(struct rig *rig) {
    static struct far only; /* one rig at a time */
    struct far *far = rig->far = &only;
    *far = (struct far){ .in = "/tmp/lt-port-in-XXXXXX", .out = "/tmp/lt-port-out-XXXXXX" };
    int in = mkstemp(far->in), out = mkstemp(far->out);
    assert_true(in >= 0 && out >= 0);
    close(in);
    close(out);
    make_input(far->in);
}

static void set_up(struct rig *rig) {
    make_paths(rig);
    const struct far *far = rig->far;
    snprintf(rig->name, sizeof(rig->name), "pcap:%s>%s", far->in, far->out);
}

static void set_up_read(struct rig *rig) {
    make_paths(rig);
    const struct far *far = rig->far;
    snprintf(rig->name, sizeof(rig->name), "pcap:%s", far->in);
}

static void set_up_write(struct rig *rig) {
    make_paths(rig);
    const struct far *far = rig->far;
    snprintf(rig->name, sizeof(rig->name), "pcap:>%s", far->out);
}

static void tear_down(struct rig *rig) {
    const struct far *far = rig->far;
    unlink(far->in);
    unlink(far->out);
}

static void bring(struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    struct far *far = rig->far;
    const uint32_t record[] = { 1700000000, 123456789, bytes, bytes };
    FILE *file = fopen(far->in, "ab");
    assert_non_null(file);
    write_words(file, record, 4);
    assert_int_equal(fwrite(frame, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* An Enhanced Packet Block; our files have no other blocks behind the first two. */
static uint32_t read_block(FILE *file, uint8_t *frame) {
    uint32_t words[7], trailer[2] = { 0 };
    if (fread(words, 4, 7, file) != 7)
        return 0;
    assert_int_equal(words[0], 6);
    assert_int_equal(words[2], 0);
    assert_int_equal(words[5], words[6]);
    uint32_t bytes = words[5], padding = -bytes & 3;
    assert_true(bytes <= RIG_FRAME_MAX);
    assert_int_equal(words[1], 28 + bytes + padding + 4);
    assert_int_equal(fread(frame, 1, bytes, file), bytes);
    assert_int_equal(fread(trailer, 1, padding + 4, file), padding + 4);
    assert_memory_equal((uint8_t *)trailer + padding, &words[1], 4);
    return bytes;
}

/* Which emptied the file. */
static void opened(struct rig *rig) {
    struct far *far = rig->far;
    far->read_to = 28 + 32;
}

static uint32_t collect(struct rig *rig, uint8_t *frame) {
    struct far *far = rig->far;
    FILE *file = fopen(far->out, "rb");
    assert_non_null(file);
    fseek(file, far->read_to, SEEK_SET);
    uint32_t bytes = read_block(file, frame);
    far->read_to = bytes ? ftell(file) : far->read_to;
    fclose(file);
    return bytes;
}

struct port_kind kind_pcap = {
    .name = "pcap",
    .queues = 1,
    .rx = true,
    .tx = true,
    .collects = true,
    .alone = true,
    .jumbo = true,
    .wrong_name = "pcap:/nowhere/lt-in.pcapng>/nowhere/lt-out.pcapng",
    .set_up = set_up,
    .tear_down = tear_down,
    .opened = opened,
    .bring = bring,
    .collect = collect,
};

struct port_kind kind_pcap_read = {
    .name = "pcap-read",
    .queues = 1,
    .rx = true,
    .alone = true,
    .jumbo = true,
    .wrong_name = "pcap:/nowhere/lt-in.pcapng",
    .set_up = set_up_read,
    .tear_down = tear_down,
    .opened = opened,
    .bring = bring,
};

struct port_kind kind_pcap_write = {
    .name = "pcap-write",
    .queues = 1,
    .tx = true,
    .collects = true,
    .alone = true,
    .jumbo = true,
    .wrong_name = "pcap:>/nowhere/lt-out.pcapng",
    .set_up = set_up_write,
    .tear_down = tear_down,
    .opened = opened,
    .bring = bring,
    .collect = collect,
};
