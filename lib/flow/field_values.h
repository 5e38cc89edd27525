/* SPDX-License-Identifier: BSD-2-Clause */
/* How the fields' values are taken out of a record: what field_table.c refers to. */
#ifndef LEAT_FLOW_FIELD_VALUES_H
#define LEAT_FLOW_FIELD_VALUES_H

#include "field.h"

#define LEAT_FIELD_GETTERS(X) \
    X(source_address)         \
    X(destination_address)    \
    X(source_port)            \
    X(destination_port)       \
    X(protocol)               \
    X(version)                \
    X(packets)                \
    X(octets)                 \
    X(frame_octets)           \
    X(payload_octets)         \
    X(first_ns)               \
    X(last_ns)                \
    X(tcp_flags)              \
    X(tcp_flags_first)        \
    X(tos)                    \
    X(ttl_min)                \
    X(ttl_max)                \
    X(fragment_flags)         \
    X(ip_id)                  \
    X(ip_options)             \
    X(flow_label)             \
    X(tcp_options)            \
    X(tcp_options_full)       \
    X(ip6_extensions)         \
    X(ip6_extensions_full)    \
    X(ip6_extensions_limit)   \
    X(tcp_window)             \
    X(icmp_type_code)         \
    X(icmp_type)              \
    X(icmp_code)              \
    X(source_mac)             \
    X(destination_mac)        \
    X(end)                    \
    X(biflow_direction)       \
    X(id)                     \
    X(worker)                 \
    X(limited)                \
    X(interface)              \
    X(vlan)                   \
    X(vlan_priority)          \
    X(customer_vlan)          \
    X(customer_priority)      \
    X(vlan_stack)             \
    X(label_1)                \
    X(label_2)                \
    X(label_3)                \
    X(label_4)                \
    X(label_count)            \
    X(layer2_segment)         \
    X(gre_key)                \
    X(tunnel)                 \
    X(tunnel_id)              \
    X(tunnel_source4)         \
    X(tunnel_destination4)    \
    X(tunnel_source6)         \
    X(tunnel_destination6)    \
    X(pppoe_session)          \
    X(histogram)              \
    X(entropy)                \
    X(packet_lengths)         \
    X(packet_times)           \
    X(packet_sides)           \
    X(packet_flags)           \
    X(sizes)                  \
    X(gaps)                   \
    X(application)            \
    X(tls_name)               \
    X(quic_name)              \
    X(ja4)                    \
    X(dns_name)               \
    X(dns_type)               \
    X(dns_rcode)              \
    X(http_host)              \
    X(quic_version)

#define LEAT_FIELD_GETTER(name) \
    void leat_field_get_##name(const struct leat_flow *, uint32_t side, struct leat_field_value *);
LEAT_FIELD_GETTERS(LEAT_FIELD_GETTER)
#undef LEAT_FIELD_GETTER

#endif
