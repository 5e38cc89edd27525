/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters translated to eBPF, which the kernel runs on frames, say what libpcap's interpreter says
 * of the classic ones: over captured, built, cut and long frames, for a list of expressions, for
 * random ones, and for random programs that no compiler would write.
 */
#include "classic.h"
#include "frames.h"
#include "lib/bpf/assembler.h"
#include "lib/bpf/match.h"
#include "lib/bpf/permission.h"
#include "lib/drivers/capture.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM       32000
#define FRAMES_MAX 512
#define LONG_BYTES 9000 /* of several buffers */
#define SHORTEST   14   /* that a test run takes */

struct sample {
    uint32_t bytes;
    uint8_t *data;
};

static bool perfmon; /* with it there are two translations */
static struct sample samples[FRAMES_MAX];
static uint32_t sample_count;

static void add_sample(const uint8_t *data, uint32_t bytes) {
    assert_true(sample_count < FRAMES_MAX);
    struct sample *sample = &samples[sample_count++];
    sample->bytes = bytes;
    sample->data = malloc(bytes);
    assert_non_null(sample->data);
    memcpy(sample->data, data, bytes);
}

/* A frame of the capture, with random bytes behind it. */
static void add_long(const struct sample *from, uint32_t bytes) {
    static uint8_t data[LONG_BYTES];
    random_bytes(data, bytes);
    memcpy(data, from->data, from->bytes < bytes ? from->bytes : bytes);
    add_sample(data, bytes);
}

static int read_samples(void **state) {
    (void)state;
    struct capture_reader reader;
    const struct capture_frame *captured;
    uint32_t built;
    const struct frame *all = frames(&built);
    seed_random();
    for (uint32_t i = 0; i < built; i++)
        add_sample(all[i].bytes, all[i].len);
    assert_int_equal(capture_reader_open(&reader, CAPTURES "protocols.pcap"), 0);
    for (; capture_peek(&reader, &captured) == 1; capture_next(&reader))
        add_sample(captured->data, captured->captured);
    capture_reader_close(&reader);
    for (uint32_t i = 0, short_ones = sample_count; i < 16; i++)
        add_long(&samples[random_below(short_ones)], 2000 + random_below(LONG_BYTES - 2000));
    add_long(&samples[0], LONG_BYTES);
    return 0;
}

static int free_samples(void **state) {
    (void)state;
    while (sample_count > 0)
        free(samples[--sample_count].data);
    return 0;
}

/* return match(ctx) ? 1 : 0; */
static int load_match(const struct sock_filter *filter, uint32_t count, bool variable) {
    static struct bpf_insn insns[ROOM];
    static char log[1 << 16];
    struct code code = { insns, 0, ROOM };
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS, .log_buf = log,
                .log_size = sizeof(log));
    emit(&code, mov_reg(R6, R1));
    emit(&code, load(BPF_W, R7, R6, offsetof(struct xdp_md, data)));
    emit(&code, load(BPF_W, R8, R6, offsetof(struct xdp_md, data_end)));
    int written = leat_match_translate(insns + code.count, ROOM - 10, filter, count, variable);
    if (written < 0)
        fail_msg("%s", leat_error());
    code.count += (uint32_t)written;
    uint32_t unmatched = emit(&code, jump_if(BPF_JEQ, R0, 0));
    emit(&code, mov(R0, 1));
    land(&code, unmatched);
    emit(&code, leave());
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "match", "BSD", insns, code.count, &opts);
    if (fd >= 0)
        return fd;
    int err = errno;
    opts.log_level = 1;
    bpf_prog_load(BPF_PROG_TYPE_XDP, "match", "BSD", insns, code.count, &opts);
    fail_msg("%s: %s", strerror(err), log);
    return -1;
}

static bool run_match(int program, const uint8_t *frame, uint32_t bytes) {
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = bytes, .repeat = 1);
    assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
    assert_in_range(opts.retval, 0, 1);
    return opts.retval;
}

static void print_program(const struct sock_filter *filter, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        printf("{ 0x%02x, %u, %u, 0x%08x },\n", filter[i].code, filter[i].jt, filter[i].jf,
               filter[i].k);
}

/* Returns how many frames matched. */
static uint32_t compare(const char *what, const struct sock_filter *filter, uint32_t count,
                        uint32_t every) {
    int programs[] = { load_match(filter, count, false), load_match(filter, count, perfmon) };
    uint32_t matches = 0;
    for (uint32_t i = random_below(every); i < sample_count; i += 1 + random_below(2 * every - 1)) {
        const struct sample *sample = &samples[i];
        uint32_t cut = SHORTEST + random_below(sample->bytes - SHORTEST + 1);
        const uint32_t lengths[] = { sample->bytes, cut };
        for (uint32_t j = 0; j < 2; j++) {
            bool expected = classic_matches(filter, sample->data, lengths[j]);
            for (int p = 0; p < 2; p++) {
                if (run_match(programs[p], sample->data, lengths[j]) == expected)
                    continue;
                print_program(filter, count);
                fail_msg("%s: sample %u, %u bytes: libpcap says %d", what, i, lengths[j], expected);
            }
            matches += expected;
        }
    }
    close(programs[0]);
    close(programs[1]);
    return matches;
}

static uint32_t compare_expression(const char *expression, uint32_t every) {
    struct sock_filter *filter;
    int count = leat_match_parse(&filter, expression);
    if (count < 0)
        fail_msg("%s", leat_error());
    uint32_t matches = compare(expression, filter, (uint32_t)count, every);
    free(filter);
    return matches;
}

static void agrees_with_libpcap(void **state) {
    (void)state;
    static const char *const expressions[] = {
        "",
        "ip",
        "ip6",
        "arp",
        "ether proto 0x88cc",
        "stp",
        "vlan",
        "vlan 100",
        "vlan and ip",
        "vlan and vlan and udp",
        "mpls",
        "tcp",
        "udp",
        "icmp",
        "icmp6",
        "sctp",
        "igmp",
        "ip proto 50",
        "ip proto 4",
        "ip6 proto 44",
        "ah or esp",
        "proto gre",
        "udp port 53",
        "tcp dst port 443",
        "port 80 or port 443",
        "src portrange 1024-65535",
        "tcp dst portrange 1-1023",
        "udp port 4789",
        "host 192.0.2.1",
        "src host 192.0.2.1 and dst host 198.51.100.2",
        "net 192.0.2.0/24",
        "net 10.0.0.0/8 or net 172.16.0.0/12 or net 192.168.0.0/16",
        "src net 192.0.2.0/30",
        "dst net 0.0.0.0/0",
        "host 2001:db8::1",
        "net 2001:db8::/32",
        "src net fe80::/10 and not icmp6",
        "ether host 02:00:00:00:00:01",
        "ether src 02:00:00:00:00:02",
        "ether broadcast",
        "ether multicast",
        "ip multicast",
        "ip6 multicast",
        "not ip",
        "not (tcp or udp)",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
        "tcp[13] = 18",
        "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
        "udp[4:2] - 8 > 100",
        "icmp[icmptype] = icmp-echo",
        "ip[0] & 0xf != 5",
        "ip[6:2] & 0x1fff != 0",
        "ip[6:2] & 0x3fff = 0 and udp",
        "ip[2:2] * 2 > 300 and ip[2:2] / 3 < 400",
        "ip[2:2] % 7 = 3",
        "ip[8] ^ 64 = 0",
        "(ip[0] << 4 | ip[1]) > 17",
        "-ip[8] > 0",
        "ip[12] / ip[13] > 1 or ip[12] % ip[13] = 2",
        "1 << ip[8] > 0 or 0xffff0000 >> (ip[9] & 31) = 1",
        "ether[12:2] > 1500",
        "ether[100] = 0",
        "ether[2000] < 128",
        "ether[4095:2] < 32768",
        "ether[5000:4] & 1 = 1",
        "ether[65535] = 0",
        "ether[65536] = 0",
        "ether[ether[20] * 30:2] > 1000",
        "len > 128",
        "len - 14 = ip[2:2]",
        "greater 1000",
        "less 60",
        "llc",
        "atalk or ipx or iso",
        "pppoes",
        "ip or (vlan and (arp or ip6)) and not port 22",
        "(host 192.0.2.1 and port 80) or (net 2001:db8::/64 and tcp) or icmp",
    };
    uint32_t both = 0;
    for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
        uint32_t matches = compare_expression(expressions[i], 1);
        both += matches > 0 && matches < 2 * sample_count;
    }
    assert_true(both >= 50); /* so many of them match something and not everything */
}

/* An expression with `depth` levels of and, or, not. */
static void random_expression(char *text, size_t room, uint32_t depth) {
    static const char *const formats[] = {
        "port %u",          "tcp src port %u",      "udp dst portrange 0-%u", "len > %u",
        "ip[8] > %u & 255", "host 192.0.2.%u",      "net 192.0.%u.0/24",      "ether[%u:2] > 1000",
        "ip proto %u",      "ip6[%u] & 1 = 0",      "tcp[%u:4] = 0",          "vlan %u",
        "ether proto %u",   "net 2001:db8:%u::/48", "udp[%u & 31] < 100",     "ip[ip[%u]:4] != 0",
    };
    static const uint32_t limits[] = { 65536, 65536, 65536, 1500, 256,   256, 256, 3000,
                                       256,   100,   50,    4096, 65536, 10,  100, 40 };
    if (depth == 0) {
        uint32_t i = random_below(sizeof(limits) / sizeof(*limits));
        snprintf(text, room, formats[i], random_below(limits[i]));
        return;
    }
    static const char *const joins[] = { "(%s) and (%s)", "(%s) or (%s)",
                                         "not ((%s) and not (%s))" };
    char *left = malloc(room), *right = malloc(room);
    assert_true(left && right);
    random_expression(left, room, depth - 1);
    random_expression(right, room, random_below(depth));
    snprintf(text, room, joins[random_below(3)], left, right);
    free(left);
    free(right);
}

static void agrees_on_random_expressions(void **state) {
    (void)state;
    uint32_t compiled = 0;
    for (uint32_t i = 0; i < 300; i++) {
        char text[4096];
        struct sock_filter *filter;
        random_expression(text, sizeof(text), 1 + random_below(3));
        int count = leat_match_parse(&filter, text);
        if (count < 0) /* such as "expression rejects all packets" */
            continue;
        compare(text, filter, (uint32_t)count, 20);
        free(filter);
        compiled++;
    }
    assert_true(compiled > 100);
}

static uint32_t random_word(void) {
    static const uint32_t telling[] = { 0, 1, 14, 31, 65535, 65536, 0x7fffffff, 0x80000000 };
    uint32_t kind = random_below(4);
    return kind == 0   ? telling[random_below(sizeof(telling) / sizeof(*telling))]
           : kind == 1 ? random_below(UINT32_MAX)
                       : random_below(64);
}

static struct sock_filter random_instruction(uint32_t left) {
    static const uint16_t codes[] = {
        BPF_LD | BPF_W | BPF_ABS,
        BPF_LD | BPF_H | BPF_ABS,
        BPF_LD | BPF_B | BPF_ABS,
        BPF_LD | BPF_W | BPF_IND,
        BPF_LD | BPF_H | BPF_IND,
        BPF_LD | BPF_B | BPF_IND,
        BPF_LD | BPF_W | BPF_LEN,
        BPF_LD | BPF_IMM,
        BPF_LD | BPF_MEM,
        BPF_LDX | BPF_W | BPF_LEN,
        BPF_LDX | BPF_B | BPF_MSH,
        BPF_LDX | BPF_IMM,
        BPF_LDX | BPF_MEM,
        BPF_ST,
        BPF_STX,
        BPF_ALU | BPF_ADD, /* BPF_K is 0 */
        BPF_ALU | BPF_SUB | BPF_X,
        BPF_ALU | BPF_MUL | BPF_K,
        BPF_ALU | BPF_DIV | BPF_X,
        BPF_ALU | BPF_MOD | BPF_X,
        BPF_ALU | BPF_DIV | BPF_K,
        BPF_ALU | BPF_MOD | BPF_K,
        BPF_ALU | BPF_AND | BPF_K,
        BPF_ALU | BPF_OR | BPF_X,
        BPF_ALU | BPF_XOR | BPF_X,
        BPF_ALU | BPF_LSH | BPF_X,
        BPF_ALU | BPF_RSH | BPF_X,
        BPF_ALU | BPF_LSH | BPF_K,
        BPF_ALU | BPF_RSH | BPF_K,
        BPF_ALU | BPF_NEG,
        BPF_MISC | BPF_TAX,
        BPF_MISC | BPF_TXA,
        BPF_RET | BPF_A,
        BPF_JMP | BPF_JA,
        BPF_JMP | BPF_JEQ | BPF_K,
        BPF_JMP | BPF_JGT | BPF_X,
        BPF_JMP | BPF_JGE | BPF_K,
        BPF_JMP | BPF_JSET | BPF_K,
        BPF_JMP | BPF_JSET | BPF_X,
        BPF_JMP | BPF_JGT | BPF_K,
        BPF_JMP | BPF_JEQ | BPF_X,
        BPF_JMP | BPF_JGE | BPF_X,
    };
    struct sock_filter insn = { .code = codes[random_below(sizeof(codes) / sizeof(*codes))],
                                .k = random_word() };
    uint8_t class = BPF_CLASS(insn.code), operation = BPF_OP(insn.code);
    bool scratch =
        class == BPF_ST || class == BPF_STX || (class <= BPF_LDX && BPF_MODE(insn.code) == BPF_MEM);
    if (scratch)
        insn.k %= BPF_MEMWORDS;
    else if (class <= BPF_LDX && BPF_MODE(insn.code) != BPF_IMM)
        insn.k %= (uint32_t)SKF_LL_OFF;
    else if (class == BPF_ALU && (operation == BPF_LSH || operation == BPF_RSH))
        insn.k %= 32; /* more is undefined in libpcap */
    else if (class == BPF_ALU && (operation == BPF_DIV || operation == BPF_MOD))
        insn.k |= 1;
    if (class == BPF_JMP) {
        insn.k = operation == BPF_JA ? random_below(left) : insn.k;
        insn.jt = (uint8_t)random_below(left < 8 ? left : 8);
        insn.jf = (uint8_t)random_below(left < 8 ? left : 8);
    }
    return insn;
}

/* Scratch words are written before they are read, since libpcap leaves them as it finds them. */
static uint32_t random_program(struct sock_filter *filter) {
    uint32_t length = 1 + random_below(40), count = 0;
    for (; count < BPF_MEMWORDS; count++)
        filter[count] = (struct sock_filter)BPF_STMT(BPF_ST, count);
    for (; length > 0; length--)
        filter[count++] = random_instruction(length);
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    return count;
}

static void agrees_on_random_programs(void **state) {
    (void)state;
    uint32_t matches = 0;
    for (uint32_t i = 0; i < 500; i++) {
        struct sock_filter filter[64];
        uint32_t count = random_program(filter);
        matches += compare("random program", filter, count, 40);
    }
    assert_true(matches > 0);
}

/* What random programs hardly ever hit. */
static void agrees_at_the_edges(void **state) {
    (void)state;
    static const struct sock_filter wraps[] = {
        BPF_STMT(BPF_LDX | BPF_IMM, UINT32_MAX - 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 20),
        BPF_STMT(BPF_RET, 1),
    };
    static const struct sock_filter unwritten[] = {
        BPF_STMT(BPF_LD | BPF_MEM, 3),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    assert_int_equal(compare("X + k wraps around", wraps, 3, 1), 0);
    int program = load_match(unwritten, 2, false);
    assert_false(run_match(program, samples[0].data, samples[0].bytes));
    close(program);
}

static void expect_error(const char *expression, int err, const char *words) {
    static struct bpf_insn insns[ROOM];
    assert_int_equal(leat_match_compile(insns, ROOM, expression), err);
    if (!strstr(leat_error(), words))
        fail_msg("%s", leat_error());
}

static void refuses_what_it_cannot_translate(void **state) {
    (void)state;
    static struct bpf_insn insns[ROOM];
    expect_error("udp prot 53", -EINVAL, "match='udp prot 53': ");
    expect_error("tcp and (", -EINVAL, "syntax error");
    expect_error("ip6 protochain 6", -ENOTSUP, "match='ip6 protochain 6': the filter jumps back");

    static const struct {
        struct sock_filter filter[2];
        int err;
        const char *words;
    } programs[] = {
        { { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE), BPF_STMT(BPF_RET, 1) },
          -ENOTSUP,
          "only the kernel's stack knows" },
        { { BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET, 1) }, -EINVAL, "scratch word 16" },
        { { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET, 1) }, -EINVAL, "by 0" },
        { { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_RET, 1) },
          -EINVAL,
          "out of itself" },
        { { BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET, 1) }, -EINVAL, "out of itself" },
        { { BPF_STMT(BPF_RET, 1), BPF_STMT(BPF_LD | BPF_IMM, 1) }, -EINVAL, "does not end" },
        { { BPF_STMT(0xffff, 1), BPF_STMT(BPF_RET, 1) }, -EINVAL, "unknown instruction" },
        { { BPF_STMT(BPF_LD | BPF_DW | BPF_ABS, 1), BPF_STMT(BPF_RET, 1) }, -EINVAL, "unknown" },
    };
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        assert_int_equal(leat_match_translate(insns, ROOM, programs[i].filter, 2, true),
                         programs[i].err);
        assert_non_null(strstr(leat_error(), programs[i].words));
    }
    assert_int_equal(leat_match_translate(insns, ROOM, NULL, 0, true), -EINVAL);
}

/* host a or host b or ... */
static char *many_hosts(uint32_t n) {
    size_t room = 32 * (size_t)n, at = 0;
    char *text = malloc(room);
    assert_non_null(text);
    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, room - at, "%shost 10.%u.%u.%u", i ? " or " : "", i % 251,
                               i % 241, i % 239);
    return text;
}

static void long_filters_load(void **state) {
    (void)state;
    static struct bpf_insn insns[ROOM];
    static const uint32_t sizes[] = { 100, 300 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        char *text = many_hosts(sizes[i]);
        compare_expression(text, 10);
        free(text);
    }
    char *text = many_hosts(1000);
    expect_error(text, -E2BIG, "longer than 8192 characters");
    free(text);
    assert_int_equal(leat_match_compile(insns, 8, "udp port 53"), -E2BIG);
    assert_non_null(strstr(leat_error(), "match='udp port 53': the filter becomes "));
    assert_non_null(strstr(leat_error(), "instructions, of which 8 is the most"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_libpcap),
        cmocka_unit_test(agrees_on_random_expressions),
        cmocka_unit_test(agrees_on_random_programs),
        cmocka_unit_test(agrees_at_the_edges),
        cmocka_unit_test(refuses_what_it_cannot_translate),
        cmocka_unit_test(long_filters_load),
    };
    LIBBPF_OPTS(bpf_prog_load_opts, opts);
    struct bpf_insn nothing[] = { mov(R0, 0), leave() };
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "nothing", "BSD", nothing, 2, &opts);
    if (fd < 0) {
        puts("it takes CAP_BPF and CAP_NET_ADMIN to run XDP programs");
        return 77;
    }
    close(fd);
    perfmon = leat_permission_perfmon();
    return cmocka_run_group_tests(tests, read_samples, free_samples);
}
