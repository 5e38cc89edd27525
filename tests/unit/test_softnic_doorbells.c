/* SPDX-License-Identifier: BSD-2-Clause */
/* Server and model together: registers by message and by mapped page are the same registers. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ways_to_a_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_cannot_shrink_the_pages, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
