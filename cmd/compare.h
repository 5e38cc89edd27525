/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares captures frame by frame, as an Ethernet would carry them. */
#ifndef CMD_COMPARE_H
#define CMD_COMPARE_H

#include <stdint.h>

struct compare {
    uint64_t sent_frames, sent_bytes, came_frames;
    uint64_t different; /* the number of the first frame that differs, from 1; 0: none */
};

/* Reads both captures. A frame shorter than Ethernet's 60 bytes may come padded with zeros. 0, or a
 * negative errno after saying why on standard error. */
int compare_captures(const char *sent, const char *came, struct compare *result);

/* Frames in a capture, or a negative errno likewise. */
int64_t compare_count(const char *capture);

#endif
