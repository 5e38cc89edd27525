/* SPDX-License-Identifier: BSD-2-Clause */
/* Transports, with collectors in this process: sessions, a collector that stops reading, closes,
 * resets or says something, ICMP errors, acknowledged messages and those that come back. Time is
 * the test's own. "sctp" as argument: streams are SCTP's in place of TCP's. */
#include "lib/flow/message.h"
#include "lib/flow/transport.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <netinet/in.h>
#if __has_include(<netinet/sctp.h>)
#include <netinet/sctp.h>
#endif
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND       1000000000ull
#define MESSAGE_ROOM 1400
#define SMALL_BUFFER 65536

static uint64_t now_ns; /* runs on by itself in settle() */
static enum leat_transport_kind stream = LEAT_TRANSPORT_TCP;

static int set_up(void **state) {
    struct timespec now;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns = (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
    return 0;
}

static struct sockaddr_storage loopback(int family, uint16_t port) {
    struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
    if (family == AF_INET6) {
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
        ((struct sockaddr_in6 *)&address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ((struct sockaddr_in *)&address)->sin_port = htons(port);
    }
    return address;
}

/* A socket of a collector on loopback; port 0: any. */
static int listen_on(int family, int type, uint16_t *port) {
    const int protocol = type == SOCK_STREAM && stream == LEAT_TRANSPORT_SCTP ? IPPROTO_SCTP : 0;
    const int fd = socket(family, type | SOCK_CLOEXEC, protocol), one = 1, small = SMALL_BUFFER;
    struct sockaddr_storage address = loopback(family, *port);
    socklen_t length = sizeof(address);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
#ifdef SCTP_RECVRCVINFO
    if (protocol)
        setsockopt(fd, protocol, SCTP_RECVRCVINFO, &one, sizeof(one));
#endif
    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

static uint32_t times_told;
static char last_told[256];

static void told(void *ctx, const char *sentence) {
    (void)ctx;
    snprintf(last_told, sizeof(last_told), "%s", sentence);
    times_told++;
}

static struct leat_transport *open_to(enum leat_transport_kind kind, int family, uint16_t port,
                                      const char *spool) {
    struct leat_flow_sink_opts opts = { .size = sizeof(opts), .spool = spool, .told = told };
    struct leat_transport *transport;
    char text[8];
    times_told = 0;
    snprintf(text, sizeof(text), "%u", port);
    assert_int_equal(leat_transport_open(&transport, kind, "test",
                                         family == AF_INET6 ? "::1" : "127.0.0.1", text, &opts),
                     0);
    return transport;
}

/* Ticks, of which each is a tenth of a second later, until that state is there. */
static void settle(struct leat_transport *transport, enum leat_transport_state state) {
    for (uint32_t i = 0; i < 2000; i++) {
        now_ns += SECOND / 10;
        if (leat_transport_tick(transport, now_ns) == state)
            return;
    }
    fail_msg("not in state %d: %s", state, leat_transport_reason(transport));
}

static uint32_t make(uint8_t message[MESSAGE_ROOM], uint32_t number) {
    const uint32_t n = 100 + number % 1300, be = htobe32(number);
    memset(message, (int)number & 0xff, n);
    message[0] = 0;
    message[1] = 10;
    message[2] = (uint8_t)(n >> 8);
    message[3] = (uint8_t)n;
    memcpy(message + LEAT_MESSAGE_HEADER, &be, sizeof(be));
    return n;
}

static int send_number(struct leat_transport *transport, uint32_t number) {
    uint8_t message[MESSAGE_ROOM];
    const uint32_t n = make(message, number);
    return leat_transport_send(transport, message, n);
}

/* A message of SCTP is one of IPFIX, ordered, on stream 0. */
static void receive_sctp(int fd, void *bytes, size_t n) {
#ifdef SCTP_RECVRCVINFO
    union {
        struct cmsghdr header;
        uint8_t octets[CMSG_SPACE(sizeof(struct sctp_rcvinfo))];
    } control;
    struct iovec room = { bytes, MESSAGE_ROOM };
    struct msghdr message = { .msg_iov = &room,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    struct sctp_rcvinfo info;
    assert_int_equal(recvmsg(fd, &message, 0), n);
    assert_true(message.msg_flags & MSG_EOR);
    assert_true(CMSG_FIRSTHDR(&message) && control.header.cmsg_type == SCTP_RCVINFO);
    memcpy(&info, CMSG_DATA(&control.header), sizeof(info));
    assert_int_equal(info.rcv_sid, 0);
    assert_int_equal(info.rcv_flags & SCTP_UNORDERED, 0);
#else
    fail_msg("no SCTP to receive %zu octets on %d at %p", n, fd, bytes);
#endif
}

static void receive(int fd, void *bytes, size_t n) {
    if (stream == LEAT_TRANSPORT_SCTP)
        receive_sctp(fd, bytes, n);
    else
        assert_int_equal(recv(fd, bytes, n, MSG_WAITALL), n);
}

static void expect_on_stream(int fd, uint32_t number) {
    uint8_t message[MESSAGE_ROOM], got[MESSAGE_ROOM];
    const uint32_t n = make(message, number);
    receive(fd, got, n);
    assert_memory_equal(got, message, n);
}

static void expect_datagram(int fd, uint32_t number) {
    uint8_t message[MESSAGE_ROOM], got[2000];
    const uint32_t n = make(message, number);
    struct pollfd poller = { fd, POLLIN, 0 };
    assert_int_equal(poll(&poller, 1, 10000), 1);
    assert_int_equal(recv(fd, got, sizeof(got), 0), n);
    assert_memory_equal(got, message, n);
}

/* Numbers of the messages that came back. */
struct returned {
    uint32_t count, first, last;
};

static void note_returned(void *ctx, const uint8_t *bytes, uint32_t n) {
    struct returned *returned = ctx;
    uint8_t right[MESSAGE_ROOM];
    uint32_t number;
    memcpy(&number, bytes + LEAT_MESSAGE_HEADER, sizeof(number));
    number = be32toh(number);
    assert_int_equal(n, make(right, number));
    assert_memory_equal(bytes, right, n);
    if (returned->count++)
        assert_int_equal(number, returned->last + 1);
    else
        returned->first = number;
    returned->last = number;
}

/* T1: both address families. */
static void test_udp(void **state) {
    (void)state;
    static const int families[] = { AF_INET, AF_INET6 };
    for (uint32_t i = 0; i < 2; i++) {
        uint16_t port = 0;
        const int fd = listen_on(families[i], SOCK_DGRAM, &port);
        struct leat_transport *transport = open_to(LEAT_TRANSPORT_UDP, families[i], port, NULL);
        assert_int_equal(leat_transport_state(transport), LEAT_TRANSPORT_READY);
        assert_int_equal(leat_transport_message_max(transport), 9000 - (i ? 48 : 28));
        for (uint32_t n = 0; n < 100; n++) {
            assert_int_equal(send_number(transport, n), 0);
            expect_datagram(fd, n);
        }
        assert_int_equal(leat_transport_acknowledged(transport), 100);
        leat_transport_close(transport);
        close(fd);
    }
}

/* T30: nobody listens: noted, and export goes on. */
static void test_udp_refused(void **state) {
    (void)state;
    uint16_t port = 0;
    close(listen_on(AF_INET, SOCK_DGRAM, &port));
    struct leat_transport *transport = open_to(LEAT_TRANSPORT_UDP, AF_INET, port, NULL);
    for (uint32_t n = 0; n < 10; n++)
        assert_int_equal(send_number(transport, n), 0);
    assert_true(leat_transport_failures(transport) >= 5);
    const int fd = listen_on(AF_INET, SOCK_DGRAM, &port);
    for (uint32_t n = 10; n < 20; n++) {
        assert_int_equal(send_number(transport, n), 0);
        expect_datagram(fd, n);
    }
    assert_int_equal(leat_transport_session(transport), 1);
    leat_transport_close(transport);
    close(fd);
}

/* With a spool: away, then one message ahead, and the rest when it was not refused. */
static void test_udp_trial(void **state) {
    (void)state;
    uint16_t port = 0;
    close(listen_on(AF_INET, SOCK_DGRAM, &port));
    struct leat_transport *transport = open_to(LEAT_TRANSPORT_UDP, AF_INET, port, "spool");
    assert_int_equal(send_number(transport, 0), 0);
    assert_int_equal(send_number(transport, 1), -ENOTCONN);
    assert_int_equal(leat_transport_state(transport), LEAT_TRANSPORT_AWAY);
    assert_string_equal(last_told, "test: the collector is away: Connection refused");
    settle(transport, LEAT_TRANSPORT_READY);
    assert_int_equal(send_number(transport, 1), 0);
    assert_int_equal(send_number(transport, 2), -EAGAIN);
    settle(transport, LEAT_TRANSPORT_AWAY);
    assert_int_equal(times_told, 2); /* connected, away; not that it was tried */
    const int fd = listen_on(AF_INET, SOCK_DGRAM, &port);
    settle(transport, LEAT_TRANSPORT_READY);
    assert_int_equal(send_number(transport, 1), 0);
    assert_int_equal(send_number(transport, 2), -EAGAIN);
    assert_int_equal(times_told, 2);
    settle(transport, LEAT_TRANSPORT_READY);
    assert_string_equal(last_told, "test: connected");
    assert_int_equal(send_number(transport, 2), 0);
    assert_int_equal(send_number(transport, 3), 0);
    for (uint32_t n = 1; n < 4; n++)
        expect_datagram(fd, n);
    assert_int_equal(leat_transport_session(transport), 3);
    leat_transport_close(transport);
    close(fd);
}

static void test_stream(void **state) {
    (void)state;
    static const int families[] = { AF_INET, AF_INET6 };
    for (uint32_t i = 0; i < 2; i++) {
        uint16_t port = 0;
        const int listener = listen_on(families[i], SOCK_STREAM, &port);
        struct leat_transport *transport = open_to(stream, families[i], port, NULL);
        settle(transport, LEAT_TRANSPORT_READY);
        const int fd = accept(listener, NULL, NULL);
        for (uint32_t n = 0; n < 3000; n++) {
            assert_int_equal(send_number(transport, n), 0);
            expect_on_stream(fd, n);
        }
        /* What it says is thrown away. */
        uint8_t garbage[8192];
        memset(garbage, 0xa5, sizeof(garbage));
        for (uint32_t n = 0; n < 40; n++)
            if (send(fd, garbage, sizeof(garbage), MSG_DONTWAIT) > 0)
                settle(transport, LEAT_TRANSPORT_READY);
        assert_int_equal(send_number(transport, 7), 0);
        expect_on_stream(fd, 7);
        leat_transport_finish(transport, 10000);
        assert_int_equal(leat_transport_acknowledged(transport), 3001);
        assert_int_equal(recv(fd, garbage, sizeof(garbage), 0), 0);
        leat_transport_close(transport);
        close(fd);
        close(listener);
    }
}

/* T28: it stops reading: a bounded amount is taken, then nothing; when it reads again all of that
 * comes, and what is sent then. */
static void test_stops_reading(void **state) {
    (void)state;
    uint16_t port = 0;
    const int listener = listen_on(AF_INET, SOCK_STREAM, &port);
    struct leat_transport *transport = open_to(stream, AF_INET, port, NULL);
    settle(transport, LEAT_TRANSPORT_READY);
    const int fd = accept(listener, NULL, NULL);
    uint32_t taken = 0, octets = 0;
    uint8_t message[MESSAGE_ROOM];
    while (send_number(transport, taken) == 0)
        octets += make(message, taken++);
    assert_int_equal(send_number(transport, taken), -EAGAIN);
    assert_in_range(octets, 1u << 20, 2u << 20);
    for (uint32_t i = 0; i < 100; i++)
        settle(transport, LEAT_TRANSPORT_READY);
    assert_int_equal(send_number(transport, taken), -EAGAIN);
    assert_true(leat_transport_acknowledged(transport) < taken);
    for (uint32_t n = 0; n < taken; n++) {
        expect_on_stream(fd, n);
        settle(transport, LEAT_TRANSPORT_READY);
    }
    assert_int_equal(send_number(transport, taken), 0);
    expect_on_stream(fd, taken);
    leat_transport_close(transport);
    close(fd);
    close(listener);
}

/* It resets the connection with messages on their way: what it had not acknowledged comes back, in
 * order and without a hole. */
static void test_comes_back(void **state) {
    (void)state;
    uint16_t port = 0;
    const struct linger reset = { .l_onoff = 1 };
    const int listener = listen_on(AF_INET, SOCK_STREAM, &port);
    struct leat_transport *transport = open_to(stream, AF_INET, port, NULL);
    settle(transport, LEAT_TRANSPORT_READY);
    int fd = accept(listener, NULL, NULL);
    uint32_t taken = 0;
    while (send_number(transport, taken) == 0)
        taken++;
    assert_true(taken > 1200);
    for (uint32_t n = 0; n < 1200; n++) {
        expect_on_stream(fd, n);
        settle(transport, LEAT_TRANSPORT_READY);
    }
    for (uint32_t i = 0; i < 10; i++)
        settle(transport, LEAT_TRANSPORT_READY);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    settle(transport, LEAT_TRANSPORT_AWAY);
    const uint64_t acknowledged = leat_transport_acknowledged(transport);
    struct returned returned = { 0 };
    leat_transport_take_back(transport, note_returned, &returned);
    assert_true(acknowledged >= 400);
    assert_int_equal(returned.first, acknowledged);
    assert_int_equal(returned.last, taken - 1);

    settle(transport, LEAT_TRANSPORT_READY);
    fd = accept(listener, NULL, NULL);
    assert_int_equal(leat_transport_session(transport), 2);
    assert_int_equal(leat_transport_acknowledged(transport), 0);
    assert_int_equal(send_number(transport, 5), 0);
    expect_on_stream(fd, 5);
    leat_transport_close(transport);
    close(fd);
    close(listener);
}

/* Nobody there at first; then somebody who closes at once; then a collector. */
static void test_reconnects(void **state) {
    (void)state;
    uint16_t port = 0;
    int listener = listen_on(AF_INET, SOCK_STREAM, &port);
    close(listener);
    struct leat_transport *transport = open_to(stream, AF_INET, port, NULL);
    settle(transport, LEAT_TRANSPORT_AWAY);
    assert_int_equal(send_number(transport, 0), -ENOTCONN);
    assert_string_equal(leat_transport_reason(transport), "Connection refused");
    for (uint32_t i = 0; i < 1000; i++)
        leat_transport_tick(transport, now_ns += SECOND / 10);
    /* 100 seconds: 0.1, 0.2, 0.4 ... 10, 10, 10 */
    assert_in_range(leat_transport_failures(transport), 10, 20);
    assert_string_equal(last_told, "test: the collector cannot be reached: Connection refused");
    assert_int_equal(times_told, 1);
    listener = listen_on(AF_INET, SOCK_STREAM, &port);
    settle(transport, LEAT_TRANSPORT_READY);
    assert_string_equal(last_told, "test: connected");
    close(accept(listener, NULL, NULL));
    settle(transport, LEAT_TRANSPORT_AWAY);
    assert_string_equal(leat_transport_reason(transport), "it closed the connection");
    assert_string_equal(last_told, "test: the collector is away: it closed the connection");
    assert_int_equal(times_told, 3);
    settle(transport, LEAT_TRANSPORT_READY);
    const int fd = accept(listener, NULL, NULL);
    assert_int_equal(send_number(transport, 3), 0);
    expect_on_stream(fd, 3);
    leat_transport_close(transport);
    close(fd);
    close(listener);
}

/* A name that nobody knows is tried again, too. */
static void test_unknown_name(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = { .size = sizeof(opts) };
    struct leat_transport *transport;
    assert_int_equal(
        leat_transport_open(&transport, LEAT_TRANSPORT_TCP, "test", "1.2.3.4.5.6", "no", &opts), 0);
    assert_int_equal(leat_transport_state(transport), LEAT_TRANSPORT_AWAY);
    assert_non_null(strstr(leat_transport_reason(transport), "1.2.3.4.5.6"));
    for (uint32_t i = 0; i < 50; i++)
        leat_transport_tick(transport, now_ns += SECOND / 10);
    leat_transport_close(transport);
}

int main(int argc, char **argv) {
    const struct CMUnitTest streams[] = {
        cmocka_unit_test_setup(test_stream, set_up),
        cmocka_unit_test_setup(test_stops_reading, set_up),
        cmocka_unit_test_setup(test_comes_back, set_up),
        cmocka_unit_test_setup(test_reconnects, set_up),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test_setup(test_udp, set_up),
        cmocka_unit_test_setup(test_udp_refused, set_up),
        cmocka_unit_test_setup(test_udp_trial, set_up),
        cmocka_unit_test_setup(test_unknown_name, set_up),
    };
    if (argc > 1 && strcmp(argv[1], "sctp") == 0)
        stream = LEAT_TRANSPORT_SCTP;
    int failed = cmocka_run_group_tests(streams, NULL, NULL);
    if (stream == LEAT_TRANSPORT_TCP)
        failed += cmocka_run_group_tests(others, NULL, NULL);
    return failed;
}
