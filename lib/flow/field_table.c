/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of fields. Numbers and types of IANA's elements are from its registry "IPFIX
 * Information Elements"; those of Leat's own (LEAT_FLOW_PEN) are told to collectors in RFC 5610
 * records, and are never given another meaning.
 */
#include "field_table.h"
#include "field_values.h"

enum semantics { DEFAULT, QUANTITY, TOTAL, DELTA, IDENTIFIER, FLAGS, LIST };
enum versions { IP4 = 1, IP6 = 2, ANY = 3 };

#define U8     LEAT_FIELD_U8
#define U16    LEAT_FIELD_U16
#define U32    LEAT_FIELD_U32
#define U64    LEAT_FIELD_U64
#define U256   LEAT_FIELD_U256
#define OCTETS LEAT_FIELD_OCTETS
#define STRING LEAT_FIELD_STRING
#define NTP    LEAT_FIELD_NANOSECONDS
#define OWN    LEAT_FLOW_PEN
#define VAR    LEAT_FIELD_VARIABLE

/* What stands in lists. */
#define ELEMENT(name, about, id, type, semantics, length) \
    { name, about, OWN, id, type, semantics, length, ANY, false, 0, NULL, NULL }

static const struct leat_field elements[] = {
    ELEMENT("payloadByteCount", "how often one byte value was seen in payload", 3, U32, QUANTITY,
            4),
    ELEMENT("firstPacketLength", "payload bytes of a packet", 6, U16, QUANTITY, 2),
    ELEMENT("firstPacketTime", "time of a packet", 8, NTP, DEFAULT, 8),
    ELEMENT("firstPacketSide", "0: from the record's source, 1: back", 10, U8, IDENTIFIER, 1),
    ELEMENT("firstPacketFlags", "TCP flags of a packet", 12, U8, FLAGS, 1),
    ELEMENT("packetSizeCount", "packets of one size class", 14, U32, QUANTITY, 4),
    ELEMENT("packetGapCount", "packets of one class of time since the packet before", 16, U32,
            QUANTITY, 4),
    ELEMENT("vlanTag", "a VLAN tag: priority, DEI, id", 36, U16, IDENTIFIER, 2),
};

enum {
    BYTE_COUNT,
    PACKET_LENGTH,
    PACKET_TIME,
    PACKET_SIDE,
    PACKET_FLAGS,
    SIZE_COUNT,
    GAP_COUNT,
    VLAN_TAG,
};

/* `versions`, whether there is a reverse, what it takes, and where the value is. */
#define FIELD(name, about, pen, id, type, semantics, length, versions, reversible, features, get) \
    {                                                                                             \
        name, about, pen, id, type, semantics, length, versions, reversible, features, NULL,      \
            leat_field_get_##get                                                                  \
    }
#define LISTED(name, about, id, reversible, features, element, get)                        \
    {                                                                                      \
        name, about, OWN, id, LEAT_FIELD_BASIC_LIST, LIST, VAR, ANY, reversible, features, \
            &elements[element], leat_field_get_##get                                       \
    }

#define NOTES  LEAT_FLOW_NOTES
#define APP    LEAT_FLOW_APPLICATION
#define MILLIS LEAT_FIELD_MILLISECONDS

/* clang-format off: a line a field */
static const struct leat_field fields[] = {
    FIELD("sourceIPv4Address", "address that the first packet came from", 0, 8, LEAT_FIELD_IP4,
          DEFAULT, 4, IP4, false, 0, source_address),
    FIELD("destinationIPv4Address", "address that the first packet went to", 0, 12, LEAT_FIELD_IP4,
          DEFAULT, 4, IP4, false, 0, destination_address),
    FIELD("sourceIPv6Address", "address that the first packet came from", 0, 27, LEAT_FIELD_IP6,
          DEFAULT, 16, IP6, false, 0, source_address),
    FIELD("destinationIPv6Address", "address that the first packet went to", 0, 28, LEAT_FIELD_IP6,
          DEFAULT, 16, IP6, false, 0, destination_address),
    FIELD("sourceTransportPort", "port of TCP, UDP, SCTP", 0, 7, U16, IDENTIFIER, 2, ANY, false, 0,
          source_port),
    FIELD("destinationTransportPort", "port of TCP, UDP, SCTP; of ICMP type * 256 + code", 0, 11,
          U16, IDENTIFIER, 2, ANY, false, 0, destination_port),
    FIELD("protocolIdentifier", "protocol above IP", 0, 4, U8, IDENTIFIER, 1, ANY, false, 0,
          protocol),
    FIELD("ipVersion", "4 or 6", 0, 60, U8, IDENTIFIER, 1, ANY, false, 0, version),
    FIELD("octetDeltaCount", "bytes of IP headers and payload", 0, 1, U64, DELTA, 8, ANY, true, 0,
          octets),
    FIELD("packetDeltaCount", "packets", 0, 2, U64, DELTA, 8, ANY, true, 0, packets),
    FIELD("layer2OctetDeltaCount", "bytes of whole frames without FCS", 0, 352, U64, DELTA, 8, ANY,
          true, 0, frame_octets),
    FIELD("transportOctetDeltaCount", "payload bytes behind the transport header", 0, 401, U64,
          DELTA, 8, ANY, true, 0, payload_octets),
    FIELD("flowStartMilliseconds", "time of the first packet", 0, 152, MILLIS, DEFAULT, 8, ANY,
          true, 0, first_ns),
    FIELD("flowEndMilliseconds", "time of the last packet", 0, 153, MILLIS, DEFAULT, 8, ANY, true,
          0, last_ns),
    FIELD("flowStartMicroseconds", "time of the first packet", 0, 154, LEAT_FIELD_MICROSECONDS,
          DEFAULT, 8, ANY, true, 0, first_ns),
    FIELD("flowEndMicroseconds", "time of the last packet", 0, 155, LEAT_FIELD_MICROSECONDS,
          DEFAULT, 8, ANY, true, 0, last_ns),
    FIELD("flowStartNanoseconds", "time of the first packet", 0, 156, NTP, DEFAULT, 8, ANY, true, 0,
          first_ns),
    FIELD("flowEndNanoseconds", "time of the last packet", 0, 157, NTP, DEFAULT, 8, ANY, true, 0,
          last_ns),
    FIELD("flowStartSeconds", "time of the first packet", 0, 150, LEAT_FIELD_SECONDS, DEFAULT, 4,
          ANY, true, 0, first_ns),
    FIELD("flowEndSeconds", "time of the last packet", 0, 151, LEAT_FIELD_SECONDS, DEFAULT, 4, ANY,
          true, 0, last_ns),
    /* One byte unless the ninth flag is set: collectors are about that read nothing else. */
    FIELD("tcpControlBits", "TCP flags of all packets", 0, 6, U16, FLAGS, 1, ANY, true, 0,
          tcp_flags),
    FIELD("initialTcpFlags", "TCP flags of the first packet", OWN, 1, U16, FLAGS, 1, ANY, true, 0,
          tcp_flags_first),
    FIELD("minimumTTL", "lowest TTL or hop limit", 0, 52, U8, DEFAULT, 1, ANY, true, 0, ttl_min),
    FIELD("maximumTTL", "highest TTL or hop limit", 0, 53, U8, DEFAULT, 1, ANY, true, 0, ttl_max),
    FIELD("ipClassOfService", "ToS or traffic class of the first packet", 0, 5, U8, IDENTIFIER, 1,
          ANY, true, 0, tos),
    FIELD("fragmentFlags", "R 0x80, DF 0x40, MF 0x20 of all packets", 0, 197, U8, FLAGS, 1, ANY,
          true, 0, fragment_flags),
    FIELD("fragmentIdentification", "IPv4 identification of the first packet", 0, 54, U32, DEFAULT,
          4, IP4, true, NOTES, ip_id),
    FIELD("ipv4Options", "IPv4 options seen", 0, 208, U32, FLAGS, 4, IP4, true, NOTES, ip_options),
    FIELD("ipv6ExtensionHeaders", "IPv6 extension headers seen", 0, 64, U32, FLAGS, 4, IP6, true,
          NOTES, ip6_extensions),
    FIELD("ipv6ExtensionHeadersFull", "IPv6 extension headers seen, bits of RFC 9740", 0, 515, U256,
          FLAGS, 4, IP6, true, NOTES, ip6_extensions_full),
    FIELD("ipv6ExtensionHeadersLimit", "true: extension headers were looked for in all packets", 0,
          517, LEAT_FIELD_BOOLEAN, DEFAULT, 1, IP6, false, NOTES, ip6_extensions_limit),
    FIELD("flowLabelIPv6", "flow label of the first packet", 0, 31, U32, IDENTIFIER, 4, IP6, true,
          NOTES, flow_label),
    FIELD("tcpOptions", "TCP options seen, in the order of IANA's figure", 0, 209, U64, FLAGS, 8,
          ANY, true, NOTES, tcp_options),
    FIELD("tcpOptionsFull", "TCP options seen: bit n is kind n", 0, 520, U256, FLAGS, 8, ANY, true,
          NOTES, tcp_options_full),
    FIELD("tcpWindowSize", "TCP window of the first packet", 0, 186, U16, QUANTITY, 2, ANY, true,
          NOTES, tcp_window),
    FIELD("icmpTypeCodeIPv4", "type * 256 + code", 0, 32, U16, IDENTIFIER, 2, IP4, true, 0,
          icmp_type_code),
    FIELD("icmpTypeIPv4", "ICMP type", 0, 176, U8, IDENTIFIER, 1, IP4, true, 0, icmp_type),
    FIELD("icmpCodeIPv4", "ICMP code", 0, 177, U8, IDENTIFIER, 1, IP4, true, 0, icmp_code),
    FIELD("icmpTypeCodeIPv6", "type * 256 + code", 0, 139, U16, IDENTIFIER, 2, IP6, true, 0,
          icmp_type_code),
    FIELD("icmpTypeIPv6", "ICMPv6 type", 0, 178, U8, IDENTIFIER, 1, IP6, true, 0, icmp_type),
    FIELD("icmpCodeIPv6", "ICMPv6 code", 0, 179, U8, IDENTIFIER, 1, IP6, true, 0, icmp_code),
    FIELD("sourceMacAddress", "source address of the first frame", 0, 56, LEAT_FIELD_MAC, DEFAULT,
          6, ANY, false, NOTES, source_mac),
    FIELD("destinationMacAddress", "destination address of the first frame", 0, 80, LEAT_FIELD_MAC,
          DEFAULT, 6, ANY, false, NOTES, destination_mac),
    FIELD("flowEndReason", "1 idle, 2 active timeout, 3 end seen, 4 forced, 5 no room", 0, 136, U8,
          IDENTIFIER, 1, ANY, false, 0, end),
    FIELD("biflowDirection", "1: the source is who sent first", 0, 239, U8, IDENTIFIER, 1, ANY,
          false, 0, biflow_direction),
    FIELD("flowId", "the same for all records of one flow", 0, 148, U64, IDENTIFIER, 8, ANY, false,
          0, id),
    FIELD("meteringWorker", "number of the worker that metered it", OWN, 33, U32, IDENTIFIER, 4,
          ANY, false, 0, worker),
    FIELD("limitedFeatures", "features that saw only the first packets", OWN, 34, U32, FLAGS, 4,
          ANY, false, 0, limited),
    FIELD("ingressInterface", "interface that it was seen on", 0, 10, U32, IDENTIFIER, 4, ANY,
          false, 0, interface),
    FIELD("vlanId", "id of the outermost VLAN tag", 0, 58, U16, IDENTIFIER, 2, ANY, false, 0, vlan),
    FIELD("postVlanId", "the same: a probe changes no tags", 0, 59, U16, IDENTIFIER, 2, ANY, false,
          0, vlan),
    FIELD("dot1qVlanId", "id of the outermost VLAN tag", 0, 243, U16, IDENTIFIER, 2, ANY, false, 0,
          vlan),
    FIELD("dot1qPriority", "priority in the outermost tag", 0, 244, U8, IDENTIFIER, 1, ANY, false,
          0, vlan_priority),
    FIELD("dot1qCustomerVlanId", "id of the second tag", 0, 245, U16, IDENTIFIER, 2, ANY, false, 0,
          customer_vlan),
    FIELD("dot1qCustomerPriority", "priority in the second tag", 0, 246, U8, IDENTIFIER, 1, ANY,
          false, 0, customer_priority),
    FIELD("postDot1qVlanId", "as dot1qVlanId: a probe changes no tags", 0, 254, U16, IDENTIFIER, 2,
          ANY, false, 0, vlan),
    LISTED("vlanStack", "all VLAN tags, outermost first", 35, false, 0, VLAN_TAG, vlan_stack),
    FIELD("mplsTopLabelStackSection", "label, TC and S of the top of the stack", 0, 70, OCTETS,
          DEFAULT, 3, ANY, false, 0, label_1),
    FIELD("mplsLabelStackSection2", "of the second", 0, 71, OCTETS, DEFAULT, 3, ANY, false, 0,
          label_2),
    FIELD("mplsLabelStackSection3", "of the third", 0, 72, OCTETS, DEFAULT, 3, ANY, false, 0,
          label_3),
    FIELD("mplsLabelStackSection4", "of the fourth", 0, 73, OCTETS, DEFAULT, 3, ANY, false, 0,
          label_4),
    FIELD("mplsLabelStackDepth", "MPLS labels that were kept, up to 4", 0, 202, U32, QUANTITY, 4,
          ANY, false, 0, label_count),
    FIELD("pppoeSession", "PPPoE session", OWN, 32, U16, IDENTIFIER, 2, ANY, false, 0,
          pppoe_session),
    FIELD("layer2SegmentId", "1 and the VNI of VXLAN", 0, 351, U64, IDENTIFIER, 8, ANY, false, 0,
          layer2_segment),
    FIELD("greKey", "key of GRE", 0, 296, U32, IDENTIFIER, 4, ANY, false, 0, gre_key),
    FIELD("tunnelKind", "1 GRE, 2 IP in IP, 3 VXLAN, 4 Geneve, 5 GTP-U", OWN, 25, U8, IDENTIFIER, 1,
          ANY, false, 0, tunnel),
    FIELD("tunnelId", "VNI, GRE key or TEID", OWN, 26, U64, IDENTIFIER, 8, ANY, false, 0,
          tunnel_id),
    FIELD("tunnelSourceIPv4Address", "of the tunnel's packets", OWN, 27, LEAT_FIELD_IP4, DEFAULT, 4,
          ANY, false, 0, tunnel_source4),
    FIELD("tunnelDestinationIPv4Address", "of the tunnel's packets", OWN, 28, LEAT_FIELD_IP4,
          DEFAULT, 4, ANY, false, 0, tunnel_destination4),
    FIELD("tunnelSourceIPv6Address", "of the tunnel's packets", OWN, 29, LEAT_FIELD_IP6, DEFAULT,
          16, ANY, false, 0, tunnel_source6),
    FIELD("tunnelDestinationIPv6Address", "of the tunnel's packets", OWN, 30, LEAT_FIELD_IP6,
          DEFAULT, 16, ANY, false, 0, tunnel_destination6),
    LISTED("payloadByteHistogram", "how often each of the 256 byte values was in the payload", 2,
           false, LEAT_FLOW_HISTOGRAM, BYTE_COUNT, histogram),
    FIELD("payloadEntropy", "of that histogram, in bits a byte", OWN, 4, LEAT_FIELD_FLOAT64,
          QUANTITY, 8, ANY, false, LEAT_FLOW_HISTOGRAM, entropy),
    LISTED("firstPacketLengths", "payload bytes of the first packets", 5, false, LEAT_FLOW_PACKETS,
           PACKET_LENGTH, packet_lengths),
    LISTED("firstPacketTimes", "times of the first packets", 7, false, LEAT_FLOW_PACKETS,
           PACKET_TIME, packet_times),
    LISTED("firstPacketSides", "directions of the first packets", 9, false, LEAT_FLOW_PACKETS,
           PACKET_SIDE, packet_sides),
    LISTED("firstPacketTcpFlags", "TCP flags of the first packets", 11, false, LEAT_FLOW_PACKETS,
           PACKET_FLAGS, packet_flags),
    LISTED("packetSizeHistogram",
           "packets with payload of 0-15, 16-31, 32-63 ... 1024 bytes and more", 13, true,
           LEAT_FLOW_SIZES, SIZE_COUNT, sizes),
    LISTED("packetGapHistogram",
           "packets 0-15, 16-31, 32-63 ... 1024 ms and more behind the one before", 15, true,
           LEAT_FLOW_SIZES, GAP_COUNT, gaps),
    FIELD("applicationName", "tls, dns, http or quic", 0, 96, STRING, DEFAULT, VAR, ANY, false, APP,
          application),
    FIELD("tlsServerName", "SNI of TLS", OWN, 17, STRING, DEFAULT, VAR, ANY, false, APP, tls_name),
    FIELD("tlsJa4", "JA4 fingerprint of the TLS or QUIC client", OWN, 18, STRING, DEFAULT, VAR, ANY,
          false, APP, ja4),
    FIELD("dnsQueryName", "name of the first question", OWN, 19, STRING, DEFAULT, VAR, ANY, false,
          APP, dns_name),
    FIELD("dnsQueryType", "QTYPE of the first question", OWN, 20, U16, IDENTIFIER, 2, ANY, false,
          APP, dns_type),
    FIELD("dnsResponseCode", "RCODE of the answer", OWN, 21, U8, IDENTIFIER, 1, ANY, false, APP,
          dns_rcode),
    FIELD("httpRequestHost", "Host of HTTP", 0, 460, STRING, DEFAULT, VAR, ANY, false, APP,
          http_host),
    FIELD("quicVersion", "version of QUIC", OWN, 22, U32, IDENTIFIER, 4, ANY, false, APP,
          quic_version),
    FIELD("quicServerName", "SNI of QUIC", OWN, 23, STRING, DEFAULT, VAR, ANY, false, APP,
          quic_name),
};

#define OPTION(name, id, type, semantics, length) \
    { name, "", 0, id, type, semantics, length, ANY, false, 0, NULL, NULL }

static const struct leat_field options[] = {
    OPTION("flowActiveTimeout", 36, U16, DEFAULT, 2),
    OPTION("flowIdleTimeout", 37, U16, DEFAULT, 2),
    OPTION("exportedOctetTotalCount", 40, U64, TOTAL, 8),
    OPTION("exportedMessageTotalCount", 41, U64, TOTAL, 8),
    OPTION("exportedFlowRecordTotalCount", 42, U64, TOTAL, 8),
    OPTION("interfaceName", 82, STRING, DEFAULT, VAR),
    OPTION("interfaceDescription", 83, STRING, DEFAULT, VAR),
    OPTION("meteringProcessId", 143, U32, IDENTIFIER, 4),
    OPTION("exportingProcessId", 144, U32, IDENTIFIER, 4),
    OPTION("templateId", 145, U16, IDENTIFIER, 2),
    OPTION("observationDomainId", 149, U32, IDENTIFIER, 4),
    OPTION("observedFlowTotalCount", 163, U64, TOTAL, 8),
    OPTION("ignoredPacketTotalCount", 164, U64, TOTAL, 8),
    OPTION("ignoredOctetTotalCount", 165, U64, TOTAL, 8),
    OPTION("notSentFlowTotalCount", 166, U64, TOTAL, 8),
    OPTION("notSentPacketTotalCount", 167, U64, TOTAL, 8),
    OPTION("notSentOctetTotalCount", 168, U64, TOTAL, 8),
    OPTION("flowKeyIndicator", 173, U64, FLAGS, 8),
    OPTION("selectorId", 302, U64, IDENTIFIER, 8),
    OPTION("informationElementId", 303, U16, IDENTIFIER, 2),
    OPTION("selectorAlgorithm", 304, U16, IDENTIFIER, 2),
    OPTION("samplingPacketInterval", 305, U32, QUANTITY, 4),
    OPTION("samplingPacketSpace", 306, U32, QUANTITY, 4),
    OPTION("samplingSize", 309, U32, QUANTITY, 4),
    OPTION("samplingPopulation", 310, U32, QUANTITY, 4),
    OPTION("samplingProbability", 311, LEAT_FIELD_FLOAT64, QUANTITY, 8),
    OPTION("selectorIdTotalPktsObserved", 318, U64, TOTAL, 8),
    OPTION("selectorIdTotalPktsSelected", 319, U64, TOTAL, 8),
    OPTION("informationElementDataType", 339, U8, DEFAULT, 1),
    OPTION("informationElementDescription", 340, STRING, DEFAULT, VAR),
    OPTION("informationElementName", 341, STRING, DEFAULT, VAR),
    OPTION("informationElementSemantics", 344, U8, DEFAULT, 1),
    OPTION("privateEnterpriseNumber", 346, U32, IDENTIFIER, 4),
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct leat_field *leat_field_table(uint32_t *count) {
    *count = COUNT(fields);
    return fields;
}

const struct leat_field *leat_field_table_elements(uint32_t *count) {
    *count = COUNT(elements);
    return elements;
}

const struct leat_field *leat_field_table_options(uint32_t *count) {
    *count = COUNT(options);
    return options;
}
