/* SPDX-License-Identifier: BSD-2-Clause */
/* Server, model and wire together: registers by message and by mapped page are the same, a frame
 * goes round, and the report outlives the driver. */
#include "softnic_client.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define RDT 0x1018
#define TDT 0x6018

static struct client client;

static int set_up(void **state) {
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct softnic_opts opts = { .port_count = 1 };
    opts.ports[0] = (struct softnic_port){ .fd = pair[0], .wire = "loop" };
    client = (struct client){ .fd = pair[1], .next_id = 1 };
    assert_int_equal(softnic_create(&client.softnic, &opts), 0);
    client_agree(&client);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    client_close(&client);
    return 0;
}

static int doorbell_fd(void) {
    struct protocol_region_info ask = { .argsz = 4096, .index = 0 };
    assert_int_equal(client_do(&client, PROTOCOL_GET_REGION_INFO, &ask, sizeof(ask)), 0);
    assert_int_equal(answer.fd_count, 1);
    return answer.fds[0];
}

static void both_ways_to_a_tail(void **state) {
    (void)state;
    int fd = doorbell_fd();
    for (uint32_t tail = RDT; tail <= TDT; tail += TDT - RDT) {
        uint32_t page = tail & ~0xfffu, value = 0x123, got = 0;
        volatile uint32_t *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
        assert_true(mapped != MAP_FAILED);
        mapped[(tail & 0xfff) / 4] = 0x45;
        if (tail == RDT) /* its descriptor is closed by the next exchange, the mapping stays */
            fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        assert_int_equal(client_read(&client, 0, tail, 4, &got), 0);
        assert_int_equal(got, 0x45);
        assert_int_equal(client_write(&client, 0, tail, 4, &value), 0);
        assert_int_equal(mapped[(tail & 0xfff) / 4], 0x123);
        munmap((void *)mapped, 4096);
    }
    close(fd);
}

static void client_cannot_shrink_the_pages(void **state) {
    (void)state;
    assert_int_equal(ftruncate(doorbell_fd(), 0), -1);
    uint32_t got;
    assert_int_equal(client_read(&client, 0, TDT, 4, &got), 0);
}

static void set_register(uint32_t offset, uint32_t value) {
    assert_int_equal(client_write(&client, 0, offset, 4, &value), 0);
}

/* Link, and queue 0 of both directions (datasheet 4.6), rings at 0x1000 and 0x2000. */
static void bring_up(void) {
    static const uint32_t steps[][2] = {
        { 0x42a0, 3u << 13 | 1u << 12 }, /* AUTOC: 10G serial */
        { 0x5080, 1u << 8 | 1u << 9 },   /* FCTRL: promiscuous */
        { 0x1000, 0x1000 },
        { 0x1008, 128 },
        { 0x1014, 2 | 1u << 25 }, /* RDBAL, RDLEN, SRRCTL */
        { 0x1028, 1u << 25 },
        { 0x3000, 1 },
        { 0x1018, 7 }, /* RXDCTL, RXCTRL, RDT */
        { 0x4a80, 1 },
        { 0x6000, 0x2000 },
        { 0x6008, 128 },      /* DMATXCTL, TDBAL, TDLEN */
        { 0x6028, 1u << 25 }, /* TXDCTL */
    };
    assert_int_equal(client_write(&client, 7, 4, 1, "\x06"), 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        set_register(steps[i][0], steps[i][1]);
}

static void a_frame_goes_round_and_is_remembered(void **state) {
    (void)state;
    int fd = memfd_create("memory", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 0x10000), 0);
    uint64_t *memory = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(memory != MAP_FAILED);
    struct protocol_dma_map map = { .argsz = sizeof(map), .flags = 3, .bytes = 0x10000 };
    assert_int_equal(client_do_fds(&client, PROTOCOL_DMA_MAP, &map, sizeof(map), &fd, 1), 0);
    uint64_t *received = memory + 0x1000 / 8, *sent = memory + 0x2000 / 8;
    for (int i = 0; i < 8; i++)
        received[2 * i] = 0x4000 + 0x800 * (uint64_t)i;
    memset((uint8_t *)memory + 0x3000, 0x5a, 60);
    sent[0] = 0x3000; /* advanced data descriptor, whole frame, FCS, report (7.2.3.2.4) */
    sent[1] = 60 | 3u << 20 | 0x2bu << 24 | 60ull << 46;
    bring_up();
    set_register(TDT, 1);
    client_turn(&client);
    assert_memory_equal((uint8_t *)memory + 0x4000, (uint8_t *)memory + 0x3000, 60);
    assert_int_equal(received[1] & 3, 3); /* done, end of packet */
    assert_int_equal(sent[1] >> 32 & 1, 1);
    close(client.fd);
    client.fd = -1;
    client_turn(&client);
    struct nic_stats stats;
    softnic_port_stats(client.softnic, 0, &stats, NULL);
    assert_int_equal(stats.tx_frames, 1);
    assert_int_equal(stats.rx_frames, 1);
    munmap(memory, 0x10000);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ways_to_a_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_cannot_shrink_the_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frame_goes_round_and_is_remembered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
