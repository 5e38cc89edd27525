/* SPDX-License-Identifier: BSD-2-Clause */
/* Flow records for tests of what is made of them: number i is always the same. */
#ifndef LEAT_TESTS_FLOW_RECORDS_H
#define LEAT_TESTS_FLOW_RECORDS_H

#include "lib/flow/flow.h"

/* By i % 4: TCP over IPv4 both ways, UDP over IPv4 one way, ICMP both ways, TCP over IPv6 both
 * ways. Times begin at `base_ns`. Its parts live as long as the struct. */
struct flow_record {
    struct leat_flow flow;
    struct leat_flow_notes notes;
    struct leat_flow_histogram histogram;
    struct leat_flow_packet_list packets;
    struct leat_flow_sizes sizes;
    struct leat_flow_application application;
};
void flow_record_make(struct flow_record *record, uint32_t i, uint64_t base_ns);

#endif
