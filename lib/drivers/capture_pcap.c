/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding pcap files (draft-ietf-opsawg-pcap):
 *
 *   file header (24)   magic(4) major(2) minor(2) zero(4) zero(4) snaplen(4) link type, FCS(4)
 *   record header (16) seconds(4) fraction(4) captured(4) length(4), then the captured bytes
 */
#include "capture.h"
#include "lib/core/error.h"
#include <errno.h>
#include <string.h>

#define FILE_HEADER   24
#define RECORD_HEADER 16

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS  0xa1b23c4du

#define LINK_TYPE_MASK 0xffffu
#define FCS_PRESENT    (1u << 26) /* then bits 31 to 28 say how many 16-bit words it has */

static bool is_magic(uint32_t magic) {
    return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS;
}

bool capture_is_pcap(struct capture_decoder *decoder, const uint8_t magic[4]) {
    uint32_t value;
    memcpy(&value, magic, sizeof(value));
    decoder->swapped = is_magic(__builtin_bswap32(value));
    if (decoder->swapped || is_magic(value))
        decoder->format = CAPTURE_PCAP;
    return decoder->format == CAPTURE_PCAP;
}

static int decode_file_header(struct capture_decoder *decoder, const uint8_t *bytes) {
    uint16_t major = capture_get16(decoder, bytes + 4);
    uint16_t minor = capture_get16(decoder, bytes + 6);
    uint32_t link = capture_get32(decoder, bytes + 20);
    if (major != 2 || minor != 4)
        return leat_fail(EINVAL, "pcap version %u.%u; only 2.4 is known", major, minor);
    struct capture_interface interface = {
        .snaplen = capture_get32(decoder, bytes + 16),
        .resolution = capture_get32(decoder, bytes) == MAGIC_NANOSECONDS ? 9 : 6,
        .fcs_bytes = link & FCS_PRESENT ? (uint8_t)(2 * (link >> 28)) : 0,
    };
    int err = capture_add_interface(decoder, link & LINK_TYPE_MASK, &interface);
    return err < 0 ? err : CAPTURE_PASS;
}

int capture_decode_pcap(struct capture_decoder *decoder, const uint8_t *bytes, size_t n,
                        size_t *bytes_out, struct capture_frame *frame) {
    bool header = decoder->interface_count == 0;
    *bytes_out = header ? FILE_HEADER : RECORD_HEADER;
    if (n < *bytes_out)
        return CAPTURE_MORE;
    if (header)
        return decode_file_header(decoder, bytes);

    const struct capture_interface *interface = decoder->interfaces;
    uint64_t seconds = capture_get32(decoder, bytes);
    uint64_t fraction = capture_get32(decoder, bytes + 4);
    uint32_t captured = capture_get32(decoder, bytes + 8);
    if (captured > CAPTURE_FRAME_MAX)
        return leat_fail(EINVAL, "a record of %u bytes; a frame has at most %u", captured,
                         CAPTURE_FRAME_MAX);
    *bytes_out += captured;
    if (n < *bytes_out)
        return CAPTURE_MORE;
    *frame = (struct capture_frame){
        .data = bytes + RECORD_HEADER,
        .captured = captured,
        .length = capture_get32(decoder, bytes + 12),
        .timed = true, /* 32 bits of each always fit */
        .time_ns = seconds * 1000000000 + fraction * (interface->resolution == 9 ? 1 : 1000),
    };
    capture_trim(frame, interface);
    return CAPTURE_FRAME;
}
