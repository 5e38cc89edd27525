/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: what collectors are told of metering, in options records (RFC 7011, 4.1 to 4.3). */
#include "clock.h"
#include "probe.h"
#include <string.h>

/* Of what a port loses, frames that came by the observation point whole: a wrong frame check
 * sequence (RX_CRC) is no observed IP packet, and BY_PROGRAM was not lost. */
static const enum leat_drop missed[] = { LEAT_DROP_RX_MISSED, LEAT_DROP_RX_NO_BUFFER,
                                         LEAT_DROP_RX_LENGTH, LEAT_DROP_RX_BAD_DESCRIPTOR,
                                         LEAT_DROP_RX_TRUNCATED };

static uint64_t missed_at(const struct leat_stats *stats) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sizeof(missed) / sizeof(missed[0]); i++)
        sum += stats->drops[missed[i]];
    return sum;
}

/* Ports may be closed meanwhile: what they had counted until then is in `ports`. */
static void port_stats(struct probe *probe, uint32_t port, struct leat_stats *stats) {
    pthread_mutex_lock(&probe->ports_lock);
    if (!probe->files && port < probe->session.port_count)
        leat_port_stats(probe->session.ports[port].port, stats);
    else
        *stats = probe->ports[port].stats;
    pthread_mutex_unlock(&probe->ports_lock);
}

/* A port does not tell when it lost a frame: it was before it is found here. */
static void add_missed(struct probe *probe, struct leat_ipfix_facts *facts) {
    struct probe_missed *before = &probe->missed;
    uint64_t packets = 0;
    for (uint32_t i = 0; !probe->files && i < probe->port_count; i++) {
        struct leat_stats stats;
        port_stats(probe, i, &stats);
        packets += missed_at(&stats);
    }
    pthread_mutex_lock(&probe->ports_lock);
    if (packets > before->packets) {
        leat_span_add(&before->when, clock_real_ns());
        before->packets = packets;
    }
    facts->ignored_packets += before->packets;
    leat_span_join(&facts->ignored, &before->when);
    pthread_mutex_unlock(&probe->ports_lock);
}

/* Of ignoredPacketTotalCount IANA's registry says: observed IP packets that the metering process
 * did not process. Capturing is part of that process, and a port the observation point (RFC 7011,
 * 2), so that what the port lost belongs there, and what is no IP does not. */
void probe_tell_facts(void *ctx, struct leat_ipfix_facts *facts) {
    struct probe *probe = ctx;
    struct leat_flow_meter_stats meters;
    probe_meter_stats(probe, &meters);
    memset(facts, 0, sizeof(*facts));
    facts->observed_flows = meters.cache.flows_made;
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        if (i != LEAT_FLOW_SKIP_NOT_IP)
            facts->ignored_packets += meters.skipped[i];
    facts->ignored_octets = meters.ignored_octets;
    facts->ignored = meters.ignored_when;
    add_missed(probe, facts);
    facts->unsent_flows = meters.cache.flows_lost;
    facts->unsent_packets = meters.cache.packets_lost;
    facts->unsent_octets = meters.cache.octets_lost;
    facts->unsent = meters.cache.lost;
    facts->selector_observed = meters.frames - meters.filtered;
    facts->selector_selected = facts->selector_observed - meters.unsampled;
}
