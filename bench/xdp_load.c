/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load for an interface without a NIC: an XDP program that redirects to it is test-run with live
 * frames (Documentation/bpf/bpf_prog_run.rst), so that the kernel itself makes and sends them, in
 * batches of 64. What they meet on the other end of a veth runs on this program's core.
 */
#include "flow_source.h"
#include "xdp_programs.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define FRAME_MAX 3000 /* one page, less head room and the kernel's trailer */

struct load {
    uint32_t bytes, flows, fresh_shift;
    double seconds;
};

/* An EtherType for experiments (IEEE 802, 9.2.4), which no stack answers; or UDP over IPv4. */
static void make_frame(uint8_t *frame, const struct load *load) {
    static const uint8_t header[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
    memset(frame, 0, FRAME_MAX);
    if (load->flows)
        flow_source_frame(frame, load->bytes);
    else
        memcpy(frame, header, sizeof(header));
}

static void on_alarm(int signal) {
    (void)signal; /* to end the system call is all it is for */
}

/* Sends for so long, in one system call: each begins and ends with some 20 ms of waiting in the
 * kernel. 0, or a negative errno. */
static int send_frames(int program, const struct load *load) {
    uint8_t frame[FRAME_MAX];
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval timer = {
        .it_value = { (time_t)load->seconds,
                      (suseconds_t)((load->seconds - (double)(time_t)load->seconds) * 1e6) },
    };
    struct bpf_test_run_opts run = {
        .sz = sizeof(run),
        .data_in = frame,
        .data_size_in = load->bytes,
        .repeat = INT_MAX,
        .batch_size = 64,
        .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
    };
    make_frame(frame, load);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    int err = bpf_prog_test_run_opts(program, &run);
    return err == -EINTR ? 0 : err;
}

static int usage(FILE *to) {
    fprintf(to, "Usage: xdp_load INTERFACE BYTES SECONDS [FLOWS [FRESH_SHIFT]]\n\n"
                "Sends frames of so many bytes for so long, as fast as this core can. With FLOWS "
                "they are UDP, each of\nany of so many flows, of which one is replaced each "
                "2^FRESH_SHIFT ns.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 6)
        return usage(argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
    struct load load = { (uint32_t)atoi(argv[2]), argc > 4 ? (uint32_t)atoi(argv[4]) : 0,
                         argc > 5 ? (uint32_t)atoi(argv[5]) : 0, atof(argv[3]) };
    if (load.bytes < (load.flows ? 60 : 14) || load.bytes > FRAME_MAX || !(load.seconds > 0) ||
        load.flows > 1 << 24 || load.fresh_shift > 63)
        return usage(stderr);
    uint32_t ifindex = if_nametoindex(argv[1]);
    int program = !ifindex     ? -errno
                  : load.flows ? xdp_program_flows(ifindex, load.flows, load.fresh_shift)
                               : xdp_program_redirect(ifindex);
    int err = program < 0 ? program : send_frames(program, &load);
    if (err < 0)
        fprintf(stderr, "xdp_load: %s: %s\n", argv[1], strerror(-err));
    return err < 0;
}
