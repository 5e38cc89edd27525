/* SPDX-License-Identifier: BSD-2-Clause */
/* The flows that a generator sends: every combination of ranges of addresses, ports and VLANs. */
#ifndef CMD_FLOWS_H
#define CMD_FLOWS_H

#include "probe_frame.h"

/* Consecutive numbers; of an IPv6 address, its lower 64 bits. */
struct flows_range {
    uint64_t first, count, at; /* at: from 0 to count - 1 */
};

struct flows {
    struct probe_flow flow; /* the one at hand */
    bool src_ipv6, dst_ipv6;
    struct flows_range src, dst, sport, dport, vlan;
};

/* One flow: 10.0.0.1 port 1024 to 10.0.0.2 port 9 (discard), from 02:00:00:00:00:01 to
 * 02:00:00:00:00:02. */
void flows_init(struct flows *flows);

/* Goes on to the next flow; the source address changes fastest, then destination address, source
 * port, destination port and VLAN. */
void flows_next(struct flows *flows);

/* Number of flows; UINT64_MAX when there are more. */
uint64_t flows_count(const struct flows *flows);

/* Set a range from "FIRST" or "FIRST-LAST"; false when it is none. */
bool flows_parse_addresses(struct flows *flows, struct flows_range *range, const char *text);
bool flows_parse_numbers(struct flows_range *range, const char *text, uint64_t max);

/* False unless it is six hexadecimal bytes with colons between. */
bool flows_parse_mac(uint8_t mac[6], const char *text);

/* Makes `flow` what the ranges say; to be called after parsing. False when source and destination
 * are of different families. */
bool flows_start(struct flows *flows);

#endif
