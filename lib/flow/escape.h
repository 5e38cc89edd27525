/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of packets as text for a record: printable ASCII, as on the wire; the others as \xHH. */
#ifndef LEAT_FLOW_ESCAPE_H
#define LEAT_FLOW_ESCAPE_H

#include <stdint.h>

/* Writes `n` bytes at text[at], of `room` with the terminator, as far as they fit; returns where
 * the terminator is. The backslash, and `separator` if it is not 0, are written as \xHH too, so
 * that a text stands for one row of bytes only. */
uint32_t leat_flow_escape(char *text, uint32_t at, uint32_t room, const uint8_t *bytes, uint32_t n,
                          char separator);

#endif
