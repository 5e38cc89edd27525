/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transports and the spool have to know of an IPFIX message: its header (RFC 7011, 3.1).
 */
#ifndef LEAT_FLOW_MESSAGE_H
#define LEAT_FLOW_MESSAGE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define LEAT_MESSAGE_HEADER 16    /* version, length, export time, sequence, domain */
#define LEAT_MESSAGE_MAX    65535 /* its length has 16 bits */

static inline uint32_t leat_message_version(const uint8_t *message) {
    return (uint32_t)message[0] << 8 | message[1];
}

static inline uint32_t leat_message_length(const uint8_t *message) {
    return (uint32_t)message[2] << 8 | message[3];
}

static inline uint32_t leat_message_sequence(const uint8_t *message) {
    uint32_t sequence;
    memcpy(&sequence, message + 8, sizeof(sequence));
    return be32toh(sequence);
}

static inline void leat_message_set_sequence(uint8_t *message, uint32_t sequence) {
    sequence = htobe32(sequence);
    memcpy(message + 8, &sequence, sizeof(sequence));
}

#endif
