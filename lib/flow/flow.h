/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow record as it leaves the meter: everything that may be exported, in plain numbers. The
 * cache keeps records in less room (record.h) and writes them out in this form when a flow ends.
 *
 *   worker: decode -> cache --ended--> queue (SPSC) --> exporter thread: selection -> sinks
 */
#ifndef LEAT_FLOW_FLOW_H
#define LEAT_FLOW_FLOW_H

#include "span.h"
#include <stdbool.h>

/* flowEndReason, IANA element 136. */
enum leat_flow_end {
    LEAT_FLOW_END_IDLE = 1,
    LEAT_FLOW_END_ACTIVE = 2,    /* cut by the active timeout; the flow goes on in another record */
    LEAT_FLOW_END_DETECTED = 3,  /* TCP said so */
    LEAT_FLOW_END_FORCED = 4,    /* shutdown, or asked for */
    LEAT_FLOW_END_RESOURCES = 5, /* evicted from a full cache, or a counter would have wrapped */
};

/* What a record holds beyond the basics. Each costs memory or time a flow, so it is on only when a
 * field that needs it is exported (field.h tells which). */
enum leat_flow_feature {
    LEAT_FLOW_NOTES = 1 << 0,       /* struct leat_flow_notes */
    LEAT_FLOW_HISTOGRAM = 1 << 1,   /* bytes of the payload; entropy is computed from it */
    LEAT_FLOW_PACKETS = 1 << 2,     /* lengths, times and directions of the first packets */
    LEAT_FLOW_SIZES = 1 << 3,       /* histograms of packet sizes and of the times between them */
    LEAT_FLOW_APPLICATION = 1 << 4, /* TLS, DNS, HTTP, QUIC */
};

/* One direction. Of uniflow records side[1] is zero. */
struct leat_flow_side {
    uint64_t packets;
    uint64_t octets;            /* IP header and payload */
    uint64_t frame_octets;      /* frames without FCS */
    uint64_t payload_octets;    /* behind the transport header */
    uint64_t first_ns, last_ns; /* CLOCK_REALTIME or the capture's clock */
    uint16_t tcp_flags;         /* of all packets */
    uint16_t tcp_flags_first;   /* of the first one */
    uint8_t ttl_min, ttl_max;
    uint8_t tos;            /* of the first packet */
    uint8_t fragment_flags; /* of all packets */
};

/* What few packets have, or only the first one tells. */
struct leat_flow_notes {
    uint64_t tcp_options[2]; /* a side each; bit n: option kind n */
    uint32_t ip_options[2];  /* ipv4Options; of IPv6 extension headers by their bits of RFC 9740,
                                8.4.1 counted from the top */
    uint32_t flow_label[2];  /* IPv6, of the first packet of a side */
    uint16_t tcp_window[2];  /* likewise */
    uint16_t icmp_type_code[2];
    uint16_t ip_id[2];            /* likewise, IPv4 */
    uint8_t mac[2][6];            /* source and destination of the first packet */
    uint16_t tcp_options_high[2]; /* bit n: option kind leat_flow_tcp_kinds_high[n] */
};

/* TCP's options above 63 that IANA knows: what nobody has assigned is not kept. */
#define LEAT_FLOW_TCP_KINDS_HIGH 9
extern const uint8_t leat_flow_tcp_kinds_high[LEAT_FLOW_TCP_KINDS_HIGH];

_Static_assert(sizeof(struct leat_flow_notes) == 64, "one cache line");

#define LEAT_FLOW_PACKETS_MAX 32 /* the most of the list of first packets */
#define LEAT_FLOW_SIZE_BINS   8  /* payload of 0-15, 16-31, 32-63 ... 1024 bytes and more */
#define LEAT_FLOW_TIME_BINS   8  /* since the packet before: 0-15, 16-31, ... 1024 ms and more */
#define LEAT_FLOW_NAME_MAX    256

struct leat_flow_histogram { /* of both sides' payload bytes, each side up to 4,000 bytes by default
                              */
    uint32_t bytes[256];
};

struct leat_flow_packet_list {
    uint16_t count;
    uint8_t side[LEAT_FLOW_PACKETS_MAX];
    uint8_t tcp_flags[LEAT_FLOW_PACKETS_MAX];
    uint16_t length[LEAT_FLOW_PACKETS_MAX]; /* payload bytes */
    uint64_t time_ns[LEAT_FLOW_PACKETS_MAX];
};

struct leat_flow_sizes {
    uint32_t size[2][LEAT_FLOW_SIZE_BINS];
    uint32_t gap[2][LEAT_FLOW_TIME_BINS];
    uint64_t last_ns[2];
};

enum leat_flow_application_kind {
    LEAT_FLOW_APPLICATION_NONE,
    LEAT_FLOW_APPLICATION_TLS,
    LEAT_FLOW_APPLICATION_DNS,
    LEAT_FLOW_APPLICATION_HTTP,
    LEAT_FLOW_APPLICATION_QUIC,
};

/* Strings are as on the wire, the case of letters too: printable ASCII, other bytes and the
 * backslash as in \xHH, dots within a DNS label likewise; cut to fit, always terminated. */
struct leat_flow_application {
    uint8_t kind; /* enum leat_flow_application_kind */
    uint8_t dns_rcode;
    uint16_t dns_type; /* QTYPE of the first question */
    uint32_t quic_version;
    char ja4[40];
    char name[LEAT_FLOW_NAME_MAX]; /* SNI, query name, or Host */
};

/* Parts that the features in force have; NULL: not in force. */
struct leat_flow_parts {
    struct leat_flow_notes *notes;
    struct leat_flow_histogram *histogram;
    struct leat_flow_packet_list *packets;
    struct leat_flow_sizes *sizes;
    struct leat_flow_application *application;
};

#define LEAT_FLOW_LABELS_MAX 4

enum leat_flow_tunnel { /* names as reports print them are in scope.c */
                        LEAT_FLOW_TUNNEL_NONE,
                        LEAT_FLOW_TUNNEL_GRE,
                        LEAT_FLOW_TUNNEL_IPIP,
                        LEAT_FLOW_TUNNEL_VXLAN,
                        LEAT_FLOW_TUNNEL_GENEVE,
                        LEAT_FLOW_TUNNEL_GTPU,
};

/* Where packets were seen: what surrounds their IP header. Few of these exist at a time, so a
 * record holds the number of one (scope.h). All zero: plain Ethernet on interface 0. */
struct leat_flow_scope {
    uint16_t vlan_tci[4]; /* outermost first; priority, DEI, id */
    uint8_t vlan_count;
    uint8_t label_count;
    uint8_t tunnel;        /* enum leat_flow_tunnel, of the packet inside */
    uint8_t outer_version; /* 4 or 6 with a tunnel; else 0 */
    uint32_t
        label[LEAT_FLOW_LABELS_MAX]; /* MPLS, top first: label, TC, S as on the wire, 24 bits */
    uint32_t hole;                   /* zero */
    uint64_t tunnel_id;              /* VNI, GRE key, TEID */
    uint8_t outer[2][16]; /* source and destination of the tunnel's packet; IPv4 in the first 4 */
    uint16_t pppoe_session;
    uint8_t tos; /* only in the scope of a key that has it */
    uint8_t reserved;
    uint32_t interface; /* ingressInterface: ifIndex, or the number of the port */
};

_Static_assert(sizeof(struct leat_flow_scope) == 80, "no holes: scopes are compared as bytes");

struct leat_flow {
    uint8_t version; /* 4 or 6 */
    uint8_t protocol;
    uint8_t end;            /* enum leat_flow_end */
    uint8_t biflow;         /* side[1] means something; else it is zero */
    uint16_t port[2];       /* host order; [0] is the source's; ICMP as in packet.h */
    uint8_t address[2][16]; /* network order, IPv4 in the first 4; [0] is the source: of a biflow
                               the side that was seen first */
    struct leat_flow_side side[2];
    uint64_t id;       /* flowId: the same for all records of one flow */
    uint64_t start_ns; /* of the flow, whose earlier records the active timeout has cut off */
    uint32_t worker;   /* that metered it: observation is per queue */
    uint32_t
        limited; /* features (leat_flow_feature) that saw only the flow's first packets: --inline */
    struct leat_flow_scope scope;
    struct leat_flow_parts parts; /* valid as long as the record is */
};

static inline bool leat_flow_is_icmp(const struct leat_flow *flow) {
    return flow->protocol == 1 || flow->protocol == 58;
}

/* The port that the packets of a side come from. ICMP has none: type and code are told as the port
 * that they go to, which is what collectors read there. */
static inline uint16_t leat_flow_source_port(const struct leat_flow *flow, uint32_t side) {
    return leat_flow_is_icmp(flow) ? 0 : flow->port[side];
}

/* Where records go: IPFIX to collectors, files, JSON, Kafka ... All functions are called by the one
 * exporter thread. A sink never blocks for long: what it cannot take it holds back in a bounded
 * store or counts as lost. */
struct leat_flow_sink_stats {
    /* Made of the flows that were given to it (two of a flow of both directions where the other
     * side knows one only), or found in its spool: records + held + lost, at any time. */
    uint64_t taken;
    uint64_t records; /* handed to the other side: sent, or written */
    uint64_t octets, messages;
    uint64_t held; /* now in the spool or a buffer */
    uint64_t lost; /* did not fit anywhere; told to the collector where the protocol can */
    uint64_t lost_packets, lost_octets; /* of the flows lost */
    struct leat_span lost_when;
    uint64_t refused;  /* of the lost: were sent over UDP, and an ICMP error came back */
    uint64_t trimmed;  /* went without their lists or strings, being too long for a message */
    uint64_t failures; /* connections that broke, writes that failed, ICMP errors */
    char state[96];    /* "connected", "away since 12 s, 4,100 records in the spool" */
};

/* All but the state, which is no sum. */
static inline void leat_flow_sink_stats_add(struct leat_flow_sink_stats *sum,
                                            const struct leat_flow_sink_stats *stats) {
    sum->taken += stats->taken;
    sum->records += stats->records;
    sum->octets += stats->octets;
    sum->messages += stats->messages;
    sum->held += stats->held;
    sum->lost += stats->lost;
    sum->lost_packets += stats->lost_packets;
    sum->lost_octets += stats->lost_octets;
    leat_span_join(&sum->lost_when, &stats->lost_when);
    sum->refused += stats->refused;
    sum->trimmed += stats->trimmed;
    sum->failures += stats->failures;
}

struct leat_flow_sink {
    const struct leat_flow_sink_ops *ops;
    char name[256]; /* as the user gave it: ipfix://collector:4739 */
};

struct leat_flow_sink_ops {
    void (*record)(struct leat_flow_sink *sink, const struct leat_flow *flow);
    /* About ten times a second, also without records: time-outs, template refresh, reconnecting.
     * `now_ns` is CLOCK_REALTIME. */
    void (*tick)(struct leat_flow_sink *sink, uint64_t now_ns);
    void (*stats)(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats);
    /* Sends what is left, waiting at most `timeout_ms`, closes and frees. Copies the final
     * statistics to `final` if it is not NULL: what could not be sent is then lost, or in the
     * spool. */
    void (*close)(struct leat_flow_sink *sink, uint32_t timeout_ms,
                  struct leat_flow_sink_stats *final);
    /* Whether the other side cannot be reached now, for fail-over. NULL: it always can. */
    bool (*away)(const struct leat_flow_sink *sink);
};

#endif
