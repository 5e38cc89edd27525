/* SPDX-License-Identifier: BSD-2-Clause */
/* A capture file in memory, to replay without reading anything on the way. */
#ifndef SOFTNIC_CAPTURE_H
#define SOFTNIC_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct capture_frame {
    size_t offset; /* in bytes */
    uint32_t length;
};

struct capture {
    struct capture_frame *frames;
    uint8_t *bytes;
    uint32_t count;
    uint32_t truncated; /* frames not loaded because the capture holds only their beginning */
};

/* pcap or pcapng, of Ethernet. Frames that were captured before their padding get it. */
int capture_load(struct capture *capture, const char *path);
void capture_free(struct capture *capture);

#endif
