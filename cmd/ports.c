/* SPDX-License-Identifier: BSD-2-Clause */
/* leat ports: the kinds of ports, and what given ports are and can do. */
#include "command.h"
#include "options.h"
#include "session.h"
#include <inttypes.h>
#include <string.h>

#define COUNTERS_MAX 256

static bool with_counters;
static uint32_t buffer_bytes;

static const struct option_spec specs[] = {
    { "counters", 'c', NULL, "the device's own counters, too", OPTION_FLAG, &with_counters },
    { "buffer-bytes", 0, "N", "open them on a pool of such buffers (2368)", OPTION_U32,
      &buffer_bytes, 512, 65536 },
    { 0 },
};

static const char *const examples[] = {
    "which kinds of ports there are, and which interfaces",
    "leat ports",
    "in which mode an interface would be used",
    "leat ports eth1",
    "what an emulated NIC can do, and its counters",
    "leat ports --counters vfio-user:/tmp/nic0.sock",
    NULL,
};

static const struct options options = {
    .command = "ports",
    .operands = "[PORT...]",
    .about =
        "Lists the kinds of ports, and what this machine has to open; or opens the given ports,\n"
        "shows what they are and can do, and closes them.",
    .specs = specs,
    .examples = examples,
    .operands_max = 64,
};

static void print_found(void *ctx, const struct leat_port_found *port) {
    bool *headed = ctx;
    if (!*headed)
        puts("\nPorts that this machine has:");
    *headed = true;
    printf("  %-16s %s\n", port->name, port->about);
    if (port->warning)
        printf("  %-16s %s\n", "", port->warning);
}

static void list_kinds(void) {
    puts("Ports are named KIND:ADDRESS[,OPTION...]; the kinds of this build:");
    for (uint32_t i = 0; leat_port_kind(i); i++)
        printf("  %-11s %s\n", leat_port_kind(i), leat_port_kind_summary(i));
    bool headed = false;
    leat_port_look(print_found, &headed);
}

static void print_flags(const char *what, uint32_t flags) {
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {
        { LEAT_PKT_HASH, "flow hash" },
        { LEAT_PKT_IP_OK, "IPv4 checksum checked" },
        { LEAT_PKT_L4_OK, "L4 checksum checked" },
        { LEAT_PKT_IP_CSUM, "IPv4 checksum" },
        { LEAT_PKT_L4_CSUM, "L4 checksum" },
        { LEAT_PKT_TSO, "segmentation" },
        { LEAT_PKT_VLAN, "VLAN tags" },
        { LEAT_PKT_TIME, "time stamps" },
        { LEAT_PKT_LAUNCH, "launch times" },
        { LEAT_PKT_SENT, "times of sending" },
    };
    const char *separator = "";
    printf("  %-10s ", what);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (flags & names[i].flag) {
            printf("%s%s", separator, names[i].name);
            separator = ", ";
        }
    }
    puts(*separator ? "" : "none");
}

static void print_caps(const struct leat_caps *caps) {
    printf("  %-10s %s, %s\n", "device", caps->driver, caps->device);
    printf("  %-10s %s\n", "mode", *caps->mode ? caps->mode : "polling");
    const uint8_t *mac = caps->mac;
    if (memcmp(mac, (const uint8_t[6]){ 0 }, 6))
        printf("  %-10s %02x:%02x:%02x:%02x:%02x:%02x%s\n", "address", mac[0], mac[1], mac[2],
               mac[3], mac[4], mac[5], caps->promisc ? ", promiscuous" : "");
    printf("  %-10s %s\n", "direction",
           !caps->rx   ? "sends only"
           : !caps->tx ? "receives only"
                       : "receives and sends");
    printf("  %-10s %u of at most %u", "queues", caps->queues, caps->queues_max);
    if (caps->rx_ring)
        printf("; rings of %u and %u descriptors", caps->rx_ring, caps->tx_ring);
    putchar('\n');
    printf("  %-10s up to %u bytes in up to %u buffers\n", "frames", caps->frame_max,
           caps->segments_max);
    printf("  %-10s %s%s\n", "waiting", caps->wait ? "can sleep" : "can only be polled",
           caps->rx_lossless ? "; holds back its source instead of losing frames" : "");
    print_flags("received", caps->rx_flags);
    print_flags("sending", caps->tx_flags);
}

static void print_counters(struct leat_port *port) {
    struct leat_counter counters[COUNTERS_MAX];
    int n = leat_port_counters(port, counters, COUNTERS_MAX);
    for (int i = 0; i < n && i < COUNTERS_MAX; i++)
        printf("  %-10s %" PRIu64 "\n", counters[i].name, counters[i].value);
}

static int show(struct session *session, const char *name) {
    int status = session_port(session, name, (struct leat_port_opts){ 0 });
    if (status)
        return status;
    struct leat_port *port = session->ports[0].port;
    printf("%s\n", leat_port_name(port));
    print_caps(&session->ports[0].caps);
    struct leat_link link;
    status = leat_port_link(port, &link);
    if (status)
        return session_error(status);
    printf("  %-10s %s", "link", link.up ? "up" : "down");
    if (link.up && link.speed_mbps)
        printf(", %u Mbit/s", link.speed_mbps);
    putchar('\n');
    if (with_counters)
        print_counters(port);
    return 0;
}

int cmd_ports(int argc, char **argv) {
    with_counters = false;
    buffer_bytes = 0;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    if (first == argc)
        list_kinds();
    for (; first < argc; first++) {
        struct session session;
        if (session_open(&session, 0, buffer_bytes))
            return COMMAND_FAILED;
        if (show(&session, argv[first]))
            exit_code = COMMAND_FAILED;
        session_close(&session, NULL);
    }
    return exit_code;
}
