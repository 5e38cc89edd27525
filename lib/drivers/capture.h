/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), in both byte
 * orders. A decoder takes a file's bytes apart, whatever they hold; a reader brings them to it from
 * a file or a pipe; a writer makes the blocks of a pcapng file with nanoseconds.
 */
#ifndef LEAT_DRIVERS_CAPTURE_H
#define LEAT_DRIVERS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CAPTURE_BLOCK_MAX      (16u << 20) /* bytes of a pcapng block; libpcap's limit, too */
#define CAPTURE_FRAME_MAX      262144u     /* bytes of a frame; libpcap's and Wireshark's limit */
#define CAPTURE_INTERFACES_MAX 4096u       /* of a pcapng section */

/* One frame of a capture, without frame check sequence. */
struct capture_frame {
    const uint8_t *data; /* in the bytes that were decoded */
    uint32_t captured;   /* bytes of it that the file holds */
    uint32_t length;     /* bytes of it on the wire */
    bool timed;          /* the file says when, and 64 bits of nanoseconds hold it */
    uint64_t time_ns;    /* since 1970 */
};

/* How an interface's frames are described: an Interface Description Block, or the file header of a
 * pcap file, which has a single interface. */
struct capture_interface {
    uint32_t snaplen;   /* 0: no limit */
    uint8_t resolution; /* if_tsresol: of time stamps */
    uint8_t fcs_bytes;  /* that the frames carry at their end */
    int64_t offset_s;   /* if_tsoffset: to add to time stamps */
};

enum capture_format { CAPTURE_UNKNOWN, CAPTURE_PCAP, CAPTURE_PCAPNG };

/* Zeroed at first. */
struct capture_decoder {
    enum capture_format format;
    bool swapped; /* the file's byte order is not this machine's */
    struct capture_interface *interfaces;
    uint32_t interface_count;
};

enum {
    CAPTURE_MORE,  /* nothing done: it takes at least *bytes_out bytes */
    CAPTURE_PASS,  /* *bytes_out bytes are done with, there was no frame in them */
    CAPTURE_FRAME, /* *bytes_out bytes hold the frame */
};

/* Decodes what stands first in `n` bytes. One of the above, or leat_fail(EINVAL) for what is
 * no capture, ENOTSUP for one of another link type than Ethernet. `frame` points into `bytes`. */
int capture_decode(struct capture_decoder *decoder, const uint8_t *bytes, size_t n,
                   size_t *bytes_out, struct capture_frame *frame);
void capture_decoder_clear(struct capture_decoder *decoder);

/* What the two formats share, and their halves of capture_decode(). */
static inline uint16_t capture_get16(const struct capture_decoder *decoder, const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof(value));
    return decoder->swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t capture_get32(const struct capture_decoder *decoder, const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return decoder->swapped ? __builtin_bswap32(value) : value;
}

/* The bytes that were not captured are the last ones: the check sequence may be gone already. Some
 * programs write a length below what they captured; the bytes are what counts, as for libpcap. */
static inline void capture_trim(struct capture_frame *frame,
                                const struct capture_interface *interface) {
    if (frame->length < frame->captured)
        frame->length = frame->captured;
    uint32_t fcs = interface->fcs_bytes;
    frame->length -= frame->length < fcs ? frame->length : fcs;
    if (frame->captured > frame->length)
        frame->captured = frame->length;
}

int capture_add_interface(struct capture_decoder *decoder, uint32_t link_type,
                          const struct capture_interface *interface);
void capture_set_time(struct capture_frame *frame, const struct capture_interface *interface,
                      uint64_t ticks);
bool capture_is_pcap(struct capture_decoder *decoder, const uint8_t magic[4]);
int capture_decode_pcap(struct capture_decoder *decoder, const uint8_t *bytes, size_t n,
                        size_t *bytes_out, struct capture_frame *frame);
int capture_decode_pcapng(struct capture_decoder *decoder, const uint8_t *bytes, size_t n,
                          size_t *bytes_out, struct capture_frame *frame);

/* A window over a file or pipe that is being read. */
struct capture_reader {
    struct capture_decoder decoder;
    int fd;
    bool regular;      /* a file: always ready, and can be read again */
    bool at_end;       /* the source has no more bytes */
    uint64_t position; /* in the file, of the window's first byte */
    uint8_t *window;
    size_t size, start, end; /* of the window; bytes [start, end) wait to be decoded */
    size_t frame_bytes;      /* of those, the frame that capture_peek() found; 0: none */
    struct capture_frame frame;
    int error; /* why it cannot be read on; 0: it can */
    char sentence[256];
};

/* Opens a file, or standard input for "-", and reads its header. A pipe is waited for. */
int capture_reader_open(struct capture_reader *reader, const char *path);
void capture_reader_close(struct capture_reader *reader);

/* The next frame, the same one until capture_next(): 1 with `*frame` set, valid until then; 0 when
 * a pipe has none yet; -ENODATA at the end; -EIO, -EINVAL or -ENOTSUP for good, as leat_error()
 * explains. Does not wait. */
static inline int capture_peek(struct capture_reader *reader, const struct capture_frame **frame);
static inline void capture_next(struct capture_reader *reader);

/* Starts over with the first frame of a regular file. */
int capture_rewind(struct capture_reader *reader);

/* What capture_peek() does when it has not found the next frame yet. */
int capture_find(struct capture_reader *reader);

static inline int capture_peek(struct capture_reader *reader, const struct capture_frame **frame) {
    *frame = &reader->frame;
    return reader->frame_bytes > 0 ? 1 : capture_find(reader);
}

static inline void capture_next(struct capture_reader *reader) {
    reader->start += reader->frame_bytes;
    reader->frame_bytes = 0;
}

/* The blocks of a pcapng file in this machine's byte order, with one Ethernet interface. */
#define CAPTURE_HEADER_BYTES       60 /* of a file with a section and an interface */
#define CAPTURE_FRAME_HEADER_BYTES 28 /* before a frame's bytes */
#define CAPTURE_TRAILER_MAX        7  /* after them: padding and the block's length */

void capture_put_header(uint8_t header[CAPTURE_HEADER_BYTES], uint32_t snaplen);

/* Returns the bytes of the trailer. */
uint32_t capture_put_frame(uint8_t header[CAPTURE_FRAME_HEADER_BYTES],
                           uint8_t trailer[CAPTURE_TRAILER_MAX], uint32_t captured, uint32_t length,
                           uint64_t time_ns);

#endif
