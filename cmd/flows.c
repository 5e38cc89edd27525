/* SPDX-License-Identifier: BSD-2-Clause */
#include "flows.h"
#include <arpa/inet.h>
#include <leat/parse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DISCARD 9 /* RFC 863 */

void flows_init(struct flows *flows) {
    *flows = (struct flows){
        .flow = { .src_mac = { 2, 0, 0, 0, 0, 1 }, .dst_mac = { 2, 0, 0, 0, 0, 2 } },
        .src = { .first = 0x0a000001, .count = 1 },
        .dst = { .first = 0x0a000002, .count = 1 },
        .sport = { .first = 1024, .count = 1 },
        .dport = { .first = PORT_DISCARD, .count = 1 },
        .vlan = { .count = 1 },
    };
}

static uint64_t get64(const uint8_t *bytes) {
    return (uint64_t)leat_be32(bytes) << 32 | leat_be32(bytes + 4);
}

static void put_address(uint8_t *address, bool ipv6, uint64_t low) {
    if (ipv6) {
        leat_put_be32(address + 8, (uint32_t)(low >> 32));
        address += 12;
    }
    leat_put_be32(address, (uint32_t)low);
}

static void set_src(struct flows *flows) {
    put_address(flows->flow.src, flows->flow.ipv6, flows->src.first + flows->src.at);
}

static void set_dst(struct flows *flows) {
    put_address(flows->flow.dst, flows->flow.ipv6, flows->dst.first + flows->dst.at);
}

static void set_ports(struct flows *flows) {
    flows->flow.sport = (uint16_t)(flows->sport.first + flows->sport.at);
    flows->flow.dport = (uint16_t)(flows->dport.first + flows->dport.at);
    flows->flow.vlan = (uint16_t)(flows->vlan.first + flows->vlan.at);
}

/* True when the range starts over, so that the next slower one moves on. */
static bool step(struct flows_range *range) {
    if (++range->at < range->count)
        return false;
    range->at = 0;
    return true;
}

void flows_next(struct flows *flows) {
    bool over = step(&flows->src);
    set_src(flows);
    if (!over)
        return;
    over = step(&flows->dst);
    set_dst(flows);
    if (!over)
        return;
    if (step(&flows->sport) && step(&flows->dport))
        step(&flows->vlan);
    set_ports(flows);
}

uint64_t flows_count(const struct flows *flows) {
    const struct flows_range *ranges[] = { &flows->src, &flows->dst, &flows->sport, &flows->dport,
                                           &flows->vlan };
    uint64_t count = 1;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (__builtin_mul_overflow(count, ranges[i]->count, &count))
            return UINT64_MAX;
    return count;
}

static bool set_range(struct flows_range *range, uint64_t first, uint64_t last) {
    if (last < first || last - first == UINT64_MAX)
        return false;
    *range = (struct flows_range){ .first = first, .count = last - first + 1 };
    return true;
}

/* Cuts "FIRST-LAST" in two, LAST being FIRST where there is none. */
static bool cut(const char *text, char *first, char *last, size_t bytes) {
    size_t length = strcspn(text, "-");
    const char *rest = text[length] ? text + length + 1 : text;
    if (length >= bytes || strlen(rest) >= bytes)
        return false;
    memcpy(first, text, length);
    first[length] = '\0';
    strcpy(last, rest);
    return true;
}

static int family_of(const char *text, uint8_t address[16]) {
    if (inet_pton(AF_INET, text, address) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, text, address) == 1 ? AF_INET6 : 0;
}

bool flows_parse_addresses(struct flows *flows, struct flows_range *range, const char *text) {
    char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN];
    uint8_t from[16], to[16];
    if (!cut(text, first, last, sizeof(first)))
        return false;
    int family = family_of(first, from);
    if (family == 0 || family != family_of(last, to))
        return false;
    bool src = range == &flows->src;
    *(src ? &flows->src_ipv6 : &flows->dst_ipv6) = family == AF_INET6;
    if (family == AF_INET)
        return set_range(range, leat_be32(from), leat_be32(to));
    memcpy(src ? flows->flow.src : flows->flow.dst, from, 16);
    return !memcmp(from, to, 8) && set_range(range, get64(from + 8), get64(to + 8));
}

bool flows_parse_numbers(struct flows_range *range, const char *text, uint64_t max) {
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    uint64_t first = strtoull(text, &end, 10), last = first;
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        last = strtoull(end + 1, &end, 10);
    return !*end && last <= max && set_range(range, first, last);
}

bool flows_parse_mac(uint8_t mac[6], const char *text) {
    int end = 0;
    return strspn(text, "0123456789abcdefABCDEF:") == 17 && !text[17] &&
           sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
                  &mac[4], &mac[5], &end) == 6 &&
           end == 17;
}

bool flows_start(struct flows *flows) {
    flows->flow.ipv6 = flows->src_ipv6;
    set_src(flows);
    set_dst(flows);
    set_ports(flows);
    return flows->src_ipv6 == flows->dst_ipv6;
}
