/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipfix_write FIELDS COUNT [NS [SAMPLING]]: writes COUNT made-up records as IPFIX messages to
 * standard output, for readers of other people, with flows that begin at NS nanoseconds since 1970
 * if that is given, and told to be of packets sampled in that way.
 * Record i is of IPv4 or, if i is odd, IPv6, and counts with i (tests/tools/test_ipfix_readers.py
 * knows how); nobody answered in record 0.
 */
#include "ipfix_rig.h"
#include <leat/error.h>
#include <stdio.h>
#include <stdlib.h>

static int write_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                         bool templates) {
    (void)records;
    (void)templates;
    return fwrite(bytes, n, 1, ctx) == 1 ? 0 : -1;
}

static struct leat_flow record(uint32_t i) {
    struct leat_flow flow = rig_flow_made(i % 2 ? 6 : 4);
    flow.port[0] = (uint16_t)(1024 + i);
    flow.side[0].packets = 1 + i;
    flow.side[0].octets = (uint64_t)i * i * i * i * 1000 + 40;
    flow.side[1].packets = 2 * i;
    flow.side[1].octets = 100 * i;
    flow.side[0].ttl_min = (uint8_t)i;
    flow.side[0].first_ns = RIG_NOW_NS + i * UINT64_C(1001000000);
    flow.side[0].tcp_flags = i % 7 ? 0x1b : 0x11b;
    return flow;
}

int main(int argc, char **argv) {
    static struct leat_flow_packet_list packets = { .count = 3, .length = { 100, 200, 1400 } };
    static struct leat_flow_application application = { .kind = LEAT_FLOW_APPLICATION_TLS,
                                                        .name = "www.example.net" };
    struct leat_fields fields;
    struct leat_ipfix_opts opts = {
        .domain = 7, .fields = &fields, .message = write_message, .ctx = stdout
    };
    struct leat_ipfix *ipfix;
    if (argc < 3 || argc > 5 || leat_fields_parse(&fields, argv[1], false) < 0 ||
        (argc > 4 && leat_flow_sampling_parse(&opts.sampling, argv[4]) < 0) ||
        leat_ipfix_create(&ipfix, &opts) < 0) {
        fprintf(stderr, "usage: ipfix_write FIELDS COUNT [NS [SAMPLING]]; %s\n", leat_error());
        return 1;
    }
    for (uint32_t i = 0, n = (uint32_t)atoi(argv[2]); i < n; i++) {
        struct leat_flow flow = record(i);
        if (argc > 3)
            flow.side[0].first_ns = strtoull(argv[3], NULL, 10);
        flow.parts.packets = &packets;
        flow.parts.application = &application;
        leat_ipfix_record(ipfix, &flow, RIG_NOW_NS);
    }
    leat_ipfix_flush(ipfix, RIG_NOW_NS);
    leat_ipfix_destroy(ipfix);
    return fflush(stdout) == 0 ? 0 : 1;
}
