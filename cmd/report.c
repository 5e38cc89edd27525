/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"
#include "histogram.h"
#include "json_file.h"
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

struct leat_stats *report_add_port(struct report *report, const char *name, const char *mode) {
    static struct leat_stats nowhere;
    if (report->port_count == REPORT_PORTS_MAX)
        return &nowhere;
    struct report_port *port = &report->ports[report->port_count++];
    snprintf(port->name, sizeof(port->name), "%s", name);
    snprintf(port->mode, sizeof(port->mode), "%s", mode);
    memset(&port->stats, 0, sizeof(port->stats));
    return &port->stats;
}

static double mpps(uint64_t packets, double seconds) {
    return seconds > 0 ? (double)packets / seconds / 1e6 : 0;
}

double report_rx_mpps(const struct report *report) {
    uint64_t packets = 0;
    for (uint32_t i = 0; i < report->port_count; i++)
        packets += report->ports[i].stats.rx_packets;
    return mpps(packets, report->seconds);
}

double report_tx_mpps(const struct report *report) {
    uint64_t packets = 0;
    for (uint32_t i = 0; i < report->port_count; i++)
        packets += report->ports[i].stats.tx_packets;
    return mpps(packets, report->seconds);
}

void report_set_latency(struct report *report, const struct histogram *latency_ns) {
    report->latency = (struct report_latency){
        .count = latency_ns->count,
        .p50_ns = histogram_quantile(latency_ns, 0.5),
        .p99_ns = histogram_quantile(latency_ns, 0.99),
        .p999_ns = histogram_quantile(latency_ns, 0.999),
        .max_ns = latency_ns->max,
    };
}

static void print_ports(const struct report *report, FILE *to) {
    int width = 4;
    for (uint32_t i = 0; i < report->port_count; i++) {
        int length = (int)strlen(report->ports[i].name);
        width = length > width ? length : width;
    }
    fprintf(to, "%-*s %12s %8s %12s %8s\n", width, "port", "received", "Mpps", "sent", "Mpps");
    for (uint32_t i = 0; i < report->port_count; i++) {
        const struct leat_stats *stats = &report->ports[i].stats;
        fprintf(to, "%-*s %12" PRIu64 " %8.3f %12" PRIu64 " %8.3f\n", width, report->ports[i].name,
                stats->rx_packets, mpps(stats->rx_packets, report->seconds), stats->tx_packets,
                mpps(stats->tx_packets, report->seconds));
    }
}

static void print_modes(const struct report *report, FILE *to) {
    for (uint32_t i = 0; i < report->port_count; i++)
        if (*report->ports[i].mode)
            fprintf(to, "%s: %s\n", report->ports[i].name, report->ports[i].mode);
}

static void print_drops(const struct report *report, FILE *to) {
    uint64_t lost = 0;
    for (uint32_t i = 0; i < report->port_count; i++) {
        const struct report_port *port = &report->ports[i];
        for (uint32_t reason = 0; reason < LEAT_DROP_COUNT; reason++) {
            if (!port->stats.drops[reason])
                continue;
            lost += port->stats.drops[reason];
            fprintf(to, "lost %" PRIu64 " at %s: %s\n     (%s)\n", port->stats.drops[reason],
                    port->name, leat_drop_name(reason), leat_drop_meaning(reason));
        }
    }
    if (!lost)
        fputs("lost none\n", to);
}

static void print_cycles(const struct report_cycles *cycles, FILE *to) {
    if (cycles->measured && cycles->split)
        fprintf(to, "\n%-20s %9s %9s %9s %9s %9s\n%-20s %9.1f %9.1f %9.1f %9.1f %9.1f\n",
                "TSC cycles a packet", "receive", "touch", "transmit", "buffers", "total", "",
                cycles->receive, cycles->touch, cycles->transmit, cycles->buffers, cycles->total);
    else if (cycles->measured)
        fprintf(to, "\nTSC cycles a packet: %.1f\n", cycles->total);
}

static void print_latency(const struct report_latency *latency, const char *which, FILE *to) {
    if (latency->count)
        fprintf(to, "%-20s %9.1f %9.1f %9.1f %9.1f   of %" PRIu64 " packets\n", which,
                (double)latency->p50_ns / 1e3, (double)latency->p99_ns / 1e3,
                (double)latency->p999_ns / 1e3, (double)latency->max_ns / 1e3, latency->count);
}

static void print_latencies(const struct report *report, FILE *to) {
    if (report->latency.count || report->paced_latency.count)
        fprintf(to, "\n%-20s %9s %9s %9s %9s\n", "latency, microseconds", "p50", "p99", "p99.9",
                "max");
    print_latency(&report->latency, "", to);
    print_latency(&report->paced_latency, "at a paced 1 Mpps", to);
}

void report_print(const struct report *report, FILE *to) {
    print_ports(report, to);
    print_modes(report, to);
    print_drops(report, to);
    const struct report_sequence *sequence = &report->sequence;
    if (sequence->checked)
        fprintf(to,
                "sequence: %" PRIu64 " probes, %" PRIu64 " missing, %" PRIu64 " duplicate, %" PRIu64
                " reordered, %" PRIu64 " altered\n",
                sequence->received, sequence->missing, sequence->duplicate, sequence->reordered,
                sequence->corrupt);
    print_cycles(&report->cycles, to);
    print_latencies(report, to);
    fprintf(to, "\n%.3f s, %.3f Mpps received, %.3f Mpps sent\n", report->seconds,
            report_rx_mpps(report), report_tx_mpps(report));
}

static json_t *count(uint64_t n) {
    return json_integer((json_int_t)n);
}

/* JSON is UTF-8, a path need not be: what is none becomes question marks. */
static json_t *name_json(const char *name) {
    json_t *json = json_string(name);
    if (json)
        return json;
    char ascii[REPORT_NAME_MAX];
    snprintf(ascii, sizeof(ascii), "%s", name);
    for (char *at = ascii; *at; at++)
        if (*at & 0x80)
            *at = '?';
    return json_string(ascii);
}

static json_t *port_json(const struct report_port *port) {
    json_t *drops = json_object();
    for (uint32_t reason = 0; reason < LEAT_DROP_COUNT; reason++)
        json_object_set_new(drops, leat_drop_name(reason), count(port->stats.drops[reason]));
    return json_pack("{so so so so so so so}", "name", name_json(port->name), "mode",
                     *port->mode ? name_json(port->mode) : json_null(), "rx_packets",
                     count(port->stats.rx_packets), "rx_bytes", count(port->stats.rx_bytes),
                     "tx_packets", count(port->stats.tx_packets), "tx_bytes",
                     count(port->stats.tx_bytes), "drops", drops);
}

static json_t *cycles_json(const struct report_cycles *cycles) {
    if (!cycles->measured)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "receive", cycles->split ? json_real(cycles->receive) : json_null());
    json_object_set_new(json, "touch", cycles->split ? json_real(cycles->touch) : json_null());
    json_object_set_new(json, "transmit",
                        cycles->split ? json_real(cycles->transmit) : json_null());
    json_object_set_new(json, "buffers", cycles->split ? json_real(cycles->buffers) : json_null());
    json_object_set_new(json, "total", json_real(cycles->total));
    return json;
}

static json_t *latency_json(const struct report_latency *latency) {
    if (!latency->count)
        return json_null();
    return json_pack("{so so so so}", "p50", count(latency->p50_ns), "p99", count(latency->p99_ns),
                     "p999", count(latency->p999_ns), "max", count(latency->max_ns));
}

static json_t *sequence_json(const struct report_sequence *sequence) {
    if (!sequence->checked)
        return json_null();
    return json_pack("{so so so so so}", "received", count(sequence->received), "missing",
                     count(sequence->missing), "duplicate", count(sequence->duplicate), "reordered",
                     count(sequence->reordered), "corrupt", count(sequence->corrupt));
}

int report_write_json(const struct report *report, const char *path) {
    json_t *ports = json_array();
    for (uint32_t i = 0; i < report->port_count; i++)
        json_array_append_new(ports, port_json(&report->ports[i]));
    json_t *json = json_pack(
        "{sf so sf sf so so so so}", "seconds", report->seconds, "ports", ports, "rx_mpps",
        report_rx_mpps(report), "tx_mpps", report_tx_mpps(report), "cycles_per_packet",
        cycles_json(&report->cycles), "latency_ns", latency_json(&report->latency),
        "paced_latency_ns", latency_json(&report->paced_latency), "sequence",
        sequence_json(&report->sequence));
    return json_file_write(json, path);
}
