/* SPDX-License-Identifier: BSD-2-Clause */
/* What guards a server of AF_XDP sockets against the programs that it serves: the memory that they
 * bring, the frames that they want, and the kernel's tie between a socket and its interface. */
#include "lib/core/foreign.h"
#include "lib/drivers/xdp_match.h"
#include "lib/drivers/xdp_message.h"
#include "lib/drivers/xdp_tie.h"
#include "send_fds.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES 65536
#define SHUT  (F_SEAL_SHRINK | F_SEAL_GROW)

static void says(const char *words) {
    if (!strstr(leat_error(), words))
        fail_msg("'%s' does not say '%s'", leat_error(), words);
}

static int make_file(off_t bytes, int seals) {
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, bytes), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void refuse_memory(int fd, uint64_t bytes, uint32_t stride, const char *words) {
    struct leat_pool *pool;
    assert_true(leat_foreign_map(&pool, fd, bytes, stride) < 0);
    says(words);
    close(fd);
}

static void refuses_memory_that_is_no_pool(void **state) {
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    close(pipes[1]);
    refuse_memory(-1, BYTES, 2048, "not a memfd");
    refuse_memory(pipes[0], BYTES, 2048, "not a memfd");
    refuse_memory(open("/etc/passwd", O_RDONLY | O_CLOEXEC), 4096, 2048, "not a memfd");
    refuse_memory(make_file(BYTES, F_SEAL_GROW), BYTES, 2048, "F_SEAL_SHRINK");
    refuse_memory(make_file(BYTES, SHUT), 2 * BYTES, 2048, "65536 bytes, not 131072");
    refuse_memory(make_file(BYTES, SHUT), BYTES - 4096, 2048, "65536 bytes, not 61440");
    refuse_memory(make_file(1000, SHUT), 1000, 512, "1000 bytes");
    refuse_memory(make_file(0, SHUT), 0, 512, "no buffers");
    refuse_memory(make_file(BYTES, SHUT), BYTES, 0, "no buffers");
    refuse_memory(make_file(BYTES, SHUT), BYTES, 1 << 20, "no buffers");
    refuse_memory(make_file(BYTES, SHUT | F_SEAL_WRITE), BYTES, 2048, "map");
}

static void maps_a_pool_as_it_is(void **state) {
    (void)state;
    struct leat_pool *own, *foreign;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 64, .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&own, &opts), 0);
    own->base[5] = 42;
    assert_int_equal(leat_foreign_map(&foreign, leat_pool_fd(own), own->bytes, own->stride), 0);
    assert_ptr_not_equal(foreign->base, own->base);
    assert_int_equal(foreign->base[5], 42);
    assert_int_equal(foreign->bytes, own->bytes);
    assert_int_equal(foreign->stride, own->stride);
    assert_true(foreign->buffers >= own->buffers);
    assert_int_equal(leat_pool_page_bytes(foreign), 4096);
    leat_foreign_unmap(foreign);
    leat_foreign_unmap(NULL);
    assert_int_equal(leat_pool_destroy(own), 0);
}

static void joins_what_is_wanted_to_what_is_allowed(void **state) {
    (void)state;
    char match[128];
    assert_int_equal(xdp_match_join(match, sizeof(match), NULL, ""), 0);
    assert_string_equal(match, "");
    assert_int_equal(xdp_match_join(match, sizeof(match), "udp", ""), 0);
    assert_string_equal(match, "udp");
    assert_int_equal(xdp_match_join(match, sizeof(match), NULL, "tcp or arp"), 0);
    assert_string_equal(match, "tcp or arp");
    assert_int_equal(xdp_match_join(match, sizeof(match), "udp or icmp", "vlan 5 or arp"), 0);
    assert_string_equal(match, "(udp or icmp) and (vlan 5 or arp)");
    assert_int_equal(xdp_match_join(match, 20, "udp or icmp", "vlan 5 or arp"), -E2BIG);
}

static void refuses_to_be_led_out(void **state) {
    (void)state;
    static const char *const wrong[] = { "tcp) or (tcp", ") or (", "(tcp", "tcp)", "no such" };
    char match[256];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(xdp_match_join(match, sizeof(match), "udp", wrong[i]), -EINVAL);
        says(wrong[i]);
    }
}

/* No name is looked up, of hosts, services or protocols; numbers and addresses are taken. */
static void looks_nothing_up(void **state) {
    (void)state;
    static const char *const names[] = {
        "host example.org", "host 1-2",      "host 1.2.3.4.5", "host 1x.org",  "udp port domain",
        "host a",           "ether host me", "host 0xzz",      "portrange 1-", "host 10.",
    };
    static const char *const numbers[] = {
        "udp port 4789",
        "host 10.0.0.1 or net 10.1.0.0/16",
        "ip6 host fe80::1 and not tcp",
        "ether host 02:00:00:00:00:01",
        "udp portrange 1000-2000",
        "ether proto 0x88cc or len >= 100",
        "tcp[tcpflags] & tcp-syn != 0",
    };
    char match[256];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(xdp_match_join(match, sizeof(match), NULL, names[i]), -EINVAL);
        says("looked up");
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (xdp_match_join(match, sizeof(match), NULL, numbers[i]) < 0)
            fail_msg("%s", leat_error());
}

static int lowest_free(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

static void keeps_one_descriptor_of_many(void **state) {
    (void)state;
    char byte = 'x';
    int sockets[2], fd, lowest = lowest_free();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    const int five[] = { sockets[0], sockets[0], sockets[0], sockets[0], sockets[0] };
    assert_int_equal(send_fds(sockets[0], &byte, 1, five, 5, 0), 1);
    close(sockets[0]);
    assert_int_equal(xdp_message_receive(sockets[1], &byte, 1, &fd), 1);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(recv(sockets[1], &byte, 1, 0), 0); /* nobody has the other end any more */
    close(sockets[1]);
    assert_int_equal(lowest_free(), lowest);
}

/* A kernel that minds the tie, or one that does not. */
static bool minds = true;
int __real_bind(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t bytes) {
    return minds ? __real_bind(fd, address, bytes) : 0;
}

static void tries_the_tie(void **state) {
    (void)state;
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        assert_true(xdp_tie_probe() < 0);
        if (errno == EPERM)
            says("CAP_NET_RAW");
        skip();
    }
    close(fd);
    int err = xdp_tie_probe();
    assert_true(err == 0 || err == -ENOTSUP);
    minds = false;
    assert_int_equal(xdp_tie_probe(), -ENOTSUP);
    says("lets a socket that is tied to one interface be bound to another");
    minds = true;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_memory_that_is_no_pool),
        cmocka_unit_test(maps_a_pool_as_it_is),
        cmocka_unit_test(joins_what_is_wanted_to_what_is_allowed),
        cmocka_unit_test(refuses_to_be_led_out),
        cmocka_unit_test(looks_nothing_up),
        cmocka_unit_test(keeps_one_descriptor_of_many),
        cmocka_unit_test(tries_the_tie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
