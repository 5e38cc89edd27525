/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet types and receive-side scaling (datasheet 7.1.2.8): the Microsoft Toeplitz hash over
 * addresses and ports, and the redirection table. Fragments are hashed over their addresses only.
 */
#include "model.h"

enum { IPV4_BYTES = 20, IPV6_BYTES = 40, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_SCTP = 132 };

/* The hash is linear: one table look-up a byte, exclusive-ored. Bit b of input byte i selects the
 * 32 key bits that start at bit 8 i + b. */
static void build_table(struct nic *nic) {
    uint8_t key[44] = { 0 };
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t word = nic_get(nic, R_RSSRK + 4 * i);
        memcpy(key + 4 * i, &word, sizeof(word));
    }
    for (uint32_t i = 0; i < 36; i++) {
        uint64_t window = 0;
        for (uint32_t k = 0; k < 5; k++)
            window = window << 8 | key[i + k];
        for (uint32_t value = 0; value < 256; value++) {
            uint32_t hash = 0;
            for (uint32_t bit = 0; bit < 8; bit++)
                if (value & (0x80u >> bit))
                    hash ^= (uint32_t)(window >> (8 - bit));
            nic->rss.table[i][value] = hash;
        }
    }
    nic->rss.dirty = false;
}

static uint32_t toeplitz(struct nic *nic, const uint8_t *addresses, uint32_t address_bytes,
                         const uint8_t *ports) {
    if (nic->rss.dirty)
        build_table(nic);
    uint32_t(*table)[256] = nic->rss.table;
    uint32_t hash = 0;
    for (uint32_t i = 0; i < address_bytes; i++)
        hash ^= table[i][addresses[i]];
    if (ports)
        for (uint32_t i = 0; i < 4; i++)
            hash ^= table[address_bytes + i][ports[i]];
    return hash;
}

static const uint16_t protocol_type[256] = {
    [PROTOCOL_TCP] = RX_TYPE_TCP,
    [PROTOCOL_UDP] = RX_TYPE_UDP,
    [PROTOCOL_SCTP] = RX_TYPE_SCTP,
};

struct layers {
    const uint8_t *addresses, *ports; /* ports NULL: none, or a fragment */
    uint32_t address_bytes;
};

static uint32_t parse_ipv4(const uint8_t *ip, uint32_t bytes, struct layers *l) {
    if (bytes < IPV4_BYTES)
        return 0;
    uint32_t first = *(const volatile uint8_t *)ip; /* once: it may be another driver's memory */
    uint32_t header = (first & 0xf) * 4;
    if (first >> 4 != 4 || header < IPV4_BYTES)
        return 0;
    uint32_t type = header > IPV4_BYTES ? RX_TYPE_IPV4 | RX_TYPE_IPV4_EXT : RX_TYPE_IPV4;
    l->addresses = ip + 12;
    l->address_bytes = 8;
    bool fragment = (ip[6] & 0x3f) || ip[7];
    if (fragment || bytes < header + 4)
        return type;
    l->ports = ip + header;
    return type | protocol_type[ip[9]];
}

/* Hop-by-hop, routing and destination options are stepped over, a fragment header ends the walk. */
static uint32_t parse_ipv6(const uint8_t *ip, uint32_t bytes, struct layers *l) {
    enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };
    if (bytes < IPV6_BYTES || ip[0] >> 4 != 6)
        return 0;
    l->addresses = ip + 8;
    l->address_bytes = 32;
    uint8_t next = ip[6];
    uint32_t at = IPV6_BYTES, type = RX_TYPE_IPV6;
    while (next == HOP_BY_HOP || next == ROUTING || next == DESTINATION) {
        type |= RX_TYPE_IPV6_EXT;
        if (bytes < at + 8)
            return type;
        next = ip[at];
        at += 8 + 8u * ip[at + 1];
    }
    if (next == FRAGMENT)
        return type | RX_TYPE_IPV6_EXT;
    if (bytes < at + 4)
        return type;
    l->ports = ip + at;
    return type | protocol_type[next];
}

static uint32_t choose_hash(uint32_t fields, uint32_t type, bool *with_ports) {
    *with_ports = true;
    if (type & RX_TYPE_IPV4) {
        if (type & RX_TYPE_TCP && fields & MRQC_TCP_IPV4)
            return RX_RSS_TCP_IPV4;
        if (type & RX_TYPE_UDP && fields & MRQC_UDP_IPV4)
            return RX_RSS_UDP_IPV4;
        *with_ports = false;
        return fields & MRQC_IPV4 ? RX_RSS_IPV4 : RX_RSS_NONE;
    }
    if (type & RX_TYPE_TCP && fields & MRQC_TCP_IPV6)
        return RX_RSS_TCP_IPV6;
    if (type & RX_TYPE_UDP && fields & MRQC_UDP_IPV6)
        return RX_RSS_UDP_IPV6;
    *with_ports = false;
    return fields & MRQC_IPV6 ? RX_RSS_IPV6 : RX_RSS_NONE;
}

void rss_classify(struct nic *nic, const uint8_t *frame, uint32_t bytes, bool tagged,
                  struct rss_result *r) {
    static const uint8_t ipv4[] = { 0x08, 0x00 }, ipv6[] = { 0x86, 0xdd };
    struct layers l = { 0 };
    uint32_t at = tagged ? 18 : 14;
    if (memcmp(frame + at - 2, ipv4, 2) == 0)
        r->packet_type = parse_ipv4(frame + at, bytes - at, &l);
    else if (memcmp(frame + at - 2, ipv6, 2) == 0)
        r->packet_type = parse_ipv6(frame + at, bytes - at, &l);
    if (!nic->rss_on || !r->packet_type)
        return;
    bool with_ports;
    r->hash_type = choose_hash(nic_get(nic, R_MRQC), r->packet_type, &with_ports);
    if (r->hash_type != RX_RSS_NONE)
        r->hash = toeplitz(nic, l.addresses, l.address_bytes, with_ports ? l.ports : NULL);
}

/* Frames without a hash go to queue 0 (7.1.2.8). RETA has four 4-bit entries a register. */
uint32_t rss_queue(const struct nic *nic, const struct rss_result *r) {
    if (r->hash_type == RX_RSS_NONE)
        return 0;
    uint32_t entry = r->hash & 127;
    return nic_get(nic, R_RETA + (entry & ~3u)) >> (8 * (entry & 3)) & 0xf;
}

void rss_key(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value);
    nic->rss.dirty = true;
}

void rss_mode(struct nic *nic, const struct access *a) {
    uint32_t mode = a->value & MRQC_MODE;
    if (mode > MRQC_RSS)
        register_violate(nic, a, "this model spreads by RSS only, not by DCB or VMDq");
    nic->rss_on = mode == MRQC_RSS;
    nic_put(nic, a->offset, a->value);
}
