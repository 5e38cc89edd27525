/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcap: port's two halves: a source that paces a capture, a sink that writes one. */
#ifndef LEAT_DRIVERS_PCAP_H
#define LEAT_DRIVERS_PCAP_H

#include "capture.h"
#include "copying.h"

struct pcap_source {
    struct capture_reader reader;
    bool recorded;         /* speed=recorded */
    bool keep_truncated;   /* truncated=keep */
    uint32_t passes;       /* loop=; 0: without end */
    uint32_t passes_done;  /* and of the pass under way: */
    bool pass_began;       /* it had a frame with a time */
    uint64_t pass_frames;  /* that it gave */
    uint64_t pass_time_ns; /* its first frame's time in the file ... */
    int64_t pass_due_ns;   /* ... and when that was due, in CLOCK_MONOTONIC */
    int64_t due_ns;        /* of the frame last looked at */
};

int pcap_source_open(struct pcap_source *source, struct leat_port *port, const char *path);
void pcap_source_close(struct pcap_source *source);
int pcap_source_rx(struct pcap_source *source, struct leat_queue_head *head, struct leat_pkt *pkts,
                   uint32_t n);

/* When the next frame is due: 1 and CLOCK_MONOTONIC in `*due_ns`, 0 when a pipe has none yet, or
 * the end or an error. */
int pcap_source_due(struct pcap_source *source, int64_t *due_ns);

struct pcap_sink {
    int fd;       /* -1: none */
    bool regular; /* a file that this port has made its own */
    uint32_t snaplen;
    uint64_t position; /* bytes written, all of them whole blocks */
    int error;         /* why nothing can be written any more */
};

int pcap_sink_open(struct pcap_sink *sink, struct leat_port *port, const char *path,
                   const struct pcap_source *source);
void pcap_sink_close(struct pcap_sink *sink);
int pcap_sink_tx(struct pcap_sink *sink, struct leat_queue_head *head, struct leat_pkt *pkts,
                 uint32_t n);

#endif
