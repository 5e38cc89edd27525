/* SPDX-License-Identifier: BSD-2-Clause */
/* The blocks of a pcapng file as we write it: one section, one Ethernet interface, nanoseconds. */
#include "capture.h"
#include <string.h>

/* Section Header Block (4.1) of unknown length, and Interface Description Block (4.2). */
void capture_put_header(uint8_t header[CAPTURE_HEADER_BYTES], uint32_t snaplen) {
    const struct {
        uint32_t type, total, magic;
        uint16_t major, minor;
        uint64_t section_bytes __attribute__((packed));
        uint32_t total_again;
    } section = { 0x0a0d0d0a, sizeof(section), 0x1a2b3c4d, 1, 0, UINT64_MAX, sizeof(section) };
    const struct {
        uint32_t type, total;
        uint16_t link_type, reserved;
        uint32_t snaplen;
        uint16_t resolution_code, resolution_length; /* if_tsresol: 10^-9 */
        uint8_t resolution[4];
        uint32_t end_of_options, total_again;
    } interface = { 1, sizeof(interface), 1, 0, snaplen, 9, 1, { 9 }, 0, sizeof(interface) };
    _Static_assert(sizeof(section) + sizeof(interface) == CAPTURE_HEADER_BYTES, "layout");
    memcpy(header, &section, sizeof(section));
    memcpy(header + sizeof(section), &interface, sizeof(interface));
}

/* Enhanced Packet Block (4.3). */
uint32_t capture_put_frame(uint8_t header[CAPTURE_FRAME_HEADER_BYTES],
                           uint8_t trailer[CAPTURE_TRAILER_MAX], uint32_t captured, uint32_t length,
                           uint64_t time_ns) {
    uint32_t padding = -captured & 3;
    uint32_t total = CAPTURE_FRAME_HEADER_BYTES + captured + padding + 4;
    const uint32_t words[] = { 6,        total, 0, (uint32_t)(time_ns >> 32), (uint32_t)time_ns,
                               captured, length };
    _Static_assert(sizeof(words) == CAPTURE_FRAME_HEADER_BYTES, "layout");
    memcpy(header, words, sizeof(words));
    memset(trailer, 0, padding);
    memcpy(trailer + padding, &total, sizeof(total));
    return padding + 4;
}
