/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"
#include "options.h"
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define SNAPLEN 262144 /* of a packet that passes; libpcap's own maximum */

struct filter {
    struct bpf_program program;
};

static char *join(char *const *words, int count) {
    size_t bytes = 1;
    for (int i = 0; i < count; i++)
        bytes += strlen(words[i]) + 1;
    char *text = calloc(1, bytes), *end = text;
    for (int i = 0; text && i < count; i++)
        end = stpcpy(stpcpy(end, i ? " " : ""), words[i]);
    return text;
}

static bool compile(struct filter *filter, const char *text) {
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAPLEN);
    bool good = dead && pcap_compile(dead, &filter->program, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!good)
        options_wrong("cannot compile the filter '%s': %s", text,
                      dead ? pcap_geterr(dead) : "out of memory");
    if (dead)
        pcap_close(dead);
    return good;
}

struct filter *filter_compile(char *const *words, int count) {
    struct filter *filter = calloc(1, sizeof(*filter));
    char *text = join(words, count);
    if (!filter || !text || !compile(filter, text)) {
        free(filter);
        filter = NULL;
    }
    free(text);
    return filter;
}

bool filter_passes(const struct filter *filter, const struct leat_pkt *pkts, uint32_t n) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += pkts[i].len;
    return bpf_filter(filter->program.bf_insns, pkts[0].data, bytes, pkts[0].len) != 0;
}

void filter_free(struct filter *filter) {
    if (!filter)
        return;
    pcap_freecode(&filter->program);
    free(filter);
}
