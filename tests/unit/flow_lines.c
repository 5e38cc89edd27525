/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what decoding says of each packet of a capture, a line each, as
 * tests/captures/flow_truth.py
 * --packets does:
 *
 *   flow_lines outer|inner|both capture.pcap
 */
#include "flow_sane.h"
#include "lib/flow/decode.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pcap_frame { /* a nanosecond pcap of this machine's byte order */
    uint32_t seconds, nanoseconds, captured, len;
};

static void print_hex(const uint8_t *bytes, uint32_t n) {
    putchar(' ');
    for (uint32_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
}

static void print_packet(const struct leat_flow_decoder *decoder,
                         const struct leat_flow_packet *packet) {
    const struct leat_flow_scope *scope =
        leat_flow_scopes_get(leat_flow_decoder_scopes(decoder), packet->scope);
    bool ip6 = packet->flags & LEAT_FLOW_IP6;
    const uint16_t *port = ip6 ? packet->key6.port : packet->key4.port;
    uint8_t protocol = ip6 ? packet->key6.protocol : packet->key4.protocol;
    bool icmp = protocol == 1 || protocol == 58; /* the sender's port is what it is answered with */
    char text[2][INET6_ADDRSTRLEN];

    for (uint32_t i = 0; i < 2; i++)
        inet_ntop(ip6 ? AF_INET6 : AF_INET,
                  ip6 ? (const void *)packet->key6.address[i] : &packet->key4.address[i], text[i],
                  sizeof(text[i]));
    printf("%s %s %u %u %u", text[0], text[1], protocol, icmp ? 0 : ntohs(port[0]), ntohs(port[1]));
    printf(" %u %u %u %u %u %u %u", packet->octets, packet->payload_bytes, packet->ttl, packet->tos,
           packet->fragment_flags, packet->ip_options, packet->flow_label);
    printf(" %u %u %" PRIu64 " %u %u", packet->tcp_flags, packet->tcp_window, packet->tcp_options,
           packet->tcp_options_high, packet->icmp_type_code);
    print_hex(packet->mac[0], 6);
    print_hex(packet->mac[1], 6);
    printf(" vlans");
    for (uint32_t i = 0; i < scope->vlan_count; i++)
        printf(" %u", scope->vlan_tci[i]);
    printf(" labels");
    for (uint32_t i = 0; i < scope->label_count; i++)
        printf(" %u", scope->label[i]);
    printf(" pppoe %u %s %" PRIu64 "\n", scope->pppoe_session,
           leat_flow_tunnel_name((enum leat_flow_tunnel)scope->tunnel), scope->tunnel_id);
}

static int decode_all(FILE *capture, struct leat_flow_decoder *decoder) {
    struct pcap_frame frame;
    if (fseek(capture, 24, SEEK_SET))
        return 1;
    for (uint32_t number = 1; fread(&frame, sizeof(frame), 1, capture) == 1; number++) {
        struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
        uint64_t time_ns = frame.seconds * UINT64_C(1000000000) + frame.nanoseconds;
        uint8_t *bytes = malloc(frame.captured + 1);
        if (!bytes || fread(bytes, 1, frame.captured, capture) != frame.captured)
            return 1;
        int n = leat_flow_decode(decoder, bytes, frame.captured, frame.len, time_ns, 0, NULL, 0,
                                 packets);
        if (n < 0)
            printf("%u %s\n", number, leat_flow_skip_name((enum leat_flow_skip)(-1 - n)));
        for (int i = 0; i < n; i++) {
            if (flow_insane(&packets[i], bytes, frame.captured, frame.len))
                return 1;
            printf("%u ", number);
            print_packet(decoder, &packets[i]);
        }
        free(bytes);
    }
    return ferror(capture);
}

int main(int argc, char **argv) {
    static const char *const choices[] = { "outer", "inner", "both" };
    struct leat_flow_decode_opts opts = { .uniflow = true, .details = true };
    struct leat_flow_decoder *decoder;
    if (argc != 3)
        return 2;
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(argv[1], choices[i]) == 0)
            opts.tunnels = (enum leat_flow_tunnels)i;
    FILE *capture = fopen(argv[2], "r");
    if (!capture || leat_flow_decoder_create(&decoder, &opts) < 0)
        return 1;
    int failed = decode_all(capture, decoder);
    leat_flow_decoder_destroy(decoder);
    fclose(capture);
    return failed;
}
