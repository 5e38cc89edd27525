/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters by libpcap, which compiles them, checks what it compiled, and runs it. */
#include "filter.h"
#include "lib/core/error.h"
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 65535

/* libpcap's optimizer takes seconds for so many characters, and minutes for twice as many. */
#define EXPRESSION_MAX 8192

struct leat_flow_filter {
    struct bpf_program program;
};

static int compile(struct leat_flow_filter *filter, const char *expression) {
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
    if (!pcap)
        return leat_fail(ENOMEM, "filter '%s': no memory", expression);
    int err = pcap_compile(pcap, &filter->program, expression, 1, PCAP_NETMASK_UNKNOWN);
    if (err < 0)
        err = leat_fail(EINVAL, "filter '%s': %s", expression, pcap_geterr(pcap));
    pcap_close(pcap);
    return err;
}

int leat_flow_filter_create(struct leat_flow_filter **filter, const char *expression) {
    if (strlen(expression) > EXPRESSION_MAX)
        return leat_fail(EINVAL, "filter '%.32s...': longer than %d characters", expression,
                         EXPRESSION_MAX);
    struct leat_flow_filter *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "filter '%s': no memory", expression);
    int err = compile(made, expression);
    if (err < 0) {
        free(made);
        return err;
    }
    *filter = made;
    return 0;
}

void leat_flow_filter_destroy(struct leat_flow_filter *filter) {
    if (!filter)
        return;
    pcap_freecode(&filter->program);
    free(filter);
}

bool leat_flow_filter_passes(const struct leat_flow_filter *filter, const uint8_t *frame,
                             uint32_t captured, uint32_t len) {
    const struct pcap_pkthdr header = { .caplen = captured, .len = len };
    return pcap_offline_filter(&filter->program, &header, frame);
}
