/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads a capture file. */
#include "capture.h"
#include "error.h"
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MIN 60 /* what a sending MAC pads to */

/* How much room there is behind the pointers of a capture that is being loaded. */
struct room {
    size_t used, bytes;
    uint32_t frames;
};

static int grow(struct capture *capture, struct room *room, uint32_t length) {
    if (capture->count == room->frames) {
        uint32_t frames = room->frames ? room->frames * 2 : 1024;
        void *grown = frames > room->frames
                          ? realloc(capture->frames, frames * sizeof *capture->frames)
                          : NULL;
        if (!grown)
            return -ENOMEM;
        capture->frames = grown;
        room->frames = frames;
    }
    if (length > room->bytes - room->used) {
        size_t bytes = room->bytes * 2 + length;
        uint8_t *grown = realloc(capture->bytes, bytes);
        if (!grown)
            return -ENOMEM;
        capture->bytes = grown;
        room->bytes = bytes;
    }
    return 0;
}

static int append(struct capture *capture, struct room *room, const uint8_t *frame,
                  uint32_t bytes) {
    uint32_t padded = bytes < FRAME_MIN ? FRAME_MIN : bytes;
    int err = grow(capture, room, padded);
    if (err)
        return err;
    uint8_t *to = capture->bytes + room->used;
    memcpy(to, frame, bytes);
    memset(to + bytes, 0, padded - bytes);
    capture->frames[capture->count++] = (struct capture_frame){ room->used, padded };
    room->used += padded;
    return 0;
}

static int load(struct capture *capture, const char *path, pcap_t *pcap) {
    if (pcap_datalink(pcap) != DLT_EN10MB)
        return softnic_fail(EINVAL, "%s: cannot replay: it is a capture of %s, not of Ethernet",
                            path, pcap_datalink_val_to_name(pcap_datalink(pcap)));
    struct room room = { 0 };
    struct pcap_pkthdr *header;
    const uint8_t *frame;
    int got;
    while ((got = pcap_next_ex(pcap, &header, &frame)) == 1) {
        if (header->caplen < header->len)
            capture->truncated++;
        else if (append(capture, &room, frame, header->caplen))
            return softnic_fail(ENOMEM, "%s: cannot load: no memory", path);
    }
    if (got == PCAP_ERROR)
        return softnic_fail(EINVAL, "%s: cannot read after %u frames: %s", path,
                            capture->count + capture->truncated, pcap_geterr(pcap));
    return 0;
}

int capture_load(struct capture *capture, const char *path) {
    char cause[PCAP_ERRBUF_SIZE];
    *capture = (struct capture){ 0 };
    pcap_t *pcap = pcap_open_offline(path, cause);
    if (!pcap)
        return softnic_fail(EINVAL, "%s: cannot open the capture: %s", path, cause);
    int err = load(capture, path, pcap);
    pcap_close(pcap);
    if (err)
        capture_free(capture);
    return err;
}

void capture_free(struct capture *capture) {
    free(capture->frames);
    free(capture->bytes);
    *capture = (struct capture){ 0 };
}
