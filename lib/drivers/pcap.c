/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap: capture files as a port.
 *
 *   pcap:in.pcapng              receives what stands in the file
 *   pcap:>out.pcapng            sends into the file
 *   pcap:in.pcapng>out.pcapng   both
 *
 * "-" is standard input or output. One queue, since the order of frames is all that a file has.
 */
#include "pcap.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct pcap_port {
    struct pcap_source *source; /* NULL: sends only */
    struct pcap_sink *sink;     /* NULL: receives only */
    int timer;                  /* fires when the next frame is due */
};

static struct pcap_port *pcap_of(const struct leat_queue *queue) {
    return queue->port->data;
}

static int pcap_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    struct pcap_source *source = pcap_of(queue)->source;
    if (!source)
        return 0;
    return pcap_source_rx(source, (struct leat_queue_head *)queue, pkts,
                          n < LEAT_BATCH_MAX ? n : LEAT_BATCH_MAX);
}

static int pcap_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    struct pcap_sink *sink = pcap_of(queue)->sink;
    if (!sink)
        return leat_fail(EIO, "%s: only receives; pcap:>FILE sends", queue->port->name);
    return pcap_sink_tx(sink, (struct leat_queue_head *)queue, pkts,
                        n < LEAT_BATCH_MAX ? n : LEAT_BATCH_MAX);
}

static int pcap_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                            struct leat_queue **queue) {
    struct leat_queue_head *head = calloc(1, sizeof(*head));
    if (!head)
        return leat_fail(ENOMEM, "%s: no memory for its queue", port->name);
    head->public = (struct leat_queue){ pcap_rx, pcap_tx, port, cache, index };
    *queue = &head->public;
    return 0;
}

static void pcap_close(struct leat_port *port) {
    struct pcap_port *pcap = port->data;
    copying_close_queues(port);
    if (pcap->source)
        pcap_source_close(pcap->source);
    if (pcap->sink)
        pcap_sink_close(pcap->sink);
    if (pcap->timer >= 0)
        close(pcap->timer);
    free(pcap->source);
    free(pcap->sink);
    free(pcap);
}

static void pcap_caps(struct leat_port *port, struct leat_caps *caps) {
    const struct pcap_port *pcap = port->data;
    const struct pcap_source *source = pcap->source;
    snprintf(caps->device, sizeof(caps->device), "%s",
             !source      ? "pcapng file"
             : pcap->sink ? "two captures"
                          : "capture");
    snprintf(caps->mode, sizeof(caps->mode), "%s",
             !source            ? "writes with nanoseconds"
             : source->recorded ? "at recorded speed"
                                : "at full speed");
    caps->rx = source != NULL;
    caps->tx = pcap->sink != NULL;
    caps->wait = caps->rx_lossless = caps->promisc = true;
    caps->queues = caps->queues_max = 1;
    caps->frame_max = copying_frame_max(port->pool);
    caps->segments_max = COPYING_SEGMENTS_MAX;
    caps->rx_flags = LEAT_PKT_META | LEAT_PKT_TIME;
    caps->tx_flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM;
}

/* A pipe wakes by itself; for a file the timer is set when the worker wants to sleep. */
static int pcap_queue_fd(struct leat_queue *queue) {
    const struct pcap_port *pcap = pcap_of(queue);
    bool pipe = pcap->source && !pcap->source->reader.regular;
    return pipe ? pcap->source->reader.fd : pcap->timer;
}

static int pcap_queue_arm(struct leat_queue *queue) {
    const struct pcap_port *pcap = pcap_of(queue);
    int64_t due_ns;
    if (!pcap->source)
        return 0;
    int found = pcap_source_due(pcap->source, &due_ns);
    if (found == 0)
        return 0;
    if (found < 0 || due_ns == 0)
        return 1;
    struct itimerspec due = { .it_value = { due_ns / 1000000000, due_ns % 1000000000 } };
    if (timerfd_settime(pcap->timer, TFD_TIMER_ABSTIME, &due, NULL) < 0)
        return leat_fail(errno, "%s: cannot set a timer: %s", queue->port->name, strerror(errno));
    return 0;
}

static void pcap_queue_disarm(struct leat_queue *queue) {
    timerfd_settime(pcap_of(queue)->timer, 0, &(struct itimerspec){ 0 }, NULL);
}

static const struct leat_port_ops pcap_ops = {
    .queue_start = pcap_queue_start,
    .close = pcap_close,
    .caps = pcap_caps,
    .queue_fd = pcap_queue_fd,
    .queue_arm = pcap_queue_arm,
    .queue_disarm = pcap_queue_disarm,
};

static int open_halves(struct leat_port *port, struct pcap_port *pcap) {
    char *in = port->address, *out = strchr(in, '>');
    if (out)
        *out++ = '\0';
    if ((!*in && !out) || (out && !*out))
        return leat_fail(EINVAL, "%s: names no file; pcap:in.pcapng reads, pcap:>out.pcapng writes",
                         port->name);
    pcap->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (pcap->timer < 0)
        return leat_fail(errno, "%s: cannot make a timer: %s", port->name, strerror(errno));
    if (*in && !(pcap->source = calloc(1, sizeof(*pcap->source))))
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    if (out && !(pcap->sink = calloc(1, sizeof(*pcap->sink))))
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    if (pcap->source)
        pcap->source->reader.fd = -1;
    if (pcap->sink)
        pcap->sink->fd = -1;
    int err = pcap->source ? pcap_source_open(pcap->source, port, in) : 0;
    if (err == 0 && pcap->sink)
        err = pcap_sink_open(pcap->sink, port, out, pcap->source);
    return err;
}

static int pcap_open(struct leat_port *port) {
    struct pcap_port *pcap = calloc(1, sizeof(*pcap));
    if (!pcap)
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    pcap->timer = -1;
    port->data = pcap;
    port->ops = &pcap_ops;
    int err = copying_check_options(port, 1);
    return err < 0 ? err : open_halves(port, pcap);
}

const struct leat_driver leat_pcap_driver = {
    .scheme = "pcap",
    .summary = "capture files, read and written: pcap:IN, pcap:>OUT",
    .open = pcap_open,
};
