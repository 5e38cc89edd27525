/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields' values, taken out of a record as seen from one of its sides. */
#include "field_values.h"
#include "payload.h"
#include <leat/parse.h>
#include <string.h>

/* layer2SegmentId's first byte: what the identifier belongs to (RFC 7133, 3.2). */
#define SEGMENT_VXLAN (UINT64_C(1) << 56)

static const struct leat_flow_notes no_notes;
static const struct leat_flow_application no_application;

static const struct leat_flow_notes *notes_of(const struct leat_flow *flow) {
    return flow->parts.notes ? flow->parts.notes : &no_notes;
}

static const struct leat_flow_application *application_of(const struct leat_flow *flow) {
    return flow->parts.application ? flow->parts.application : &no_application;
}

static void put_bytes(struct leat_field_value *value, const void *bytes, uint32_t length) {
    value->bytes = bytes;
    value->length = length;
}

static void put_list(struct leat_field_value *value, const void *elements, uint32_t count,
                     uint8_t width) {
    value->bytes = elements;
    value->length = count;
    value->width = width;
}

#define GET(name)                                                           \
    void leat_field_get_##name(const struct leat_flow *flow, uint32_t side, \
                               struct leat_field_value *value)

/* A number that is the same from both sides. */
#define GET_NUMBER(name, expression)  \
    GET(name) {                       \
        (void)side;                   \
        value->number = (expression); \
    }

/* A number that each side has its own of. */
#define GET_OF_SIDE(name, expression) \
    GET(name) {                       \
        value->number = (expression); \
    }

static uint32_t address_length(const struct leat_flow *flow) {
    return flow->version == 4 ? 4 : 16;
}

GET(source_address) {
    put_bytes(value, flow->address[side], address_length(flow));
}

GET(destination_address) {
    put_bytes(value, flow->address[!side], address_length(flow));
}

GET_OF_SIDE(source_port, leat_flow_source_port(flow, side))
GET_OF_SIDE(destination_port, flow->port[!side])
GET_NUMBER(protocol, flow->protocol)
GET_NUMBER(version, flow->version)
GET_NUMBER(end, flow->end)
GET_NUMBER(id, flow->id)
GET_NUMBER(worker, flow->worker)
GET_NUMBER(limited, flow->limited)

/* 1: initiator, by the first packet seen (RFC 5103, 6.3); 0: nothing is claimed of half a flow. */
GET_NUMBER(biflow_direction, flow->biflow ? 1 : 0)

GET_OF_SIDE(packets, flow->side[side].packets)
GET_OF_SIDE(octets, flow->side[side].octets)
GET_OF_SIDE(frame_octets, flow->side[side].frame_octets)
GET_OF_SIDE(payload_octets, flow->side[side].payload_octets)
GET_OF_SIDE(first_ns, flow->side[side].first_ns)
GET_OF_SIDE(last_ns, flow->side[side].last_ns)
GET_OF_SIDE(tcp_flags, flow->side[side].tcp_flags)
GET_OF_SIDE(tcp_flags_first, flow->side[side].tcp_flags_first)
GET_OF_SIDE(tos, flow->side[side].tos)
GET_OF_SIDE(ttl_min, flow->side[side].ttl_min)
GET_OF_SIDE(ttl_max, flow->side[side].ttl_max)
GET_OF_SIDE(fragment_flags, flow->side[side].fragment_flags)

GET_OF_SIDE(ip_id, notes_of(flow)->ip_id[side])
GET_OF_SIDE(ip_options, notes_of(flow)->ip_options[side])
GET_OF_SIDE(flow_label, notes_of(flow)->flow_label[side])
GET_OF_SIDE(tcp_window, notes_of(flow)->tcp_window[side])

/* Bits of element 64: the reserved ones are others' since RFC 9740. */
GET_OF_SIDE(ip6_extensions, notes_of(flow)->ip_options[side] & 0xde0f0000)

static uint8_t *put_u256(struct leat_field_value *value) {
    memset(value->scratch, 0, sizeof(value->scratch));
    put_bytes(value, value->scratch, sizeof(value->scratch));
    return value->scratch;
}

static void set_bit(uint8_t *bytes, uint32_t bit) {
    bytes[31 - bit / 8] |= (uint8_t)(1u << bit % 8);
}

/* RFC 9740, 3.4: false, up to a limit only. A packet with a chain too long to be followed is in no
 * flow (too_deep). */
GET_NUMBER(ip6_extensions_limit, !(flow->limited & LEAT_FLOW_NOTES))

/* Bit 0 is the least significant one; payload compression has none. */
GET(ip6_extensions_full) {
    uint32_t seen = notes_of(flow)->ip_options[side] & ~(1u << 16);
    uint8_t *bytes = put_u256(value);
    for (uint32_t bit = 0; bit < 32; bit++)
        if (seen & 1u << (31 - bit))
            set_bit(bytes, bit);
}

GET(tcp_options_full) {
    const struct leat_flow_notes *notes = notes_of(flow);
    uint8_t *bytes = put_u256(value);
    uint64_t low = __builtin_bswap64(notes->tcp_options[side]);
    memcpy(bytes + 24, &low, sizeof(low));
    for (uint32_t i = 0; i < LEAT_FLOW_TCP_KINDS_HIGH; i++)
        if (notes->tcp_options_high[side] & 1u << i)
            set_bit(bytes, leat_flow_tcp_kinds_high[i]);
}

/* IANA's figure of tcpOptions has option kinds 7 to 0 in the first byte, then 15 to 8 ... */
GET_OF_SIDE(tcp_options, __builtin_bswap64(notes_of(flow)->tcp_options[side]))

/* Without notes the key tells: it has type and code as the port of the end that they went to. */
static uint32_t icmp_type_code(const struct leat_flow *flow, uint32_t side) {
    if (!leat_flow_is_icmp(flow))
        return 0;
    return flow->parts.notes ? flow->parts.notes->icmp_type_code[side] : flow->port[!side];
}

GET_OF_SIDE(icmp_type_code, icmp_type_code(flow, side))
GET_OF_SIDE(icmp_type, icmp_type_code(flow, side) >> 8)
GET_OF_SIDE(icmp_code, icmp_type_code(flow, side) & 0xff)

GET(source_mac) {
    put_bytes(value, notes_of(flow)->mac[side], 6);
}

GET(destination_mac) {
    put_bytes(value, notes_of(flow)->mac[!side], 6);
}

GET_NUMBER(interface, flow->scope.interface)

static uint32_t tci(const struct leat_flow *flow, uint32_t i) {
    return i < flow->scope.vlan_count ? flow->scope.vlan_tci[i] : 0;
}

GET_NUMBER(vlan, tci(flow, 0) & 0xfff)
GET_NUMBER(vlan_priority, tci(flow, 0) >> 13)
GET_NUMBER(customer_vlan, tci(flow, 1) & 0xfff)
GET_NUMBER(customer_priority, tci(flow, 1) >> 13)

GET(vlan_stack) {
    (void)side;
    put_list(value, flow->scope.vlan_tci, flow->scope.vlan_count, 2);
}

static void get_label(const struct leat_flow *flow, uint32_t i, struct leat_field_value *value) {
    uint32_t label = flow->scope.label[i];
    value->scratch[0] = (uint8_t)(label >> 16);
    leat_put_be16(value->scratch + 1, label);
    put_bytes(value, value->scratch, i < flow->scope.label_count ? 3 : 0);
}

#define GET_LABEL(n)                   \
    GET(label_##n) {                   \
        (void)side;                    \
        get_label(flow, (n)-1, value); \
    }
GET_LABEL(1)
GET_LABEL(2)
GET_LABEL(3)
GET_LABEL(4)

GET_NUMBER(label_count, flow->scope.label_count)

GET_NUMBER(layer2_segment, flow->scope.tunnel == LEAT_FLOW_TUNNEL_VXLAN
                               ? SEGMENT_VXLAN | (flow->scope.tunnel_id & 0xffffff)
                               : 0)
GET_NUMBER(gre_key, flow->scope.tunnel == LEAT_FLOW_TUNNEL_GRE ? flow->scope.tunnel_id : 0)
GET_NUMBER(tunnel, flow->scope.tunnel)
GET_NUMBER(tunnel_id, flow->scope.tunnel_id)
GET_NUMBER(pppoe_session, flow->scope.pppoe_session)

/* Of the other version, or without a tunnel: all zero. */
static void get_outer(const struct leat_flow *flow, uint32_t side, uint8_t version,
                      struct leat_field_value *value) {
    static const uint8_t none[16];
    bool there = flow->scope.outer_version == version;
    put_bytes(value, there ? flow->scope.outer[side] : none, version == 4 ? 4 : 16);
}

GET(tunnel_source4) {
    get_outer(flow, side, 4, value);
}

GET(tunnel_destination4) {
    get_outer(flow, !side, 4, value);
}

GET(tunnel_source6) {
    get_outer(flow, side, 6, value);
}

GET(tunnel_destination6) {
    get_outer(flow, !side, 6, value);
}

GET(histogram) {
    (void)side;
    const struct leat_flow_histogram *histogram = flow->parts.histogram;
    put_list(value, histogram ? histogram->bytes : NULL, histogram ? 256 : 0, 4);
}

GET(entropy) {
    (void)side;
    const struct leat_flow_histogram *histogram = flow->parts.histogram;
    value->real = histogram ? leat_flow_entropy(histogram) / 1000.0 : 0;
}

#define GET_PACKETS(name, member)                                                       \
    GET(name) {                                                                         \
        (void)side;                                                                     \
        const struct leat_flow_packet_list *packets = flow->parts.packets;              \
        put_list(value, packets ? packets->member : NULL, packets ? packets->count : 0, \
                 sizeof(packets->member[0]));                                           \
    }
GET_PACKETS(packet_lengths, length)
GET_PACKETS(packet_times, time_ns)
GET_PACKETS(packet_sides, side)
GET_PACKETS(packet_flags, tcp_flags)

GET(sizes) {
    const struct leat_flow_sizes *sizes = flow->parts.sizes;
    put_list(value, sizes ? sizes->size[side] : NULL, sizes ? LEAT_FLOW_SIZE_BINS : 0, 4);
}

GET(gaps) {
    const struct leat_flow_sizes *sizes = flow->parts.sizes;
    put_list(value, sizes ? sizes->gap[side] : NULL, sizes ? LEAT_FLOW_TIME_BINS : 0, 4);
}

static void put_text(struct leat_field_value *value, const char *text) {
    put_bytes(value, text, (uint32_t)strlen(text));
}

/* The name in the application's data, which is another field for each kind of application. */
static void get_name(const struct leat_flow *flow, enum leat_flow_application_kind kind,
                     struct leat_field_value *value) {
    const struct leat_flow_application *application = application_of(flow);
    put_text(value, application->kind == kind ? application->name : "");
}

GET(application) {
    static const char *const names[] = { "", "tls", "dns", "http", "quic" };
    (void)side;
    put_text(value, names[application_of(flow)->kind]);
}

GET(tls_name) {
    (void)side;
    get_name(flow, LEAT_FLOW_APPLICATION_TLS, value);
}

GET(quic_name) {
    (void)side;
    get_name(flow, LEAT_FLOW_APPLICATION_QUIC, value);
}

GET(dns_name) {
    (void)side;
    get_name(flow, LEAT_FLOW_APPLICATION_DNS, value);
}

GET(http_host) {
    (void)side;
    get_name(flow, LEAT_FLOW_APPLICATION_HTTP, value);
}

GET(ja4) {
    (void)side;
    put_text(value, application_of(flow)->ja4);
}

GET_NUMBER(dns_type, application_of(flow)->dns_type)
GET_NUMBER(dns_rcode, application_of(flow)->dns_rcode)
GET_NUMBER(quic_version, application_of(flow)->quic_version)
