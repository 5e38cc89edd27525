/* SPDX-License-Identifier: BSD-2-Clause */
/* The probe frame, see docs/probe-frames.md. */
#ifndef SOFTNIC_PROBE_H
#define SOFTNIC_PROBE_H

#include <stdint.h>

#define PROBE_MAGIC         0x1ea7
#define PROBE_BYTES         18
#define PROBE_FRAME_MIN     60   /* without frame check sequence */
#define PROBE_FRAME_MAX     1514 /* likewise */
#define PROBE_FCS_BYTES     4
#define PROBE_SEQUENCE_BITS 48

/* Offsets in an IPv4 probe frame. */
#define PROBE_IP      14
#define PROBE_UDP     34
#define PROBE_PAYLOAD 42
/* Offsets in the probe. */
#define PROBE_STREAM   2
#define PROBE_SEQUENCE 4
#define PROBE_TIME     10

#define PROBE_PORT 9 /* discard, RFC 863 */

#endif
