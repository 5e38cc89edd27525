/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_match.h"
#include "lib/bpf/match.h"
#include "lib/core/error.h"
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSNS_MAX 32768 /* what a jump can cross */

int xdp_match_check(const char *expression) {
    struct bpf_insn *insns = calloc(INSNS_MAX, sizeof(*insns));
    if (!insns)
        return leat_fail(ENOMEM, "no memory for a match expression");
    int count = leat_match_compile(insns, INSNS_MAX, LEAT_MATCH_XDP, expression);
    free(insns);
    return count < 0 ? count : 0;
}

/* The words of the language, pcap-filter(7). */
static bool is_word(const char *token, size_t length) {
    static const char words[] =
        " and or not src dst host net mask port portrange proto protochain gateway less greater "
        "len ether link arp rarp ip ip6 tcp udp sctp icmp icmp6 igmp ah esp pim vrrp carp "
        "broadcast "
        "multicast vlan mpls pppoed pppoes geneve inbound outbound ip-proto ip6-proto stp ipx "
        "icmptype icmpcode icmp-echo icmp-echoreply icmp-unreach tcpflags tcp-fin tcp-syn tcp-rst "
        "tcp-push tcp-ack tcp-urg tcp-ece tcp-cwr ";
    for (const char *at = words; (at = strstr(at, token)); at++)
        if (at[-1] == ' ' && at[length] == ' ')
            return true;
    return false;
}

/* A number, or up to four with points between them; whatever has a colon is an address too. */
static bool is_number(const char *token) {
    uint32_t points = 0;
    if (strchr(token, ':'))
        return true;
    if (token[0] == '0' && (token[1] == 'x' || token[1] == 'X'))
        return token[strspn(token + 2, "0123456789abcdefABCDEF") + 2] == '\0';
    for (const char *at = token; *at; at++) {
        bool point = *at == '.' && at > token && at[-1] != '.' && at[1];
        if (!isdigit((unsigned char)*at) && !point)
            return false;
        points += point;
    }
    return points <= 3;
}

static bool is_range(const char *token) {
    size_t first = strspn(token, "0123456789");
    const char *rest = token + first + (token[first] == '-');
    return first > 0 && rest > token + first && *rest && rest[strspn(rest, "0123456789")] == '\0';
}

static size_t token_length(const char *text) {
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-");
}

/* libpcap would ask the name service for what is neither, and all programs would wait for it. */
static int refuse_names(const char *expression) {
    char token[64] = "", before[64];
    for (const char *at = expression; *at;) {
        size_t length = token_length(at);
        if (length == 0) {
            at++;
            continue;
        }
        memcpy(before, token, sizeof(token));
        snprintf(token, sizeof(token), "%.*s", (int)length, at);
        bool known = is_word(token, length) || is_number(token) ||
                     (is_range(token) && strcmp(before, "portrange") == 0);
        if (length >= sizeof(token) || !known)
            return leat_fail(EINVAL,
                             "match '%s': '%s' would have to be looked up, which the server does "
                             "not do; write it as a number",
                             expression, token);
        at += length;
    }
    return 0;
}

/* That an expression compiles by itself shows that its parentheses are even, so that it cannot
 * reach out of those put around it. The server's stands first: no "vlan" of the program's shifts
 * what it looks at. */
int xdp_match_join(char *match, size_t bytes, const char *allowed, const char *wanted) {
    int length, err;
    if (*wanted && ((err = refuse_names(wanted)) < 0 || (err = xdp_match_check(wanted)) < 0))
        return err;
    if (allowed && *wanted)
        length = snprintf(match, bytes, "(%s) and (%s)", allowed, wanted);
    else
        length = snprintf(match, bytes, "%s", allowed ? allowed : wanted);
    return (size_t)length < bytes ? 0 : leat_fail(E2BIG, "the match expressions are too long");
}
