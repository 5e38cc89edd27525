/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcap: port beyond what all ports have in common: passes, pace, cut frames, full disks. */
#include "capture_builder.h"
#include "lib/drivers/capture.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/checksum.h>
#include <leat/error.h>
#include <leat/port.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct builder file;
static uint8_t bytes[CAPTURE_FRAME_MAX];
static char in[] = "/tmp/lt-pcap-in-XXXXXX", out[] = "/tmp/lt-pcap-out-XXXXXX";
static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port *port;
static struct leat_queue *queue;
static uint32_t buffers;

static int set_up(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 2048, .pages = LEAT_PAGES_4K };
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 13 + i / 256);
    int fds[] = { mkstemp(in), mkstemp(out) };
    if (fds[0] < 0 || fds[1] < 0 || leat_pool_create(&pool, &opts) < 0)
        return -1;
    close(fds[0]);
    close(fds[1]);
    buffers = leat_pool_free_count(pool);
    return leat_cache_open(&cache, pool);
}

static int tear_down(void **state) {
    (void)state;
    unlink(in);
    unlink(out);
    leat_cache_close(cache);
    return leat_pool_destroy(pool);
}

/* Writes the file that was built to `in`. */
static void save(void) {
    FILE *f = fopen(in, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.file, 1, file.bytes, f), file.bytes);
    assert_int_equal(fclose(f), 0);
}

static void open_port(const char *format, const char *path, const char *options) {
    char name[256];
    snprintf(name, sizeof(name), format, path, options);
    if (leat_port_open(&port, name, pool, NULL) < 0)
        fail_msg("%s", leat_error());
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
}

static void open_in(const char *options) {
    open_port("pcap:%s%s", in, options);
}

static void open_out(const char *options) {
    open_port("pcap:>%s%s", out, options);
}

static struct leat_stats close_port(void) {
    struct leat_stats final;
    leat_port_close(port, &final);
    return final;
}

static void build_frames(uint32_t n, uint64_t apart_ns) {
    file.bytes = 0;
    add_section(&file, false);
    add_interface(&file, 1, 0, 9, 0, 0);
    for (uint32_t i = 0; i < n; i++)
        add_enhanced(&file, 0, 1700000000000000000 + i * apart_ns, bytes, 60 + i, 60 + i);
    save();
}

/* Receives until the end, in batches of `batch`; returns how many packets. */
static uint32_t receive_all(uint32_t batch) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    uint32_t count = 0;
    int rc;
    while ((rc = leat_rx(queue, pkts, batch)) >= 0) {
        leat_free(cache, pkts, (uint32_t)rc);
        count += (uint32_t)rc;
    }
    assert_int_equal(rc, -ENODATA);
    assert_non_null(strstr(leat_error(), "the capture is at its end"));
    assert_int_equal(leat_rx(queue, pkts, batch), -ENODATA);
    return count;
}

static void repeats_a_capture(void **state) {
    (void)state;
    struct leat_pkt pkts[32];
    build_frames(7, 1000);
    open_in("");
    assert_int_equal(receive_all(32), 7);
    close_port();
    open_in(",loop=3");
    assert_int_equal(receive_all(5), 21);
    assert_int_equal(close_port().rx_packets, 21);
    open_in(",loop=0");
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(leat_rx(queue, pkts, 32), 32);
        for (uint32_t j = 0; j < 32; j++)
            assert_int_equal(pkts[j].len, 60 + (i * 32 + j) % 7);
        leat_free(cache, pkts, 32);
    }
    close_port();
    build_frames(0, 0);
    open_in(",loop=0");
    assert_int_equal(receive_all(32), 0);
    close_port();
}

static void drops_or_keeps_what_was_cut(void **state) {
    (void)state;
    struct leat_pkt pkts[4];
    build_pcap(&file, true, true, 1);
    add_record(&file, 1, 2, bytes, 64, 1514);
    add_record(&file, 1, 3, bytes, 65, 65);
    save();
    open_in("");
    assert_int_equal(receive_all(4), 1);
    struct leat_stats stats = close_port();
    assert_int_equal(stats.rx_packets, 1);
    assert_int_equal(stats.drops[LEAT_DROP_RX_TRUNCATED], 1);
    open_in(",truncated=keep");
    assert_int_equal(leat_rx(queue, pkts, 4), 2);
    assert_int_equal(pkts[0].len, 64);
    assert_int_equal(pkts[1].len, 65);
    assert_int_equal(leat_pkt_meta(pool, &pkts[0])->wire_len, 1514);
    assert_int_equal(leat_pkt_meta(pool, &pkts[1])->wire_len, 0);
    leat_free(cache, pkts, 2);
    stats = close_port();
    assert_int_equal(stats.rx_bytes, 129);
    assert_int_equal(stats.drops[LEAT_DROP_RX_TRUNCATED], 0);
}

static void drops_what_no_program_could_take(void **state) {
    (void)state;
    struct leat_caps caps;
    build_pcap(&file, false, false, 1);
    add_record(&file, 0, 0, bytes, 0, 0);
    add_record(&file, 0, 0, bytes, CAPTURE_FRAME_MAX, CAPTURE_FRAME_MAX);
    add_record(&file, 0, 0, bytes, 32 * 2112, 32 * 2112);
    add_record(&file, 0, 0, bytes, 32 * 2112 + 1, 32 * 2112 + 1);
    save();
    open_in("");
    leat_port_caps(port, &caps, sizeof(caps));
    assert_int_equal(caps.frame_max, 32 * 2112);
    assert_int_equal(receive_all(32), 32);
    struct leat_stats stats = close_port();
    assert_int_equal(stats.rx_packets, 1);
    assert_int_equal(stats.drops[LEAT_DROP_RX_LENGTH], 3);
}

static void carries_the_time_over(void **state) {
    (void)state;
    char name[128];
    struct leat_pkt pkts[8];
    build_frames(5, 12345);
    snprintf(name, sizeof(name), "pcap:%s>%s", in, out);
    open_port("%s%s", name, "");
    assert_int_equal(leat_rx(queue, pkts, 8), 5);
    assert_int_equal(leat_tx(queue, pkts, 5), 5);
    close_port();
    open_port("pcap:%s%s", out, "");
    assert_int_equal(leat_rx(queue, pkts, 8), 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(pkts[i].flags & LEAT_PKT_TIME);
        assert_int_equal(leat_pkt_meta(pool, &pkts[i])->time_ns, 1700000000000000000 + i * 12345);
        assert_int_equal(pkts[i].len, 60 + i);
        assert_memory_equal(pkts[i].data, bytes, 60 + i);
    }
    leat_free(cache, pkts, 5);
    close_port();
}

/* Three frames at once, one 30 ms later, the last one in an hour. */
static void keeps_the_recorded_pace(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    file.bytes = 0;
    add_section(&file, false);
    add_interface(&file, 1, 0, 9, 0, 0);
    const uint64_t times[] = { 5000000000, 5000000000, 4000000000, 5030000000, 3605000000000 };
    for (uint32_t i = 0; i < 5; i++)
        add_enhanced(&file, 0, times[i], bytes, 60, 60);
    save();
    open_in(",speed=recorded");
    assert_int_equal(leat_rx(queue, pkts, 8), 3);
    leat_free(cache, pkts, 3);
    assert_int_equal(leat_queue_arm(queue), 0);
    struct pollfd due = { .fd = leat_queue_fd(queue), .events = POLLIN };
    assert_int_equal(poll(&due, 1, 10000), 1);
    leat_queue_disarm(queue);
    assert_int_equal(leat_rx(queue, pkts, 8), 1);
    leat_free(cache, pkts, 1);
    assert_int_equal(leat_rx(queue, pkts, 8), 0);
    assert_int_equal(leat_queue_arm(queue), 0);
    assert_int_equal(poll(&due, 1, 0), 0);
    assert_int_equal(close_port().rx_packets, 4);
}

static void says_what_is_wrong_with_a_file(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    build_frames(3, 1);
    file.file[file.bytes - 4]++;
    save();
    open_in("");
    assert_int_equal(leat_rx(queue, pkts, 8), 2); /* all before it */
    leat_free(cache, pkts, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(leat_rx(queue, pkts, 8), -EINVAL);
        assert_non_null(strstr(leat_error(), in));
        assert_non_null(strstr(leat_error(), "at its end"));
    }
    assert_int_equal(leat_queue_arm(queue), 1);
    close_port();
}

static void fill(struct leat_pkt *pkt, uint32_t length) {
    assert_int_equal(leat_alloc(cache, pkt, 1), 1);
    memcpy(pkt->data, bytes, length);
    pkt->len = (uint16_t)length;
}

/* How many frames stand in the file that was written, all of it whole. */
static uint32_t count_written(struct capture_frame *last) {
    struct capture_reader reader;
    const struct capture_frame *frame;
    uint32_t count = 0;
    int rc;
    assert_int_equal(capture_reader_open(&reader, out), 0);
    for (; (rc = capture_peek(&reader, &frame)) > 0; count++) {
        *last = *frame;
        capture_next(&reader);
    }
    assert_int_equal(rc, -ENODATA);
    capture_reader_close(&reader);
    return count;
}

static void cuts_to_the_snap_length(void **state) {
    (void)state;
    struct capture_frame frame;
    struct leat_pkt pkts[2];
    open_out(",snaplen=96");
    fill(&pkts[0], 50);
    fill(&pkts[1], 70);
    pkts[0].flags = LEAT_PKT_MORE;
    assert_int_equal(leat_tx(queue, pkts, 2), 2);
    struct leat_stats stats = close_port();
    assert_int_equal(stats.tx_packets, 1);
    assert_int_equal(stats.tx_bytes, 120);
    assert_int_equal(count_written(&frame), 1);
    assert_int_equal(frame.captured, 96);
    assert_int_equal(frame.length, 120);
}

static void completes_checksums(void **state) {
    (void)state;
    struct capture_reader reader;
    const struct capture_frame *frame;
    struct leat_headers h;
    struct leat_pkt pkt;
    static const uint8_t headers[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
                                       /* IPv4 */
                                       69, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0,
                                       2, 2,
                                       /* UDP */
                                       0, 9, 0, 9, 0, 16, 0, 0 };
    fill(&pkt, 60);
    memcpy(pkt.data, headers, sizeof(headers));
    leat_put_be16(pkt.data + 40, leat_sum_fold(leat_sum_pseudo4(pkt.data + 14, 17, 16)));
    pkt.flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP;
    pkt.offload = leat_offload(14, 20, 0);
    open_out("");
    assert_int_equal(leat_tx(queue, &pkt, 1), 1);
    close_port();
    assert_int_equal(capture_reader_open(&reader, out), 0);
    assert_int_equal(capture_peek(&reader, &frame), 1);
    struct leat_pkt written = { .data = (uint8_t *)frame->data, .len = (uint16_t)frame->captured };
    leat_parse(frame->data, frame->data + frame->captured, &h);
    assert_true(leat_ip4_checksum_ok(frame->data + 14, 20));
    assert_int_equal(leat_l4_verify(&written, 1, &h), LEAT_CHECKSUM_OK);
    capture_reader_close(&reader);
}

static void drops_tags_that_are_not_in_the_bytes(void **state) {
    (void)state;
    struct leat_pkt pkt;
    open_out("");
    fill(&pkt, 60);
    *leat_pkt_meta(pool, &pkt) = (struct leat_meta){ .vlan_tci = { 5 }, .vlan_proto = { 0x8100 } };
    pkt.flags = LEAT_PKT_META | LEAT_PKT_VLAN;
    assert_int_equal(leat_tx(queue, &pkt, 1), 1);
    fill(&pkt, 60);
    pkt.flags = LEAT_PKT_META | LEAT_PKT_LAUNCH;
    assert_int_equal(leat_tx(queue, &pkt, 1), 1);
    struct leat_stats stats = close_port();
    assert_int_equal(stats.tx_packets, 0);
    assert_int_equal(stats.drops[LEAT_DROP_TX_OFFLOAD], 2);
}

/* A limit on the size of files stands for a full disk: a batch that does not fit any more. */
static void keeps_whole_frames_on_a_full_disk(void **state) {
    (void)state;
    struct capture_frame last;
    struct leat_pkt pkts[16];
    struct rlimit limit, before;
    open_out("");
    for (uint32_t i = 0; i < 16; i++)
        fill(&pkts[i], 60 + i);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 60 + 5 * 100; /* the header, and something more than five frames */
    setrlimit(RLIMIT_FSIZE, &limit);
    int sent = leat_tx(queue, pkts, 16);
    int then = leat_tx(queue, pkts + 5, 11);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(sent, 5);
    assert_int_equal(then, -EIO);
    assert_non_null(strstr(leat_error(), out));
    assert_int_equal(leat_tx(queue, pkts + 5, 11), -EIO); /* for good: there would be a gap */
    leat_free(cache, pkts + 5, 11);
    assert_int_equal(close_port().tx_packets, 5);
    assert_int_equal(count_written(&last), 5);
    assert_int_equal(last.captured, 64);
}

static void survives_a_reader_that_leaves(void **state) {
    (void)state;
    struct leat_pkt pkt;
    char path[64];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
    open_port("pcap:>%s%s", path, "");
    close(ends[1]);
    fill(&pkt, 60);
    assert_int_equal(leat_tx(queue, &pkt, 1), 1);
    close(ends[0]);
    fill(&pkt, 60);
    assert_int_equal(leat_tx(queue, &pkt, 1), -EIO);
    leat_free(cache, &pkt, 1);
    sigset_t waiting;
    sigpending(&waiting);
    assert_false(sigismember(&waiting, SIGPIPE));
    assert_int_equal(close_port().tx_packets, 1);
}

static void expect_refused(int err, const char *name, const char *words) {
    assert_int_equal(leat_port_open(&port, name, pool, NULL), -err);
    if (!strstr(leat_error(), words))
        fail_msg("'%s' does not say '%s'", leat_error(), words);
}

static void refuses_what_it_cannot_do(void **state) {
    (void)state;
    static const struct {
        int err;
        const char *format, *words;
    } cases[] = {
        { EINVAL, "pcap:", "names no file" },
        { EINVAL, "pcap:>", "names no file" },
        { EINVAL, "pcap:%s>", "names no file" },
        { EINVAL, "pcap:%s>%s", "would overwrite" },
        { EINVAL, "pcap:%s,speed=fast", "'max' or 'recorded', not 'fast'" },
        { EINVAL, "pcap:%s,truncated=maybe", "'drop' or 'keep', not 'maybe'" },
        { EINVAL, "pcap:%s,loop=-1", "loop" },
        { EINVAL, "pcap:%s,snaplen=96", "no such option here: 'snaplen'" },
        { ENOTSUP, "pcap:%s,queues=2", "2 queues" },
        { ENOTSUP, "pcap:%s,rx-ring=64", "no rings" },
        { ENOENT, "pcap:/nowhere/at/all", "cannot open '/nowhere/at/all'" },
    };
    char name[256];
    build_frames(1, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(name, sizeof(name), cases[i].format, in, in);
        expect_refused(cases[i].err, name, cases[i].words);
    }
}

static void reads_a_pipe_once(void **state) {
    (void)state;
    char name[64];
    int ends[2];
    build_frames(3, 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], file.file, file.bytes), file.bytes);
    snprintf(name, sizeof(name), "pcap:/proc/self/fd/%d,loop=2", ends[0]);
    expect_refused(ENOTSUP, name, "can be read once");
    assert_int_equal(write(ends[1], file.file, file.bytes), file.bytes);
    snprintf(name, sizeof(name), "pcap:/proc/self/fd/%d", ends[0]);
    open_port("%s%s", name, "");
    struct pollfd more = { .fd = leat_queue_fd(queue), .events = POLLIN };
    struct leat_pkt pkts[4];
    assert_int_equal(leat_rx(queue, pkts, 4), 3);
    leat_free(cache, pkts, 3);
    assert_int_equal(leat_rx(queue, pkts, 4), 0);
    assert_int_equal(leat_queue_arm(queue), 0);
    assert_int_equal(poll(&more, 1, 0), 0);
    close(ends[1]);
    assert_int_equal(poll(&more, 1, 10000), 1);
    assert_int_equal(leat_rx(queue, pkts, 4), -ENODATA);
    close_port();
    close(ends[0]);
}

static void empties_no_file_for_a_wrong_option(void **state) {
    (void)state;
    char name[128];
    struct stat status;
    FILE *precious = fopen(out, "w");
    fputs("precious", precious);
    fclose(precious);
    snprintf(name, sizeof(name), "pcap:>%s,snaplen=0", out);
    expect_refused(EINVAL, name, "snaplen");
    snprintf(name, sizeof(name), "pcap:>%s,loop=2", out);
    expect_refused(EINVAL, name, "no such option here: 'loop'");
    assert_int_equal(stat(out, &status), 0);
    assert_int_equal(status.st_size, 8);
}

static void a_capture_that_is_read_is_not_emptied(void **state) {
    (void)state;
    build_frames(3, 0);
    open_in("");
    char name[300];
    snprintf(name, sizeof(name), "pcap:>%s", in);
    struct leat_port *second;
    assert_int_equal(leat_port_open(&second, name, pool, NULL), -EBUSY);
    assert_non_null(strstr(leat_error(), "another port reads or writes it"));
    assert_int_equal(receive_all(8), 3);
    close_port();
    assert_int_equal(leat_port_open(&second, name, pool, NULL), 0);
    leat_port_close(second, NULL);
}

/* Whoever reads the other end has stopped: what the pipe has no room for stays the program's. */
static void a_full_pipe_is_not_waited_for(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 8192) >= 8192);
    char name[64];
    snprintf(name, sizeof(name), "pcap:>/proc/self/fd/%d", ends[1]);
    assert_int_equal(leat_port_open(&port, name, pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    struct leat_pkt pkts[64];
    uint32_t sent = 0;
    assert_int_equal(leat_alloc(cache, pkts, 64), 64);
    for (int i = 0; i < 64; i++)
        pkts[i].len = 1000;
    for (int took; (took = leat_tx(queue, pkts + sent, 64 - sent)) > 0;)
        sent += (uint32_t)took;
    assert_in_range(sent, 4, 8);
    leat_free(cache, pkts + sent, 64 - sent);
    assert_int_equal(close_port().tx_packets, sent);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capture_that_is_read_is_not_emptied),
        cmocka_unit_test(a_full_pipe_is_not_waited_for),
        cmocka_unit_test(repeats_a_capture),
        cmocka_unit_test(drops_or_keeps_what_was_cut),
        cmocka_unit_test(drops_what_no_program_could_take),
        cmocka_unit_test(carries_the_time_over),
        cmocka_unit_test(keeps_the_recorded_pace),
        cmocka_unit_test(says_what_is_wrong_with_a_file),
        cmocka_unit_test(cuts_to_the_snap_length),
        cmocka_unit_test(completes_checksums),
        cmocka_unit_test(drops_tags_that_are_not_in_the_bytes),
        cmocka_unit_test(keeps_whole_frames_on_a_full_disk),
        cmocka_unit_test(survives_a_reader_that_leaves),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(reads_a_pipe_once),
        cmocka_unit_test(empties_no_file_for_a_wrong_option),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
