/* SPDX-License-Identifier: BSD-2-Clause */
/* T31: TLS and DTLS with certificates on both sides, made by the command
 * openssl; what is wrong with one is told in a sentence. The collector is
 * OpenSSL's other side, in this process. */
#include "lib/flow/message.h"
#include "lib/flow/transport.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <leat/error.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/lt-tls.XXXXXX";

static const char *path(const char *name) {
    static char paths[4][128];
    static uint32_t next;
    char *text = paths[next++ % 4];
    snprintf(text, sizeof(paths[0]), "%s/%s", directory, name);
    return text;
}

/* Two authorities; of the first: the collector's and the exporter's
 * certificates, and an expired one. */
static int make_certificates(void **state) {
    static const char script[] =
        "cd %s && exec >/dev/null 2>&1 && set -e\n"
        "for ca in ca other; do openssl req -x509 -newkey ec -pkeyopt "
        "ec_paramgen_curve:P-256"
        " -nodes -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem; done\n"
        "mkdir new && touch index && echo 01 >serial\n"
        "printf "
        "'[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_"
        "dir=new\\n"
        "default_md=sha256\\npolicy=p\\ncopy_extensions=copy\\nunique_subject="
        "no\\n"
        "[p]\\ncommonName=supplied\\n' >ca.cnf\n"
        "for name in collector exporter expired; do openssl req -newkey ec"
        " -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name"
        " -addext subjectAltName=DNS:$name.example,IP:127.0.0.1 -keyout "
        "$name.key -out $name.csr\n"
        "dates='-days 2'; [ $name != expired ] || dates='-startdate "
        "20200101000000Z -enddate"
        " 20200102000000Z'\n"
        "openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key $dates "
        "-in $name.csr"
        " -out $name.pem -notext; done\n";
    char command[2048];
    (void)state;
    snprintf(command, sizeof(command), script, directory);
    return system(command);
}

static int remove_certificates(void **state) {
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

struct collector {
    bool datagram;
    SSL_CTX *context;
    SSL *session;
    int listener, fd;
    uint16_t port;
    uint8_t got[65536];
    uint32_t n;
};

static int listen_on(bool datagram, uint16_t *port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(*port) };
    socklen_t length = sizeof(address);
    const int type = datagram ? SOCK_DGRAM : SOCK_STREAM, one = 1;
    const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    if (!datagram)
        assert_int_equal(listen(fd, 4), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    return fd;
}

static void collector_start(struct collector *collector, bool datagram, const char *certificate,
                            int version) {
    char file[64];
    *collector = (struct collector){ .datagram = datagram, .fd = -1 };
    SSL_CTX *context = SSL_CTX_new(datagram ? DTLS_server_method() : TLS_server_method());
    collector->context = context;
    snprintf(file, sizeof(file), "%s.pem", certificate);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, path(file)), 1);
    snprintf(file, sizeof(file), "%s.key", certificate);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path(file), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_load_verify_file(context, path("ca.pem")), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_id_context(context, (const uint8_t *)"test", 4);
    if (version)
        SSL_CTX_set_max_proto_version(context, version);
    collector->listener = listen_on(datagram, &collector->port);
}

static void hang_up(struct collector *collector) {
    SSL_free(collector->session);
    collector->session = NULL;
    if (collector->fd >= 0)
        close(collector->fd);
    collector->fd = -1;
}

static void collector_stop(struct collector *collector) {
    if (collector->fd == collector->listener)
        collector->fd = -1;
    hang_up(collector);
    SSL_CTX_free(collector->context);
    close(collector->listener);
}

/* The next session: of a datagram socket by its first datagram. */
static bool answer(struct collector *collector) {
    if (collector->datagram) {
        struct sockaddr_in peer;
        socklen_t length = sizeof(peer);
        uint8_t byte;
        if (recvfrom(collector->listener, &byte, 1, MSG_PEEK, (struct sockaddr *)&peer, &length) <
            0)
            return false;
        assert_int_equal(connect(collector->listener, (struct sockaddr *)&peer, length), 0);
        collector->fd = collector->listener;
        BIO *bio = BIO_new_dgram(collector->fd, BIO_NOCLOSE);
        BIO_ADDR *address = BIO_ADDR_new();
        BIO_ADDR_rawmake(address, AF_INET, &peer.sin_addr, sizeof(peer.sin_addr), peer.sin_port);
        BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, address);
        BIO_ADDR_free(address);
        collector->session = SSL_new(collector->context);
        SSL_set_bio(collector->session, bio, bio);
    } else {
        collector->fd = accept4(collector->listener, NULL, NULL, SOCK_NONBLOCK);
        if (collector->fd < 0)
            return false;
        collector->session = SSL_new(collector->context);
        SSL_set_fd(collector->session, collector->fd);
    }
    SSL_set_accept_state(collector->session);
    return true;
}

static void collect(struct collector *collector) {
    if (!collector->session && !answer(collector))
        return;
    for (;;) {
        const int n = SSL_read(collector->session, collector->got + collector->n,
                               (int)(sizeof(collector->got) - collector->n));
        if (n <= 0 && SSL_get_error(collector->session, n) == SSL_ERROR_WANT_READ)
            return;
        if (n <= 0) {
            if (!collector->datagram)
                hang_up(collector);
            return;
        }
        collector->n += (uint32_t)n;
    }
}

static uint64_t now_ns;

static struct leat_transport *open_to(const struct collector *collector, const char *ca,
                                      const char *certificate, const char *name) {
    struct leat_flow_sink_opts opts = { .size = sizeof(opts), .tls.name = name };
    struct leat_transport *transport;
    struct timespec now;
    char port[8], pem[64] = "", key[64] = "";
    opts.tls.ca = path(ca);
    if (certificate) {
        snprintf(pem, sizeof(pem), "%s/%s.pem", directory, certificate);
        snprintf(key, sizeof(key), "%s/%s.key", directory, certificate);
        opts.tls.certificate = pem;
        opts.tls.key = key;
    }
    snprintf(port, sizeof(port), "%u", collector->port);
    if (leat_transport_open(&transport,
                            collector->datagram ? LEAT_TRANSPORT_DTLS : LEAT_TRANSPORT_TLS, "test",
                            "127.0.0.1", port, &opts) != 0)
        fail_msg("%s", leat_error());
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return transport;
}

/* Lets both sides go on until there is that state, or a reason for being away.
 */
static void settle(struct leat_transport *transport, struct collector *collector,
                   enum leat_transport_state state) {
    for (uint32_t i = 0; i < 5000; i++) {
        collect(collector);
        if (leat_transport_tick(transport, now_ns += 1000000) == state)
            return;
        poll(NULL, 0, i > 100);
    }
    fail_msg("not in state %d, but %d: %s", state, leat_transport_state(transport),
             leat_transport_reason(transport));
}

static uint32_t make(uint8_t message[1000], uint32_t number) {
    const uint32_t n = 100 + number;
    memset(message, (int)number, n);
    message[0] = 0;
    message[1] = 10;
    message[2] = (uint8_t)(n >> 8);
    message[3] = (uint8_t)n;
    return n;
}

static void expect(struct leat_transport *transport, struct collector *collector, uint32_t count) {
    uint8_t message[1000];
    uint32_t at = 0, sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += make(message, i);
        assert_int_equal(leat_transport_send(transport, message, make(message, i)), 0);
    }
    for (uint32_t i = 0; i < 5000 && collector->n < sum; i++) {
        collect(collector);
        leat_transport_tick(transport, now_ns += 1000000);
        poll(NULL, 0, i > 100); /* the kernel gathers small messages (Nagle) */
    }
    assert_int_equal(collector->n, sum);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t n = make(message, i);
        assert_memory_equal(collector->got + at, message, n);
        at += n;
    }
    collector->n = 0;
}

static void test_messages_arrive(void **state) {
    (void)state;
    static const struct {
        bool datagram;
        int version;
    } cases[] = { { false, TLS1_3_VERSION }, { false, TLS1_2_VERSION }, { true, 0 } };
    for (uint32_t i = 0; i < 3; i++) {
        struct collector collector;
        collector_start(&collector, cases[i].datagram, "collector", cases[i].version);
        struct leat_transport *transport = open_to(&collector, "ca.pem", "exporter", NULL);
        settle(transport, &collector, LEAT_TRANSPORT_READY);
        expect(transport, &collector, 60);
        for (uint32_t n = 0; n < 1000 && leat_transport_acknowledged(transport) < 60; n++) {
            leat_transport_tick(transport, now_ns += 1000000);
            poll(NULL, 0, 1);
        }
        assert_int_equal(leat_transport_acknowledged(transport), 60);
        expect(transport, &collector, 60);
        if (cases[i].datagram)
            assert_int_equal(leat_transport_message_max(transport), 9000 - 28 - 37);
        leat_transport_finish(transport, 1000);
        leat_transport_close(transport);
        collector_stop(&collector);
    }
}

/* A datagram of the largest size passes. */
static void test_largest_datagram(void **state) {
    (void)state;
    static uint8_t message[9000] = { 0, 10 };
    struct collector collector;
    collector_start(&collector, true, "collector", 0);
    struct leat_transport *transport = open_to(&collector, "ca.pem", "exporter", NULL);
    settle(transport, &collector, LEAT_TRANSPORT_READY);
    const uint32_t n = leat_transport_message_max(transport);
    assert_int_equal(leat_transport_send(transport, message, n), 0);
    for (uint32_t i = 0; i < 1000 && collector.n == 0; i++)
        collect(&collector);
    assert_int_equal(collector.n, n);
    leat_transport_close(transport);
    collector_stop(&collector);
}

static void refused(bool datagram, int version, const char *theirs, const char *ca,
                    const char *ours, const char *name, const char *sentence) {
    struct collector collector;
    collector_start(&collector, datagram, theirs, version);
    struct leat_transport *transport = open_to(&collector, ca, ours, name);
    settle(transport, &collector, LEAT_TRANSPORT_AWAY);
    assert_int_equal(leat_transport_session(transport), 0);
    if (!strstr(leat_transport_reason(transport), sentence))
        fail_msg("'%s' is not in '%s'", sentence, leat_transport_reason(transport));
    leat_transport_close(transport);
    collector_stop(&collector);
}

static void test_refusals(void **state) {
    (void)state;
    static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION, 0 };
    for (uint32_t i = 0; i < 3; i++) {
        const bool datagram = i == 2;
        const int version = versions[i];
        refused(datagram, version, "collector", "other.pem", "exporter", NULL,
                "self-signed certificate in certificate chain");
        refused(datagram, version, "expired", "ca.pem", "exporter", NULL,
                "certificate has expired");
        refused(datagram, version, "collector", "ca.pem", "exporter", "else.example",
                "hostname mismatch");
        refused(datagram, version, "collector", "ca.pem", NULL, NULL,
                "refuses this side's certificate");
        refused(datagram, version, "collector", "ca.pem", "expired", NULL,
                "alert certificate expired");
        refused(datagram, version, "collector", "ca.pem", "other", NULL, "alert unknown ca");
    }
}

static void test_given_name(void **state) {
    (void)state;
    struct collector collector;
    collector_start(&collector, false, "collector", 0);
    struct leat_transport *transport =
        open_to(&collector, "ca.pem", "exporter", "collector.example");
    settle(transport, &collector, LEAT_TRANSPORT_READY);
    leat_transport_close(transport);
    collector_stop(&collector);
}

static void test_files(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = { .size = sizeof(opts) };
    struct leat_transport *transport;
    opts.tls.ca = path("none.pem");
    assert_int_equal(
        leat_transport_open(&transport, LEAT_TRANSPORT_TLS, "test", "127.0.0.1", "1", &opts),
        -EINVAL);
    assert_non_null(strstr(leat_error(), "none.pem"));
    opts.tls.ca = path("ca.pem");
    opts.tls.certificate = path("exporter.pem");
    opts.tls.key = path("collector.key");
    assert_int_equal(
        leat_transport_open(&transport, LEAT_TRANSPORT_DTLS, "test", "127.0.0.1", "1", &opts),
        -EINVAL);
    assert_non_null(strstr(leat_error(), "collector.key"));
}

/* It closes the session in order, or speaks no TLS at all: away, and a new
 * session. */
static void test_sessions(void **state) {
    (void)state;
    struct collector collector;
    collector_start(&collector, false, "collector", 0);
    struct leat_transport *transport = open_to(&collector, "ca.pem", "exporter", NULL);
    settle(transport, &collector, LEAT_TRANSPORT_READY);
    SSL_shutdown(collector.session);
    hang_up(&collector);
    settle(transport, &collector, LEAT_TRANSPORT_AWAY);
    assert_string_equal(leat_transport_reason(transport), "it closed the connection");
    settle(transport, &collector, LEAT_TRANSPORT_READY);
    assert_int_equal(leat_transport_session(transport), 2);
    expect(transport, &collector, 10);
    assert_int_equal(send(collector.fd, "garbage", 7, 0), 7);
    settle(transport, &collector, LEAT_TRANSPORT_AWAY);
    leat_transport_close(transport);
    collector_stop(&collector);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_arrive), cmocka_unit_test(test_largest_datagram),
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_given_name),
        cmocka_unit_test(test_files),           cmocka_unit_test(test_sessions),
    };
    signal(SIGPIPE, SIG_IGN); /* which the collector's side raises */
    if (!mkdtemp(directory)) {
        perror("mkdtemp");
        return 1;
    }
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
