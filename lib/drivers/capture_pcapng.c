/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding pcapng files (draft-ietf-opsawg-pcapng). A file is a row of blocks, each
 *
 *   type(4) total length(4) body, padded to 32 bits  total length(4)
 *
 * of which we read those that describe sections, interfaces and frames, and pass over the others.
 */
#include "capture.h"
#include "lib/core/error.h"
#include <errno.h>
#include <string.h>

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    2u /* obsolete, section B; still found in old files */
#define BLOCK_SIMPLE    3u
#define BLOCK_ENHANCED  6u

#define BLOCK_MIN        12 /* type and both lengths */
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPTION_END        0
#define OPTION_RESOLUTION 9
#define OPTION_FCS        13
#define OPTION_OFFSET     14

/* A block's body. */
struct body {
    const uint8_t *bytes;
    uint32_t length;
};

static int too_short(const char *block, uint32_t bytes) {
    return leat_fail(EINVAL, "%s block with a body of %u bytes is too short", block, bytes);
}

/* A section has its own byte order, which its magic number tells, and its own interfaces. */
static int decode_section(struct capture_decoder *decoder, struct body body) {
    if (body.length < 16)
        return too_short("section header", body.length);
    uint16_t major = capture_get16(decoder, body.bytes + 4);
    uint16_t minor = capture_get16(decoder, body.bytes + 6);
    if (major != 1 || (minor != 0 && minor != 2))
        return leat_fail(EINVAL, "pcapng version %u.%u; only 1.0 is known", major, minor);
    decoder->interface_count = 0;
    return CAPTURE_PASS;
}

static int decode_option(struct capture_decoder *decoder, struct capture_interface *interface,
                         uint32_t code, const uint8_t *value, uint32_t length) {
    static const uint8_t lengths[] = {
        [OPTION_RESOLUTION] = 1,
        [OPTION_FCS] = 1,
        [OPTION_OFFSET] = 8,
    };
    if (code >= sizeof(lengths) || lengths[code] == 0)
        return 0;
    if (length != lengths[code])
        return leat_fail(EINVAL, "interface option %u of %u bytes; it has %u", code, length,
                         lengths[code]);
    if (code == OPTION_RESOLUTION)
        interface->resolution = *value;
    else if (code == OPTION_FCS)
        interface->fcs_bytes = *value;
    else {
        uint64_t first = capture_get32(decoder, value), second = capture_get32(decoder, value + 4);
        bool big = decoder->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
        interface->offset_s = (int64_t)(big ? first << 32 | second : second << 32 | first);
    }
    return 0;
}

static int decode_interface(struct capture_decoder *decoder, struct body body) {
    if (body.length < 8)
        return too_short("interface", body.length);
    struct capture_interface interface = {
        .snaplen = capture_get32(decoder, body.bytes + 4),
        .resolution = 6,
    };
    for (uint32_t at = 8; body.length - at >= 4;) {
        uint32_t code = capture_get16(decoder, body.bytes + at);
        uint32_t length = capture_get16(decoder, body.bytes + at + 2);
        uint32_t padded = (length + 3) & ~3u;
        at += 4;
        if (code == OPTION_END)
            break;
        if (padded > body.length - at)
            return leat_fail(EINVAL, "interface option %u of %u bytes exceeds its block", code,
                             length);
        int err = decode_option(decoder, &interface, code, body.bytes + at, length);
        if (err < 0)
            return err;
        at += padded;
    }
    uint16_t link_type = capture_get16(decoder, body.bytes);
    int err = capture_add_interface(decoder, link_type, &interface);
    return err < 0 ? err : CAPTURE_PASS;
}

/* `bytes` starts with the time stamp, as in both kinds of packet blocks. */
static int decode_packet(struct capture_decoder *decoder, uint32_t number, struct body body,
                         struct capture_frame *frame) {
    const uint8_t *bytes = body.bytes;
    if (number >= decoder->interface_count)
        return leat_fail(EINVAL, "a packet block of interface %u, of %u", number,
                         decoder->interface_count);
    uint64_t high = capture_get32(decoder, bytes), low = capture_get32(decoder, bytes + 4);
    *frame = (struct capture_frame){
        .data = bytes + 16,
        .captured = capture_get32(decoder, bytes + 8),
        .length = capture_get32(decoder, bytes + 12),
    };
    if (frame->captured > body.length - 16 || frame->captured > CAPTURE_FRAME_MAX)
        return leat_fail(EINVAL, "a packet block of %u bytes with a frame of %u", body.length,
                         frame->captured);
    capture_set_time(frame, &decoder->interfaces[number], high << 32 | low);
    capture_trim(frame, &decoder->interfaces[number]);
    return CAPTURE_FRAME;
}

static int decode_enhanced(struct capture_decoder *decoder, struct body body,
                           struct capture_frame *frame) {
    if (body.length < 20)
        return too_short("enhanced packet", body.length);
    uint32_t number = capture_get32(decoder, body.bytes);
    return decode_packet(decoder, number, (struct body){ body.bytes + 4, body.length - 4 }, frame);
}

static int decode_obsolete(struct capture_decoder *decoder, struct body body,
                           struct capture_frame *frame) {
    if (body.length < 20)
        return too_short("packet", body.length);
    uint32_t number = capture_get16(decoder, body.bytes);
    return decode_packet(decoder, number, (struct body){ body.bytes + 4, body.length - 4 }, frame);
}

/* No time stamp, and no captured length but the least of three: what stands there follows. */
static int decode_simple(struct capture_decoder *decoder, struct body body,
                         struct capture_frame *frame) {
    if (body.length < 4)
        return too_short("simple packet", body.length);
    if (decoder->interface_count == 0)
        return leat_fail(EINVAL, "a simple packet block before any interface");
    const struct capture_interface *interface = decoder->interfaces;
    uint32_t length = capture_get32(decoder, body.bytes);
    uint32_t captured = length;
    if (interface->snaplen && captured > interface->snaplen)
        captured = interface->snaplen;
    if (captured > body.length - 4 || captured > CAPTURE_FRAME_MAX)
        return leat_fail(EINVAL, "a simple packet block of %u bytes with a frame of %u",
                         body.length, captured);
    *frame = (struct capture_frame){
        .data = body.bytes + 4,
        .captured = captured,
        .length = length,
    };
    capture_trim(frame, interface);
    return CAPTURE_FRAME;
}

static int decode_block(struct capture_decoder *decoder, uint32_t type, struct body body,
                        struct capture_frame *frame) {
    switch (type) {
    case BLOCK_SECTION:
        return decode_section(decoder, body);
    case BLOCK_INTERFACE:
        return decode_interface(decoder, body);
    case BLOCK_PACKET:
        return decode_obsolete(decoder, body, frame);
    case BLOCK_SIMPLE:
        return decode_simple(decoder, body, frame);
    case BLOCK_ENHANCED:
        return decode_enhanced(decoder, body, frame);
    default:
        return CAPTURE_PASS;
    }
}

/* Before the length of a section header can be read, its byte order must be known. */
static int find_byte_order(struct capture_decoder *decoder, const uint8_t magic[4]) {
    uint32_t value;
    memcpy(&value, magic, sizeof(value));
    decoder->swapped = value == __builtin_bswap32(BYTE_ORDER_MAGIC);
    if (value != BYTE_ORDER_MAGIC && !decoder->swapped)
        return leat_fail(EINVAL, "a section header with the wrong byte-order magic %08x", value);
    return 0;
}

int capture_decode_pcapng(struct capture_decoder *decoder, const uint8_t *bytes, size_t n,
                          size_t *bytes_out, struct capture_frame *frame) {
    *bytes_out = BLOCK_MIN;
    if (n < BLOCK_MIN)
        return CAPTURE_MORE;
    uint32_t type = capture_get32(decoder, bytes);
    if (type == BLOCK_SECTION) {
        int err = find_byte_order(decoder, bytes + 8);
        if (err < 0)
            return err;
    }
    uint32_t length = capture_get32(decoder, bytes + 4);
    if (length < BLOCK_MIN || length % 4 || length > CAPTURE_BLOCK_MAX)
        return leat_fail(EINVAL, "a block of %u bytes; it must be a multiple of 4 from %d to %u",
                         length, BLOCK_MIN, CAPTURE_BLOCK_MAX);
    *bytes_out = length;
    if (n < length)
        return CAPTURE_MORE;
    uint32_t again = capture_get32(decoder, bytes + length - 4);
    if (again != length)
        return leat_fail(EINVAL, "a block of %u bytes says %u at its end", length, again);
    return decode_block(decoder, type, (struct body){ bytes + 8, length - BLOCK_MIN }, frame);
}
