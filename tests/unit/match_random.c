/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters that nobody would write. */
#include "frames.h"
#include "match_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* An expression with `depth` levels of and, or, not. */
void random_expression(char *text, size_t room, uint32_t depth) {
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
uint32_t random_program(struct sock_filter *filter) {
    uint32_t length = 1 + random_below(40), count = 0;
    for (; count < BPF_MEMWORDS; count++)
        filter[count] = (struct sock_filter)BPF_STMT(BPF_ST, count);
    for (; length > 0; length--)
        filter[count++] = random_instruction(length);
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    return count;
}
