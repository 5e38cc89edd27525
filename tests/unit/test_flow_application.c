/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the payloads of real programs are taken for and the names in them (tests/data/payloads.txt);
 * in one packet, in two, split anywhere, repeated, out of order, cut, and with wrong lengths.
 */
#include "payloads.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct payload payloads[PAYLOADS_MAX];
static uint32_t payload_count;
static struct leat_flow_scratch *scratch;
static uint64_t last_flow;

static const struct payload *get(const char *label) {
    return payloads_get(payloads, payload_count, label);
}

/* One flow: what it adds to the record, byte by byte on exactly sized memory. */
struct flow {
    struct leat_flow_application found;
    uint64_t id;
    uint8_t protocol;
    uint16_t port, tcp_flags;
    bool ip6;
};

static struct flow flow_of(const struct payload *p) {
    return (struct flow){ .id = ++last_flow,
                          .protocol = p->protocol,
                          .port = p->found.kind == LEAT_FLOW_APPLICATION_DNS ? 53 : 4433 };
}

static void add(struct flow *flow, uint8_t side, uint32_t sequence, const uint8_t *bytes,
                uint32_t n) {
    uint8_t tcp[20] = { 0x12, 0x34, 0x01, 0xbb };
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    memcpy(tcp + 4, &(uint32_t){ htonl(sequence) }, 4);
    struct leat_flow_packet packet = {
        .l4 = tcp,
        .l4_bytes = flow->protocol == IPPROTO_TCP ? 20 : 8,
        .payload = copy,
        .payload_here = n,
        .payload_bytes = n,
        .side = side,
        .tcp_flags = flow->tcp_flags,
        .flags = (uint16_t)(LEAT_FLOW_L4 | (flow->ip6 ? LEAT_FLOW_IP6 : 0)),
    };
    if (flow->ip6) {
        packet.key6.protocol = flow->protocol;
        packet.key6.port[1] = htons(flow->port);
    } else {
        packet.key4.protocol = flow->protocol;
        packet.key4.port[1] = htons(flow->port);
    }
    leat_flow_application_add(scratch, &flow->found, &packet, flow->id);
    free(copy);
}

/* Of DNS the second part is the other side's. */
static uint8_t side_of(const struct payload *p, uint32_t part) {
    return p->found.kind == LEAT_FLOW_APPLICATION_DNS && part > 0;
}

static void add_parts(struct flow *flow, const struct payload *p) {
    for (uint32_t i = 0; i < p->part_count; i++)
        add(flow, side_of(p, i), 1000, p->parts[i].bytes, p->parts[i].n);
}

static void assert_found(const struct flow *flow, const struct leat_flow_application *expected,
                         const char *label) {
    const struct leat_flow_application *found = &flow->found;
    if (found->kind != expected->kind || found->dns_type != expected->dns_type ||
        found->dns_rcode != expected->dns_rcode || found->quic_version != expected->quic_version ||
        strcmp(found->name, expected->name) != 0 || strcmp(found->ja4, expected->ja4) != 0)
        fail_msg("%s: kind %u type %u rcode %u version %x name \"%s\" JA4 \"%s\", not "
                 "%u %u %u %x \"%s\" \"%s\"",
                 label, found->kind, found->dns_type, found->dns_rcode, found->quic_version,
                 found->name, found->ja4, expected->kind, expected->dns_type, expected->dns_rcode,
                 expected->quic_version, expected->name, expected->ja4);
}

static void test_whole(void **state) {
    (void)state;
    for (uint32_t i = 0; i < payload_count; i++)
        for (uint32_t ip6 = 0; ip6 < 2; ip6++) {
            struct flow flow = flow_of(&payloads[i]);
            flow.ip6 = ip6;
            add_parts(&flow, &payloads[i]);
            assert_found(&flow, &payloads[i].found, payloads[i].label);
            add_parts(&flow, &payloads[i]); /* sent again */
            assert_found(&flow, &payloads[i].found, payloads[i].label);
        }
}

/* Sequence numbers wrap within each of these. */
static void test_streams_split_at_each_byte(void **state) {
    (void)state;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct payload *p = &payloads[i];
        const struct payload_part *part = &p->parts[0];
        for (uint32_t cut = 1; p->protocol == IPPROTO_TCP && cut < part->n; cut++) {
            struct flow flow = flow_of(p);
            uint32_t sequence = 0u - cut / 2;
            add(&flow, 0, sequence, part->bytes, cut);
            add(&flow, 0, sequence + cut, part->bytes + cut, part->n - cut);
            for (uint32_t k = 1; k < p->part_count; k++)
                add(&flow, 1, 77, p->parts[k].bytes, p->parts[k].n);
            assert_found(&flow, &p->found, p->label);
        }
    }
}

static void test_streams_of_single_bytes(void **state) {
    (void)state;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct payload *p = &payloads[i];
        struct flow flow = flow_of(p);
        for (uint32_t k = 0; p->protocol == IPPROTO_TCP && k < p->part_count; k++)
            for (uint32_t at = 0; at < p->parts[k].n; at++)
                add(&flow, side_of(p, k), at, p->parts[k].bytes + at, 1);
        if (p->protocol == IPPROTO_TCP)
            assert_found(&flow, &p->found, p->label);
    }
}

static void test_segments_that_overlap_or_change_places(void **state) {
    const struct payload *p = get("tls_long");
    const uint8_t *bytes = p->parts[0].bytes;
    uint32_t n = p->parts[0].n;
    (void)state;

    struct flow flow = flow_of(p);
    add(&flow, 0, 5, bytes, 1000);
    add(&flow, 0, 5, bytes, 1000);
    add(&flow, 0, 505, bytes + 500, 1000);
    add(&flow, 0, 1505, bytes + 1500, n - 1500);
    assert_found(&flow, &p->found, "overlapping");

    flow = flow_of(p);
    add(&flow, 0, 5, bytes, 1000);
    add(&flow, 0, 2005, bytes + 2000, n - 2000);
    assert_string_equal(flow.found.ja4, "");
    add(&flow, 0, 1005, bytes + 1000, 1000);
    assert_found(&flow, &p->found, "the last before the second");
}

/* RFC 7413: a SYN has a sequence number of its own before the first byte. */
static void test_tcp_fast_open(void **state) {
    const struct payload *p = get("tls_curl");
    struct flow flow = flow_of(p);
    (void)state;

    flow.tcp_flags = 0x02;
    add(&flow, 0, UINT32_MAX, p->parts[0].bytes, 200);
    flow.tcp_flags = 0x10;
    add(&flow, 0, 200, p->parts[0].bytes + 200, p->parts[0].n - 200);
    assert_found(&flow, &p->found, "data in a SYN");
}

static void test_a_lost_segment_costs_only_what_was_in_it(void **state) {
    const struct payload *p = get("tls_long");
    struct leat_flow_application expected = { .kind = LEAT_FLOW_APPLICATION_TLS };
    (void)state;

    struct flow flow = flow_of(p);
    add(&flow, 0, 0, p->parts[0].bytes, 1000);
    add(&flow, 0, 2000, p->parts[0].bytes + 2000, p->parts[0].n - 2000);
    strcpy(expected.name, "long.example"); /* OpenSSL puts it before ALPN */
    assert_found(&flow, &expected, "the second of three lost");

    flow = flow_of(p);
    add(&flow, 0, 1000, p->parts[0].bytes + 1000, p->parts[0].n - 1000);
    assert_found(&flow, &(struct leat_flow_application){ 0 }, "the first lost");
}

static void test_streams_do_not_mix(void **state) {
    static const char *const labels[] = { "tls_curl", "tls_openssl", "http_get", "dns_stream" };
    struct flow flows[4];
    (void)state;

    for (uint32_t i = 0; i < 4; i++)
        flows[i] = flow_of(get(labels[i]));
    for (uint32_t at = 0; at < 600; at += 50)
        for (uint32_t i = 0; i < 4; i++) {
            const struct payload_part *part = &get(labels[i])->parts[0];
            uint32_t rest = part->n > at ? part->n - at : 0;
            if (rest > 0)
                add(&flows[i], 0, at, part->bytes + at, rest < 50 ? rest : 50);
        }
    for (uint32_t i = 0; i < 4; i++)
        assert_found(&flows[i], &get(labels[i])->found, labels[i]);
}

static void test_sides_do_not_mix(void **state) {
    const struct payload *p = get("tls_curl");
    static uint8_t noise[600];
    struct flow flow = flow_of(p);
    (void)state;

    memset(noise, 0xee, sizeof noise);
    add(&flow, 0, 0, p->parts[0].bytes, 100);
    add(&flow, 1, 50, noise, sizeof noise);
    add(&flow, 0, 100, p->parts[0].bytes + 100, p->parts[0].n - 100);
    assert_found(&flow, &p->found, "both sides at once");
}

/* A flood of beginnings takes the places of older ones, and that is all it does. */
static void test_more_beginnings_than_are_kept(void **state) {
    const struct payload *p = get("tls_curl");
    const uint8_t *bytes = p->parts[0].bytes;
    (void)state;

    struct flow first = flow_of(p), last;
    add(&first, 0, 0, bytes, 10);
    for (uint32_t i = 0; i < 100000; i++) {
        last = flow_of(p);
        add(&last, 0, 0, bytes, 10);
    }
    add(&first, 0, 10, bytes + 10, p->parts[0].n - 10);
    assert_string_equal(first.found.ja4, "");
    add(&last, 0, 10, bytes + 10, p->parts[0].n - 10);
    assert_found(&last, &p->found, "the last of many");
}

/* A server's half says what it is, too. */
static void test_server_side_only(void **state) {
    static const uint8_t server_hello[] = { 22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3 };
    struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_TCP, .port = 443 };
    (void)state;

    add(&flow, 1, 0, server_hello, sizeof server_hello);
    assert_int_equal(flow.found.kind, LEAT_FLOW_APPLICATION_TLS);
    const struct payload *p = get("dns_nxdomain");
    flow = flow_of(p);
    add(&flow, 1, 0, p->parts[1].bytes, p->parts[1].n);
    assert_found(&flow, &p->found, "an answer without its query");
}

static void test_answers_belong_to_their_question(void **state) {
    const struct payload *asked = get("dns_a"), *other = get("dns_nxdomain");
    (void)state;

    struct flow flow = flow_of(asked);
    add(&flow, 0, 0, asked->parts[0].bytes, asked->parts[0].n);
    add(&flow, 0, 0, other->parts[0].bytes, other->parts[0].n);
    add(&flow, 1, 0, other->parts[1].bytes, other->parts[1].n);
    assert_found(&flow, &asked->found, "another query's NXDOMAIN");

    uint8_t answer[512];
    uint32_t n = asked->parts[1].n, question = 12 + sizeof "WWW.example.ORG" + 1;
    assert_true(n <= sizeof answer);
    memcpy(answer, asked->parts[1].bytes, n);
    assert_memory_equal(answer + question, "\0\1", 2); /* an A record's */
    answer[question + 1] = 28;
    answer[3] |= 3;
    add(&flow, 1, 0, answer, n);
    assert_found(&flow, &asked->found, "NXDOMAIN of another type");

    static const uint8_t format_error[12] = { 0, 1, 0x80, 1 };
    add(&flow, 1, 0, format_error, sizeof format_error);
    assert_int_equal(flow.found.dns_rcode, 1);
}

static void test_dns_only_on_its_ports(void **state) {
    const struct payload *p = get("dns_a");
    (void)state;

    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        struct flow flow = flow_of(p);
        flow.port = (uint16_t)port;
        add(&flow, 0, 0, p->parts[0].bytes, p->parts[0].n);
        assert_int_equal(flow.found.kind, port == 53 || port == 5353 || port == 5355
                                              ? LEAT_FLOW_APPLICATION_DNS
                                              : LEAT_FLOW_APPLICATION_NONE);
    }
}

/* Compression in the first name can only point at itself or forward. */
static void test_dns_names_that_lie(void **state) {
    static const struct {
        const char *what;
        uint8_t name[8];
    } names[] = {
        { "a pointer to itself", { 0xc0, 12 } },
        { "a pointer to the label before it", { 1, 'a', 0xc0, 12 } },
        { "a pointer into the header", { 0xc0, 0 } },
        { "a pointer beyond the end", { 0xff, 0xff } },
        { "a label of 64", { 64, 'a', 'a' } },
        { "an extended label", { 0x41, 1 } },
    };
    (void)state;

    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint8_t message[200] = { 0, 1, 1, 0, 0, 1 };
        struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_UDP, .port = 53 };
        memcpy(message + 12, names[i].name, sizeof names[i].name);
        add(&flow, 0, 0, message, sizeof message);
        if (flow.found.kind != LEAT_FLOW_APPLICATION_NONE)
            fail_msg("%s was taken for a name: %s", names[i].what, flow.found.name);
    }
}

static void test_dns_names_as_long_as_they_may_be(void **state) {
    uint8_t message[12 + 257 + 4] = { 0, 1, 1, 0, 0, 1 };
    (void)state;

    for (uint32_t last = 61; last <= 62; last++) { /* 255 octets, and one more */
        struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_UDP, .port = 53 };
        uint32_t at = 12;
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t n = i < 3 ? 63 : last;
            message[at++] = (uint8_t)n;
            memset(message + at, (int)('a' + i), n);
            at += n;
        }
        memcpy(message + at, "\0\0\1\0\1", 5);
        add(&flow, 0, 0, message, at + 5);
        assert_int_equal(flow.found.kind,
                         last == 61 ? LEAT_FLOW_APPLICATION_DNS : LEAT_FLOW_APPLICATION_NONE);
        assert_int_equal(strlen(flow.found.name), last == 61 ? 253 : 0);
    }
}

/* Escapes are whole or not there, and the end is. */
static void test_names_are_cut_to_fit(void **state) {
    uint8_t message[12 + 257 + 4] = { 0, 1, 1, 0, 0, 1 };
    struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_UDP, .port = 53 };
    (void)state;

    message[12] = 63;
    memset(message + 13, 0xff, 63);
    message[76] = 63;
    memset(message + 77, 'x', 63);
    memcpy(message + 140, "\0\0\1\0\1", 5);
    add(&flow, 0, 0, message, 145);
    assert_int_equal(flow.found.kind, LEAT_FLOW_APPLICATION_DNS);
    assert_int_equal(strlen(flow.found.name), 255);
    assert_memory_equal(flow.found.name + 248, "\\xff.xx", 7);
}

static void add_text(struct flow *flow, const char *text) {
    add(flow, 0, 0, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void test_http_requests(void **state) {
    static const struct {
        const char *request, *host; /* NULL: not HTTP */
    } cases[] = {
        { "GET / HTTP/1.1\r\nhOsT:\t a.example \t\r\n\r\n", "a.example" },
        { "GET / HTTP/1.1\nHost: bare-line-feeds\n\n", "bare-line-feeds" },
        { "GET / HTTP/1.0\r\n\r\nHost: in-the-body\r\n", "" },
        { "GET / HTTP/1.1\r\nX-Host: no\r\nHost: yes\r\n\r\n", "yes" },
        { "GET / HTTP/1.1\r\nHost: cut-her", "" },
        { "PROPFIND /x HTTP/1.1\r\nHost: dav\r\n\r\n", "dav" },
        { "GET http://u:secret@h.example:81?x HTTP/1.1\r\nHost: other\r\n\r\n", "h.example:81" },
        { "GET http:///path HTTP/1.1\r\nHost: empty-authority\r\n\r\n", "empty-authority" },
        { "GET /?u=http://no HTTP/1.1\r\nHost: real\r\n\r\n", "real" },
        { "OPTIONS * HTTP/1.1\r\nHost: star\r\n\r\n", "star" },
        { "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n", "[2001:db8::1]:443" },
        { "GET / HTTP/1.1\r\nHost: \x01\xc3\xa4\\\r\n\r\n", "\\x01\\xc3\\xa4\\x5c" },
        { "GET HTTP/1.1\r\nHost: no-target\r\n\r\n", NULL },
        { "GET / HTCP/1.1\r\nHost: x\r\n\r\n", NULL },
        { "GET /\r\n", NULL },
        { "EHLO mail.example\r\n", NULL },
        { "get / HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
        { "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n\r\n", NULL },
        { "\r\n", NULL },
    };
    (void)state;

    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_TCP, .port = 80 };
        struct leat_flow_application expected = { 0 };
        if (cases[i].host) {
            expected.kind = LEAT_FLOW_APPLICATION_HTTP;
            strcpy(expected.name, cases[i].host);
        }
        add_text(&flow, cases[i].request);
        assert_found(&flow, &expected, cases[i].request);
    }
}

/* An endless header takes no more than its place. */
static void test_a_stream_that_never_says_its_name(void **state) {
    struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_TCP, .port = 80 };
    static uint8_t cookie[1460];
    (void)state;

    memset(cookie, 'x', sizeof cookie);
    add_text(&flow, "GET / HTTP/1.1\r\nCookie: ");
    for (uint32_t i = 0; i < 10; i++)
        add(&flow, 0, 24 + i * (uint32_t)sizeof cookie, cookie, sizeof cookie);
    add(&flow, 0, 24 + 10 * sizeof cookie, (const uint8_t *)"\r\nHost: late\r\n\r\n", 16);
    assert_int_equal(flow.found.kind, LEAT_FLOW_APPLICATION_HTTP);
    assert_string_equal(flow.found.name, "");
}

static void test_other_protocols_are_none(void **state) {
    static const uint8_t sctp_like[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct flow flow = { .id = ++last_flow, .protocol = IPPROTO_SCTP, .port = 80 };
    (void)state;

    add(&flow, 0, 0, sctp_like, sizeof sctp_like - 1);
    assert_int_equal(flow.found.kind, LEAT_FLOW_APPLICATION_NONE);
    flow.protocol = IPPROTO_TCP;
    for (uint32_t first = 0; first < 256; first++) {
        uint8_t ssh[] = "xSH-2.0-OpenSSH_9.2\r\n";
        ssh[0] = (uint8_t)first;
        flow.id = ++last_flow;
        add(&flow, 0, 0, ssh, sizeof ssh - 1);
        assert_int_equal(flow.found.kind, LEAT_FLOW_APPLICATION_NONE);
    }
    flow.protocol = IPPROTO_UDP;
    uint8_t other_version[40] = { 0xc0, 0xff, 0, 0, 29, 8 };
    add(&flow, 0, 0, other_version, sizeof other_version);
    assert_int_equal(flow.found.kind, LEAT_FLOW_APPLICATION_NONE);
}

static void assert_terminated(const struct leat_flow_application *found) {
    assert_true(found->kind <= LEAT_FLOW_APPLICATION_QUIC);
    assert_non_null(memchr(found->name, '\0', sizeof found->name));
    assert_non_null(memchr(found->ja4, '\0', sizeof found->ja4));
    for (const char *c = found->name; *c; c++)
        assert_in_range(*c, ' ', '~');
}

/* What is found in a part of it is nothing, or the truth. */
static void test_cut_at_each_byte(void **state) {
    (void)state;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct payload *p = &payloads[i];
        for (uint32_t cut = 0; cut < p->parts[0].n; cut++) {
            struct flow flow = flow_of(p);
            add(&flow, 0, 0, p->parts[0].bytes, cut);
            if (flow.found.kind)
                assert_int_equal(flow.found.kind, p->found.kind);
            if (flow.found.name[0])
                assert_string_equal(flow.found.name, p->found.name);
            if (flow.found.ja4[0])
                assert_string_equal(flow.found.ja4, p->found.ja4);
        }
    }
}

static void test_every_byte_wrong(void **state) {
    static const uint8_t wrongs[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    (void)state;
    for (uint32_t i = 0; i < payload_count; i++) {
        const struct payload *p = &payloads[i];
        uint8_t *bytes = p->parts[0].bytes;
        for (uint32_t at = 0; at < p->parts[0].n; at++)
            for (uint32_t k = 0; k < sizeof wrongs; k++) {
                struct flow flow = flow_of(p);
                uint8_t right = bytes[at];
                bytes[at] ^= wrongs[k];
                add_parts(&flow, p);
                bytes[at] = right;
                assert_terminated(&flow.found);
            }
    }
}

/* A packet whose seal is broken tells its version and nothing else. */
static void test_quic_wants_its_seal(void **state) {
    const struct payload *p = get("quic_rfc_1");
    struct leat_flow_application expected = { .kind = LEAT_FLOW_APPLICATION_QUIC,
                                              .quic_version = 1 };
    (void)state;

    for (uint32_t at = 18; at < p->parts[0].n; at++) {
        struct flow flow = flow_of(p);
        p->parts[0].bytes[at] ^= 1;
        add_parts(&flow, p);
        p->parts[0].bytes[at] ^= 1;
        assert_found(&flow, &expected, "one bit");
    }
}

static void test_noise(void **state) {
    const char *given = getenv("LEAT_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
    struct flow flow = { .protocol = IPPROTO_TCP };
    uint8_t noise[1500];
    (void)state;

    print_message("LEAT_SEED=%u\n", seed);
    srandom(seed);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t n = (uint32_t)random() % sizeof noise;
        for (uint32_t k = 0; k < n; k++)
            noise[k] = (uint8_t)random();
        flow.id = (uint64_t)random() % 500;
        flow.protocol = random() & 1 ? IPPROTO_TCP : IPPROTO_UDP;
        flow.port = random() & 1 ? 53 : 443;
        flow.ip6 = random() & 1;
        if (random() & 1)
            memset(&flow.found, 0, sizeof flow.found);
        add(&flow, random() & 1, (uint32_t)random() % 8192, noise, n);
        assert_terminated(&flow.found);
    }
}

static int set_up(void **state) {
    (void)state;
    payload_count = payloads_load(payloads);
    return leat_flow_scratch_create(&scratch);
}

static int tear_down(void **state) {
    (void)state;
    leat_flow_scratch_destroy(scratch);
    leat_flow_scratch_destroy(NULL);
    payloads_free(payloads, payload_count);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_streams_split_at_each_byte),
        cmocka_unit_test(test_streams_of_single_bytes),
        cmocka_unit_test(test_segments_that_overlap_or_change_places),
        cmocka_unit_test(test_tcp_fast_open),
        cmocka_unit_test(test_a_lost_segment_costs_only_what_was_in_it),
        cmocka_unit_test(test_streams_do_not_mix),
        cmocka_unit_test(test_sides_do_not_mix),
        cmocka_unit_test(test_more_beginnings_than_are_kept),
        cmocka_unit_test(test_server_side_only),
        cmocka_unit_test(test_answers_belong_to_their_question),
        cmocka_unit_test(test_dns_only_on_its_ports),
        cmocka_unit_test(test_dns_names_that_lie),
        cmocka_unit_test(test_dns_names_as_long_as_they_may_be),
        cmocka_unit_test(test_names_are_cut_to_fit),
        cmocka_unit_test(test_http_requests),
        cmocka_unit_test(test_a_stream_that_never_says_its_name),
        cmocka_unit_test(test_other_protocols_are_none),
        cmocka_unit_test(test_cut_at_each_byte),
        cmocka_unit_test(test_every_byte_wrong),
        cmocka_unit_test(test_quic_wants_its_seal),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
