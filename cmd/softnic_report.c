/* SPDX-License-Identifier: BSD-2-Clause */
#include "softnic_report.h"
#include "json_file.h"
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <string.h>

typedef struct softnic_report_port report_port;

/* Why frames were lost at a port, each lost frame under one reason: what a wire gave up because the
 * NIC was full stands in the NIC's rx_missed. */
static const struct {
    const char *name, *meaning;
    size_t counter; /* its place in a report_port */
} reasons[] = {
    { "rx_missed", "the driver had no free descriptor, or did not receive",
      offsetof(report_port, nic.rx_missed) },
    { "rx_filtered", "the driver's filters did not want its address or VLAN",
      offsetof(report_port, nic.rx_filtered) },
    { "rx_length", "shorter or longer than the driver allows",
      offsetof(report_port, nic.rx_length) },
    { "tx_bad_descriptor", "the driver's descriptor made no sense",
      offsetof(report_port, nic.tx_errors) },
    { "wire_injected", "loss= took it", offsetof(report_port, on_wire.lost_injected) },
    { "wire_far", "the wire's far end did not take it", offsetof(report_port, on_wire.lost_far) },
};

#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

static uint64_t lost(const report_port *port, size_t reason) {
    uint64_t count;
    memcpy(&count, (const char *)port + reasons[reason].counter, sizeof(count));
    return count;
}

void softnic_report_take(struct softnic_report *report, const struct softnic *softnic,
                         const struct softnic_opts *opts) {
    report->port_count = opts->port_count;
    for (uint32_t i = 0; i < opts->port_count; i++) {
        report_port *port = &report->ports[i];
        port->name = opts->ports[i].socket;
        port->wire = opts->ports[i].wire;
        softnic_port_stats(softnic, i, &port->nic, &port->on_wire);
    }
}

static uint64_t rx_frames(const struct softnic_report *report) {
    uint64_t frames = 0;
    for (uint32_t i = 0; i < report->port_count; i++)
        frames += report->ports[i].nic.rx_frames;
    return frames;
}

static uint64_t tx_frames(const struct softnic_report *report) {
    uint64_t frames = 0;
    for (uint32_t i = 0; i < report->port_count; i++)
        frames += report->ports[i].nic.tx_frames;
    return frames;
}

static double mpps(uint64_t frames, double seconds) {
    return seconds > 0 ? (double)frames / seconds / 1e6 : 0;
}

static void print_probes(const struct wire_stats *wire, FILE *to) {
    fprintf(to,
            "  probes: %" PRIu64 " received, %" PRIu64 " missing, %" PRIu64 " duplicate, %" PRIu64
            " reordered, %" PRIu64 " altered\n",
            wire->probes, wire->missing, wire->duplicate, wire->reordered, wire->corrupt);
    if (wire->latency_count)
        fprintf(to,
                "  latency of %" PRIu64 ", microseconds: p50 %.1f, p99 %.1f, p99.9 %.1f, max "
                "%.1f\n",
                wire->latency_count, (double)wire->latency_p50_ns / 1e3,
                (double)wire->latency_p99_ns / 1e3, (double)wire->latency_p999_ns / 1e3,
                (double)wire->latency_max_ns / 1e3);
}

static void print_port(const report_port *port, double seconds, FILE *to) {
    fprintf(to,
            "%s=%s\n"
            "  to its driver %" PRIu64 " frames, %.3f Mpps; from its driver %" PRIu64
            " frames, %.3f Mpps\n",
            port->name, port->wire, port->nic.rx_frames, mpps(port->nic.rx_frames, seconds),
            port->nic.tx_frames, mpps(port->nic.tx_frames, seconds));
    if (port->on_wire.generated)
        fprintf(to, "  generated %" PRIu64 "\n", port->on_wire.generated);
    for (size_t reason = 0; reason < REASONS; reason++)
        if (lost(port, reason))
            fprintf(to, "  lost %" PRIu64 ": %s (%s)\n", lost(port, reason), reasons[reason].name,
                    reasons[reason].meaning);
    if (port->nic.violations)
        fprintf(to, "  the driver did %" PRIu64 " things that --strict forbids\n",
                port->nic.violations);
    if (port->on_wire.probes)
        print_probes(&port->on_wire, to);
}

void softnic_report_print(const struct softnic_report *report, FILE *to) {
    for (uint32_t i = 0; i < report->port_count; i++)
        print_port(&report->ports[i], report->seconds, to);
    fprintf(to, "%.3f s, %.3f Mpps to drivers, %.3f Mpps from drivers\n", report->seconds,
            mpps(rx_frames(report), report->seconds), mpps(tx_frames(report), report->seconds));
}

void softnic_report_progress(const struct softnic_report *before, const struct softnic_report *now,
                             double seconds, FILE *to) {
    fputc('\r', to);
    for (uint32_t i = 0; i < now->port_count; i++)
        fprintf(to, "%u: to driver %.3f, from driver %.3f Mpps   ", i,
                mpps(now->ports[i].nic.rx_frames - before->ports[i].nic.rx_frames, seconds),
                mpps(now->ports[i].nic.tx_frames - before->ports[i].nic.tx_frames, seconds));
    fputs("\033[K", to);
}

static json_t *count(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *sequence_json(const struct wire_stats *wire) {
    if (!wire->probes)
        return json_null();
    return json_pack("{so so so so so}", "received", count(wire->probes), "missing",
                     count(wire->missing), "duplicate", count(wire->duplicate), "reordered",
                     count(wire->reordered), "corrupt", count(wire->corrupt));
}

static json_t *latency_json(const struct wire_stats *wire) {
    if (!wire->latency_count)
        return json_null();
    return json_pack("{so so so so so}", "count", count(wire->latency_count), "p50",
                     count(wire->latency_p50_ns), "p99", count(wire->latency_p99_ns), "p999",
                     count(wire->latency_p999_ns), "max", count(wire->latency_max_ns));
}

static json_t *port_json(const report_port *port) {
    json_t *drops = json_object();
    for (size_t reason = 0; reason < REASONS; reason++)
        json_object_set_new(drops, reasons[reason].name, count(lost(port, reason)));
    return json_pack("{ss sn ss so so so so so so so so so}", "name", port->name, "mode", "wire",
                     port->wire, "rx_packets", count(port->nic.rx_frames), "rx_bytes",
                     count(port->nic.rx_bytes), "tx_packets", count(port->nic.tx_frames),
                     "tx_bytes", count(port->nic.tx_bytes), "generated",
                     count(port->on_wire.generated), "drops", drops, "violations",
                     count(port->nic.violations), "sequence", sequence_json(&port->on_wire),
                     "latency_ns", latency_json(&port->on_wire));
}

static struct wire_stats all_probes(const struct softnic_report *report) {
    struct wire_stats sum = { 0 };
    for (uint32_t i = 0; i < report->port_count; i++) {
        const struct wire_stats *wire = &report->ports[i].on_wire;
        sum.probes += wire->probes;
        sum.missing += wire->missing;
        sum.duplicate += wire->duplicate;
        sum.reordered += wire->reordered;
        sum.corrupt += wire->corrupt;
    }
    return sum;
}

/* Percentiles cannot be added up: those of the only port that measured, else null. */
static json_t *only_latency_json(const struct softnic_report *report) {
    const struct wire_stats *only = NULL;
    for (uint32_t i = 0; i < report->port_count; i++) {
        const struct wire_stats *wire = &report->ports[i].on_wire;
        if (!wire->latency_count)
            continue;
        if (only)
            return json_null();
        only = wire;
    }
    return only ? latency_json(only) : json_null();
}

int softnic_report_write_json(const struct softnic_report *report, const char *path) {
    json_t *ports = json_array();
    for (uint32_t i = 0; i < report->port_count; i++)
        json_array_append_new(ports, port_json(&report->ports[i]));
    const struct wire_stats probes = all_probes(report);
    json_t *json = json_pack("{sf so sf sf so so sn so}", "seconds", report->seconds, "ports",
                             ports, "rx_mpps", mpps(rx_frames(report), report->seconds), "tx_mpps",
                             mpps(tx_frames(report), report->seconds), "cycles_per_packet",
                             json_null(), "latency_ns", only_latency_json(report),
                             "paced_latency_ns", "sequence", sequence_json(&probes));
    return json_file_write(json, path);
}
