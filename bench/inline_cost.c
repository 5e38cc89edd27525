/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `leat probe --inline` costs a frame: the programs that it puts on an interface, test-run by
 * the kernel (BPF_PROG_RUN) on one frame again and again, on a veth of this program's own
 * namespace. The frame's flow is in the cache then: this is the work, without the memory's share.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <lib/flow/inline.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define RUNS                9
#define REPEAT              500000
#define FRAME_BYTES         1514
#define RING_BYTES          (64u << 20)
#define DESCRIPTORS_MAX     1024
#define DISTURBANCE_PERCENT 10
#define COPIES              40000 /* of the longest frame, that it holds */

static bool take(void *ctx, const struct leat_flow *flow) {
    (void)ctx, (void)flow;
    return true;
}

/* A TCP segment from 192.0.2.2 to 192.0.2.1, behind a tag if `vlan`, or of IPv6. */
static void make_frame(uint8_t *frame, uint32_t bytes, bool vlan, bool ip6) {
    memset(frame, 0, bytes);
    memcpy(frame, (uint8_t[12]){ 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 }, 12);
    uint8_t *ip = frame + 14;
    if (vlan) {
        leat_put_be16(frame + 12, LEAT_ETHER_VLAN);
        leat_put_be16(frame + 14, 100);
        ip += 4;
    }
    uint32_t rest = bytes - (uint32_t)(ip - frame);
    leat_put_be16(ip - 2, ip6 ? LEAT_ETHER_IP6 : LEAT_ETHER_IP4);
    uint8_t *tcp = ip + (ip6 ? 40 : 20);
    if (ip6) {
        ip[0] = 0x60;
        leat_put_be16(ip + 4, rest - 40);
        ip[6] = LEAT_PROTO_TCP;
        ip[7] = 64;
        ip[23] = 2;
        ip[39] = 1;
    } else {
        ip[0] = 0x45;
        leat_put_be16(ip + 2, rest);
        ip[8] = 64;
        ip[9] = LEAT_PROTO_TCP;
        leat_put_be32(ip + 12, 0xc0000202);
        leat_put_be32(ip + 16, 0xc0000201);
    }
    leat_put_be16(tcp, 40000);
    leat_put_be16(tcp + 2, 443);
    tcp[12] = 5 << 4;
    tcp[13] = 0x10;
}

/* Of this process's own, whoever else meters inline meanwhile. Returns a descriptor that stays
 * with its owner. */
static int find_program(const char *name) {
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        struct bpf_prog_info info = { 0 };
        uint32_t bytes = sizeof(info);
        if (bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 && strcmp((char *)info.name, name) == 0)
            return fd;
    }
    return -ENOENT;
}

struct work {
    double elapsed, all, own; /* seconds: of the clock, and of all cores' work */
};

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* proc(5): user, nice, system, idle, iowait, irq, softirq, steal, in ticks. */
static struct work work_now(void) {
    unsigned long long ticks[8] = { 0 };
    struct timespec now;
    struct rusage own;
    FILE *file = fopen("/proc/stat", "re");
    if (file) {
        if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1],
                   &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != 8)
            memset(ticks, 0, sizeof(ticks));
        fclose(file);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    getrusage(RUSAGE_SELF, &own);
    unsigned long long busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
    return (struct work){
        .elapsed = (double)now.tv_sec + (double)now.tv_nsec / 1e9,
        .all = (double)busy / (double)sysconf(_SC_CLK_TCK),
        .own = seconds_of(own.ru_utime) + seconds_of(own.ru_stime),
    };
}

/* What else ran meanwhile shares caches and cores, and makes all figures too high. */
static int tell_disturbance(const struct work *before) {
    struct work after = work_now();
    double others = (after.all - before->all) - (after.own - before->own);
    double share = 100 * others / (after.elapsed - before->elapsed);
    if (share <= DISTURBANCE_PERCENT)
        return 0;
    fprintf(stderr,
            "inline_cost: disturbed: other work took %.0f %% of a core meanwhile, so these figures "
            "are too high; run it again when it has ended\n",
            share);
    return 1;
}

static int by_value(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* With copies the ring is emptied after each run, outside of the time. */
static int measure(struct leat_flow_inline *live, const char *what, int program, uint8_t *frame,
                   uint32_t bytes, uint32_t repeat) {
    double ns[RUNS];
    for (uint32_t i = 0; i < RUNS; i++) {
        struct bpf_test_run_opts run = {
            .sz = sizeof(run), .data_in = frame, .data_size_in = bytes, .repeat = (int)repeat
        };
        if (bpf_prog_test_run_opts(program, &run) < 0) {
            fprintf(stderr, "inline_cost: cannot run the program: %s\n", strerror(errno));
            return 1;
        }
        ns[i] = run.duration;
        if (leat_flow_inline_look(live) < 0)
            return fprintf(stderr, "inline_cost: %s\n", leat_error()), 1;
    }
    qsort(ns, RUNS, sizeof(*ns), by_value);
    printf("%s,%u,%.0f,%.0f,%.0f\n", what, bytes, ns[0], ns[RUNS / 2], ns[RUNS - 1]);
    return 0;
}

static int measure_counting(struct leat_flow_inline *live, int xdp, int tcx) {
    uint8_t frame[FRAME_BYTES];
    int status = 0;
    make_frame(frame, 60, false, false);
    status |= measure(live, "received ipv4", xdp, frame, 60, REPEAT);
    status |= measure(live, "sent ipv4", tcx, frame, 60, REPEAT);
    make_frame(frame, 74, false, true);
    status |= measure(live, "received ipv6", xdp, frame, 74, REPEAT);
    status |= measure(live, "sent ipv6", tcx, frame, 74, REPEAT);
    make_frame(frame, 64, true, false);
    return status | measure(live, "received ipv4 vlan", xdp, frame, 64, REPEAT);
}

static int measure_copying(struct leat_flow_inline *live, int xdp, int tcx) {
    uint8_t frame[FRAME_BYTES];
    int status = 0;
    make_frame(frame, 60, false, false);
    status |= measure(live, "received and copied", xdp, frame, 60, COPIES);
    status |= measure(live, "sent and copied", tcx, frame, 60, COPIES);
    make_frame(frame, FRAME_BYTES, false, false);
    status |= measure(live, "received and copied", xdp, frame, FRAME_BYTES, COPIES);
    status |= measure(live, "sent and copied", tcx, frame, FRAME_BYTES, COPIES);
    struct leat_flow_meter_stats stats;
    leat_flow_inline_stats(live, &stats);
    if (stats.uncopied)
        return fputs("inline_cost: not all frames were copied\n", stderr), 1;
    return status;
}

/* Through the filter in front, and the program behind it. */
static int measure_filtering(struct leat_flow_inline *live, int xdp, int tcx) {
    (void)xdp, (void)tcx;
    uint8_t frame[FRAME_BYTES];
    int filter = find_program("leat_filter"), status = 0;
    make_frame(frame, 60, false, false);
    status |= measure(live, "received and matched", filter, frame, 60, REPEAT);
    leat_put_be16(frame + 14 + 20 + 2, 444);
    return status | measure(live, "received and filtered", filter, frame, 60, REPEAT);
}

static int measure_with(struct leat_flow_inline_opts opts,
                        int (*all)(struct leat_flow_inline *live, int xdp, int tcx)) {
    struct leat_flow_inline *live;
    opts.ended = take;
    opts.seed = 1;
    if (leat_flow_inline_open(&live, "lt-a", &opts) < 0)
        return fprintf(stderr, "inline_cost: %s\n", leat_error()), 1;
    int xdp = find_program("leat_flow_in"), tcx = find_program("leat_flow_out"), status = 1;
    if (xdp >= 0 && tcx >= 0)
        status = all(live, xdp, tcx);
    else
        fputs("inline_cost: its programs are not there\n", stderr);
    leat_flow_inline_close(live);
    return status;
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1)
        return puts("Usage: inline_cost\n\nCSV to standard output; wants root. Ends with 1 if "
                    "other work disturbed it."),
               0;
    if (unshare(CLONE_NEWNET) < 0 ||
        system("ip link add lt-a type veth peer name lt-b && ip link set lt-a up") != 0)
        return fputs("inline_cost: needs root, for a network namespace\n", stderr), 1;
    struct work before = work_now();
    puts("case,frame_bytes,ns_min,ns_median,ns_max");
    int status = measure_with((struct leat_flow_inline_opts){ 0 }, measure_counting);
    status |= measure_with((struct leat_flow_inline_opts){ .copy_packets = UINT32_MAX,
                                                           .features = LEAT_FLOW_PACKETS,
                                                           .ring_bytes = RING_BYTES },
                           measure_copying);
    status |=
        measure_with((struct leat_flow_inline_opts){ .filter = "tcp port 443" }, measure_filtering);
    return status | tell_disturbance(&before);
}
