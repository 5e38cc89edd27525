/* SPDX-License-Identifier: BSD-2-Clause */
/* What decoding pcap and decoding pcapng share: byte order, interfaces, time stamps. */
#include "capture.h"
#include "lib/core/error.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINKTYPE_ETHERNET 1

int capture_add_interface(struct capture_decoder *decoder, uint32_t link_type,
                          const struct capture_interface *interface) {
    uint32_t count = decoder->interface_count;
    if (link_type != LINKTYPE_ETHERNET)
        return leat_fail(ENOTSUP,
                         "interface %u has link type %u, not Ethernet (1); capture on an Ethernet "
                         "interface, not on 'any'",
                         count, link_type);
    if (count == CAPTURE_INTERFACES_MAX)
        return leat_fail(EINVAL, "more than %u interfaces in a section", CAPTURE_INTERFACES_MAX);
    if ((count & (count - 1)) == 0) {
        struct capture_interface *grown =
            realloc(decoder->interfaces, (count ? 2 * count : 1) * sizeof(*grown));
        if (!grown)
            return leat_fail(ENOMEM, "no memory for %u interfaces", count + 1);
        decoder->interfaces = grown;
    }
    decoder->interfaces[decoder->interface_count++] = *interface;
    return 0;
}

/* Ticks of 10^-n or, with the top bit, 2^-n seconds (pcapng, if_tsresol), in nanoseconds. */
static unsigned __int128 ticks_to_ns(uint64_t ticks, uint8_t resolution) {
    static const uint32_t ns_of[] = { 1000000000, 100000000, 10000000, 1000000, 100000,
                                      10000,      1000,      100,      10,      1 };
    if (resolution & 0x80)
        return (unsigned __int128)ticks * 1000000000 >> (resolution & 0x7f);
    if (resolution <= 9)
        return (unsigned __int128)ticks * ns_of[resolution];
    for (; resolution > 9 && ticks > 0; resolution--)
        ticks /= 10;
    return ticks;
}

void capture_set_time(struct capture_frame *frame, const struct capture_interface *interface,
                      uint64_t ticks) {
    __int128 ns = (__int128)ticks_to_ns(ticks, interface->resolution) +
                  (__int128)interface->offset_s * 1000000000;
    frame->timed = ns >= 0 && ns <= UINT64_MAX;
    frame->time_ns = frame->timed ? (uint64_t)ns : 0;
}

int capture_decode(struct capture_decoder *decoder, const uint8_t *bytes, size_t n,
                   size_t *bytes_out, struct capture_frame *frame) {
    if (decoder->format == CAPTURE_UNKNOWN) {
        *bytes_out = 4;
        if (n < 4)
            return CAPTURE_MORE;
        /* The type of a Section Header Block reads the same in both byte orders. */
        if (memcmp(bytes, "\n\r\r\n", 4) == 0)
            decoder->format = CAPTURE_PCAPNG;
        else if (!capture_is_pcap(decoder, bytes))
            return leat_fail(EINVAL,
                             "not a pcap or pcapng capture: it begins with %02x %02x %02x %02x",
                             bytes[0], bytes[1], bytes[2], bytes[3]);
    }
    return decoder->format == CAPTURE_PCAP
               ? capture_decode_pcap(decoder, bytes, n, bytes_out, frame)
               : capture_decode_pcapng(decoder, bytes, n, bytes_out, frame);
}

void capture_decoder_clear(struct capture_decoder *decoder) {
    free(decoder->interfaces);
    *decoder = (struct capture_decoder){ 0 };
}
