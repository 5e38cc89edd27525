/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever a packet carries, a record's names are printable, cut to fit and terminated. The first
 * byte says over what it comes: 0 TCP, 1 UDP, 2 UDP to port 53, 3 TCP to port 53; more than 3 also
 * into how large pieces the rest is cut. */
#include "lib/flow/payload.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

static void check(const struct leat_flow_application *a) {
    require(a->kind <= LEAT_FLOW_APPLICATION_QUIC);
    require(memchr(a->name, '\0', sizeof(a->name)) != NULL);
    require(memchr(a->ja4, '\0', sizeof(a->ja4)) != NULL);
    require(a->ja4[0] == '\0' || strlen(a->ja4) == 36);
    for (const char *c = a->name; *c; c++)
        require(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct leat_flow_scratch *scratch;
    static uint64_t flow_id;
    struct leat_flow_application application = { 0 };
    uint8_t tcp[20] = { 0 };

    if (!scratch)
        require(leat_flow_scratch_create(&scratch) == 0);
    if (bytes < 2)
        return 0;
    uint8_t how = data[0];
    uint32_t n = (uint32_t)bytes - 1, piece = how > 3 ? how : n;
    flow_id++;
    for (uint32_t at = 0; at < n; at += piece) {
        uint32_t here = n - at < piece ? n - at : piece;
        uint32_t sequence = htonl(at);
        uint8_t *copy = malloc(here);
        require(copy != NULL);
        memcpy(copy, data + 1 + at, here);
        memcpy(tcp + 4, &sequence, sizeof(sequence));
        struct leat_flow_packet packet = {
            .key4 = { .protocol = (how & 3) % 3 ? IPPROTO_UDP : IPPROTO_TCP,
                      .port = { htons(4433), htons(how & 2 ? 53 : 443) } },
            .l4 = tcp,
            .l4_bytes = sizeof(tcp),
            .payload = copy,
            .payload_here = here,
            .payload_bytes = here,
            .flags = LEAT_FLOW_L4,
        };
        leat_flow_application_add(scratch, &application, &packet, flow_id);
        free(copy);
        check(&application);
    }
    return 0;
}
