/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC32c without any instruction for it; <leat/checksum.h> has the one that chooses. */
#ifndef LEAT_PACKET_CRC32C_H
#define LEAT_PACKET_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from the bare register `crc`, not inverted before or after. */
uint32_t leat_crc32c_table(uint32_t crc, const uint8_t *bytes, size_t n);

#endif
