/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a capture costs to be read alone, by libpcap's loop or by a pcap: port: the source's share
 * of what a probe takes. The first byte of each packet is read. Prints packets and the seconds of
 * CPU and of wall clock that they took.
 */
#include <errno.h>
#include <leat/error.h>
#include <leat/port.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCH 64

static unsigned long packets, sum;

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void take(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
    (void)user;
    packets++;
    sum += header->caplen ? bytes[0] : 0;
}

static int read_with_libpcap(const char *path) {
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!pcap) {
        fprintf(stderr, "capture_loop: %s\n", error);
        return -1;
    }
    int err = pcap_loop(pcap, -1, take, NULL);
    pcap_close(pcap);
    return err;
}

static int read_all(struct leat_queue *queue) {
    struct leat_pkt pkts[BATCH];
    int n;
    while ((n = leat_rx(queue, pkts, BATCH)) >= 0) {
        for (int i = 0; i < n; i++)
            sum += pkts[i].data[0];
        packets += (unsigned)n;
        leat_free(queue->cache, pkts, (uint32_t)n);
    }
    return n == -ENODATA ? 0 : n;
}

static int read_with_port(const char *path) {
    char name[4096];
    struct leat_pool *pool = NULL;
    struct leat_cache *cache = NULL;
    struct leat_port *port = NULL;
    struct leat_queue *queue;
    snprintf(name, sizeof(name), "pcap:%s", path);
    int err = leat_pool_create(&pool, NULL);
    if (!err)
        err = leat_cache_open(&cache, pool);
    if (!err)
        err = leat_port_open(&port, name, pool, NULL);
    if (!err)
        err = leat_port_queue(port, 0, cache, &queue);
    if (!err)
        err = read_all(queue);
    if (err < 0)
        fprintf(stderr, "capture_loop: %s\n", leat_error());
    leat_port_close(port, NULL);
    leat_cache_close(cache);
    if (pool)
        leat_pool_destroy(pool);
    return err;
}

int main(int argc, char **argv) {
    bool port = argc == 3 && !strcmp(argv[1], "port");
    if (argc != 3 || (!port && strcmp(argv[1], "libpcap") != 0)) {
        fprintf(stderr, "Usage: capture_loop libpcap|port FILE\n");
        return 2;
    }
    double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID), wall_s = seconds(CLOCK_MONOTONIC);
    if ((port ? read_with_port(argv[2]) : read_with_libpcap(argv[2])) < 0)
        return 1;
    printf("packets %lu cpu %.6f wall %.6f sum %lu\n", packets,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s, seconds(CLOCK_MONOTONIC) - wall_s, sum);
    return 0;
}
