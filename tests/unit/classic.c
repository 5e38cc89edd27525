/* SPDX-License-Identifier: BSD-2-Clause */
#include "classic.h"
#include <pcap/pcap.h>

bool classic_matches(const struct sock_filter *filter, const uint8_t *frame, uint32_t bytes) {
    return bpf_filter((const struct bpf_insn *)filter, frame, bytes, bytes) != 0;
}
