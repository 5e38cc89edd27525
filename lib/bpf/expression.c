/* SPDX-License-Identifier: BSD-2-Clause */
/* libpcap's part of matching; its headers call classic instructions what the kernel's call eBPF. */
#include "lib/core/error.h"
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

struct sock_filter; /* struct bpf_insn by another name (linux/filter.h) */

int leat_match_parse(struct sock_filter **filter, const char *expression);

#define FRAME_MAX 65535
#define EXPRESSION_MAX \
    8192 /* libpcap's optimizer takes seconds for it, and minutes for twice that */

/* The program's memory is malloc's, and stays behind when pcap is closed. */
int leat_match_parse(struct sock_filter **filter, const char *expression) {
    struct bpf_program program;
    if (strlen(expression) > EXPRESSION_MAX)
        return leat_fail(E2BIG, "match='%.32s...': longer than %d characters", expression,
                         EXPRESSION_MAX);
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
    if (!pcap)
        return leat_fail(ENOMEM, "no memory for match='%s'", expression);
    int err = pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN);
    if (err < 0)
        err = leat_fail(EINVAL, "match='%s': %s", expression, pcap_geterr(pcap));
    pcap_close(pcap);
    if (err < 0)
        return err;
    *filter = (struct sock_filter *)program.bf_insns;
    return (int)program.bf_len;
}
