/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands at run time: the cable, the card, the counters.
 */
#include "error.h"
#include "ports.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    char *text;
    size_t bytes, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct answer *answer, const char *format,
                                                      ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(answer->text + answer->used, answer->bytes - answer->used, format, args);
    va_end(args);
    if (length > 0)
        answer->used += (size_t)length;
    if (answer->used >= answer->bytes)
        answer->used = answer->bytes - 1;
}

static int link_command(struct port *port, const char *argument, struct answer *answer) {
    bool up = strcmp(argument, "up") == 0;
    if (!up && strcmp(argument, "down") != 0)
        return softnic_fail(EINVAL, "link: cannot go '%s'; say 'up' or 'down'", argument);
    nic_set_link(port->server.device.nic, up);
    say(answer, "port %u: link %s\n", port->server.port, argument);
    return 0;
}

static int unplug_command(struct port *port, const char *argument, struct answer *answer) {
    (void)argument;
    server_unplug(&port->server);
    say(answer, "port %u: unplugged\n", port->server.port);
    return 0;
}

static int plug_command(struct port *port, const char *argument, struct answer *answer) {
    (void)argument;
    if (port->server.device.violation[0])
        return softnic_fail(EPROTO, "port %u: cannot plug: its driver was stopped: %s",
                            port->server.port, port->server.device.violation);
    int error = server_plug(&port->server);
    if (!error)
        say(answer, "port %u: plugged\n", port->server.port);
    return error;
}

static void say_nic(struct answer *answer, const struct nic_stats *nic) {
    say(answer,
        "  nic: tx_frames %" PRIu64 " tx_bytes %" PRIu64 " rx_frames %" PRIu64 " rx_bytes %" PRIu64
        " rx_missed %" PRIu64 " rx_filtered %" PRIu64 " rx_length %" PRIu64 " tx_errors %" PRIu64
        " dma_faults %" PRIu64 " interrupts %" PRIu64 "\n",
        nic->tx_frames, nic->tx_bytes, nic->rx_frames, nic->rx_bytes, nic->rx_missed,
        nic->rx_filtered, nic->rx_length, nic->tx_errors, nic->dma_faults, nic->interrupts);
}

static void say_wire(struct answer *answer, const struct wire_stats *wire) {
    say(answer,
        "  wire: out_frames %" PRIu64 " out_bytes %" PRIu64 " in_frames %" PRIu64
        " in_bytes %" PRIu64 " lost_injected %" PRIu64 " lost_full %" PRIu64 " lost_far %" PRIu64
        "\n",
        wire->out_frames, wire->out_bytes, wire->in_frames, wire->in_bytes, wire->lost_injected,
        wire->lost_full, wire->lost_far);
    if (wire->probes)
        say(answer,
            "  probes: received %" PRIu64 " missing %" PRIu64 " duplicate %" PRIu64
            " reordered %" PRIu64 " corrupt %" PRIu64 "\n",
            wire->probes, wire->missing, wire->duplicate, wire->reordered, wire->corrupt);
}

static int stats_command(struct port *port, const char *argument, struct answer *answer) {
    struct nic_stats nic;
    struct wire_stats wire;
    (void)argument;
    nic_stats(port->server.device.nic, &nic);
    wire_stats(port->wire, &wire);
    say(answer, "port %u: %s, link %s\n", port->server.port,
        server_is_connected(&port->server) ? "connected"
        : server_is_plugged(&port->server) ? "waiting for a driver"
                                           : "unplugged",
        nic_link_up(port->server.device.nic) ? "up" : "down");
    say_nic(answer, &nic);
    say_wire(answer, &wire);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct port *port, const char *argument, struct answer *answer);
    int words_min, words_max; /* with the name */
} commands[] = {
    { "link", link_command, 3, 3 },
    { "unplug", unplug_command, 2, 2 },
    { "plug", plug_command, 2, 2 },
    { "stats", stats_command, 1, 2 },
};

static int run(struct softnic *softnic, const char *line, struct answer *answer) {
    char name[16] = "", number[8] = "", argument[16] = "", rest[2] = "";
    int words = sscanf(line, "%15s %7s %15s %1s", name, number, argument, rest);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (words < commands[i].words_min || words > commands[i].words_max)
            return softnic_fail(EINVAL, "%s: wrong number of words in '%s'", name, line);
        char *end = number;
        unsigned long port = strtoul(number, &end, 10);
        if (words > 1 && (*end != '\0' || port >= softnic->count))
            return softnic_fail(EINVAL, "%s: no port '%s'; there are 0 to %u", name, number,
                                softnic->count - 1);
        if (words > 1)
            return commands[i].run(&softnic->ports[port], argument, answer);
        for (uint32_t p = 0; p < softnic->count; p++)
            commands[i].run(&softnic->ports[p], argument, answer);
        return 0;
    }
    return softnic_fail(EINVAL,
                        "no command '%s'; there are: link N up, link N down, unplug N, "
                        "plug N, stats [N]",
                        name);
}

int softnic_command(struct softnic *softnic, const char *line, char *text, size_t bytes) {
    struct answer answer = { .text = text, .bytes = bytes };
    if (bytes == 0)
        return softnic_fail(EINVAL, "command '%s': no room for an answer", line);
    text[0] = '\0';
    int error = run(softnic, line, &answer);
    if (error)
        say(&answer, "%s\n", softnic_error());
    return error;
}
