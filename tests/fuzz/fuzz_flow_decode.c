/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever the frame, what decoding makes of it lies inside it, and no length is more than what was
 * there. The first byte chooses the decoder and how much of the frame was captured. */
#include "tests/unit/flow_sane.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

#define DECODERS 8

static struct leat_flow_decoder *decoder(uint32_t i) {
    static struct leat_flow_decoder *decoders[DECODERS];
    if (!decoders[i]) {
        struct leat_flow_decode_opts opts = {
            .tunnels = (enum leat_flow_tunnels)(i % 3),
            .key = i & 4 ? 31 : 0,
            .uniflow = i & 1,
            .details = i != 0,
            .fragments = 16,
        };
        require(leat_flow_decoder_create(&decoders[i], &opts) == 0);
    }
    return decoders[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 1 || bytes > UINT16_MAX)
        return 0;
    uint32_t choice = data[0], captured = (uint32_t)bytes - 1;
    uint32_t len = choice & 0x80 ? captured + (choice & 0x70) * 16 : captured;
    struct leat_meta meta = { .vlan_tci = { 1, 2 }, .vlan_proto = { 0x88a8, 0x8100 } };
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    const uint8_t *frame = data + 1;

    memset(packets, 0xa5, sizeof(packets));
    int n = leat_flow_decode(decoder(choice % DECODERS), frame, captured, len, bytes, choice & 8,
                             &meta, choice & 8 ? LEAT_PKT_VLAN : 0, packets);
    require(n != 0 && n >= -LEAT_FLOW_SKIP_COUNT && n <= LEAT_FLOW_DECODED_MAX);
    for (int i = 0; i < n; i++)
        require(!flow_insane(&packets[i], frame, captured, len));
    return 0;
}
