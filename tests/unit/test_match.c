/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters translated to eBPF, which the kernel runs on frames, say what libpcap's interpreter says
 * of the classic ones: over captured, built, cut and long frames, with a tag beside them, too, for
 * a list of expressions, for random ones, and for random programs that no compiler would write.
 */
#include "frames.h"
#include "lib/bpf/assembler.h"
#include "match_rig.h"
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
        "ether[9:4] & 1 = 0",
        "ether[11:4] & 0x1fff > 0x800",
        "ether[13:2] & 3 = 1",
        "ether[15:4] & 0xf0 = 0x40",
        "ether[14] & 0xf = 5",
        "ether[(ether[24] + ether[29]) & 15:4] & 0x81 = 0x81",
        "ether[(ether[25] + ether[28]) & 15:2] & 1 = 0",
        "ether[(ether[25] + ether[29]) & 31] > 64",
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
    int program = load_match(unwritten, 2, LEAT_MATCH_XDP, false);
    assert_false(run_match(program, samples[0].data, samples[0].bytes));
    close(program);
}

static void expect_error(const char *expression, int err, const char *words) {
    static struct bpf_insn insns[ROOM];
    assert_int_equal(leat_match_compile(insns, ROOM, LEAT_MATCH_SKB, expression), err);
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
        assert_int_equal(
            leat_match_translate(insns, ROOM, programs[i].filter, 2, LEAT_MATCH_XDP, true),
            programs[i].err);
        assert_non_null(strstr(leat_error(), programs[i].words));
    }
    assert_int_equal(leat_match_translate(insns, ROOM, NULL, 0, LEAT_MATCH_XDP, true), -EINVAL);
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
    assert_int_equal(leat_match_compile(insns, 8, LEAT_MATCH_XDP, "udp port 53"), -E2BIG);
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
    return cmocka_run_group_tests(tests, read_samples, free_samples);
}
