/* SPDX-License-Identifier: BSD-2-Clause */
/* Our view of captures beside libpcap's: every frame, its bytes, lengths and nanoseconds. */
#include "capture_builder.h"
#include "lib/drivers/capture.h"
#include <errno.h>
#include <leat/port.h>
#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct builder file;
static uint8_t bytes[2048];
static char path[] = "/tmp/lt-capture-XXXXXX";

static int set_up(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 11 + i / 256);
    int fd = mkstemp(path);
    close(fd);
    return fd < 0 ? -1 : 0;
}

static int tear_down(void **state) {
    (void)state;
    return unlink(path);
}

static void save(void) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.file, 1, file.bytes, f), file.bytes);
    assert_int_equal(fclose(f), 0);
}

/* Returns how many frames both found the same. */
static uint32_t compare(const char *name) {
    char why[PCAP_ERRBUF_SIZE];
    struct capture_reader reader;
    const struct capture_frame *ours;
    struct pcap_pkthdr *theirs;
    const u_char *data;
    uint32_t count = 0;
    pcap_t *peer = pcap_open_offline_with_tstamp_precision(name, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!peer)
        fail_msg("libpcap: %s", why);
    assert_int_equal(capture_reader_open(&reader, name), 0);
    int rc;
    while ((rc = pcap_next_ex(peer, &theirs, &data)) == 1) {
        assert_int_equal(capture_peek(&reader, &ours), 1);
        assert_int_equal(ours->captured, theirs->caplen);
        assert_int_equal(ours->length, theirs->len);
        assert_memory_equal(ours->data, data, theirs->caplen);
        uint64_t time_ns = (uint64_t)theirs->ts.tv_sec * 1000000000 + (uint64_t)theirs->ts.tv_usec;
        if (ours->timed) /* else the file does not say, and libpcap makes something up */
            assert_int_equal(ours->time_ns, time_ns);
        capture_next(&reader);
        count++;
    }
    assert_int_equal(rc, PCAP_ERROR_BREAK);
    assert_int_equal(capture_peek(&reader, &ours), -ENODATA);
    capture_reader_close(&reader);
    pcap_close(peer);
    return count;
}

static void agrees_on_pcap(void **state) {
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        build_pcap(&file, variant & 1, variant & 2, 1);
        for (uint32_t i = 0; i < 100; i++)
            add_record(&file, 1700000000 + i, 1001 * i, bytes + i, 14 + i, 14 + i * i);
        save();
        assert_int_equal(compare(path), 100);
    }
}

static void agrees_on_pcapng(void **state) {
    (void)state;
    static const uint8_t resolutions[] = { 0, 3, 6, 9, 10, 12, 0x80 | 10, 0x80 | 20, 0x80 | 30 };
    for (size_t i = 0; i < 2 * sizeof(resolutions); i++) {
        file.bytes = 0;
        add_section(&file, i & 1);
        add_interface(&file, 1, 1000, resolutions[i / 2], i % 3 ? 0 : 1000, 0);
        add_unknown(&file, 4, 16);
        for (uint32_t frame = 0; frame < 100; frame++)
            add_enhanced(&file, 0, 12345678901 + frame * 77777, bytes + frame, 14 + frame,
                         14 + frame * frame);
        add_simple(&file, bytes, 1000, 1500);
        add_obsolete(&file, 0, 99999999, bytes, 99, 100);
        save();
        assert_int_equal(compare(path), 102);
    }
}

static void agrees_on_real_traffic(void **state) {
    (void)state;
    assert_true(compare(PROTOCOLS_PCAP) > 0);
}

/* What the port writes, libpcap reads. */
static void agrees_on_what_it_writes(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 512, .pages = LEAT_PAGES_4K };
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port *port;
    struct leat_queue *queue;
    struct leat_pkt pkts[100];
    char name[64];
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    snprintf(name, sizeof(name), "pcap:>%s", path);
    assert_int_equal(leat_port_open(&port, name, pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    assert_int_equal(leat_alloc(cache, pkts, 100), 100);
    for (uint32_t i = 0; i < 100; i++) {
        memcpy(pkts[i].data, bytes + i, 14 + i);
        pkts[i].len = (uint16_t)(14 + i);
    }
    assert_int_equal(leat_tx(queue, pkts, 100), 100);
    leat_port_close(port, NULL);
    assert_int_equal(compare(path), 100);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_on_pcap),
        cmocka_unit_test(agrees_on_pcapng),
        cmocka_unit_test(agrees_on_real_traffic),
        cmocka_unit_test(agrees_on_what_it_writes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
