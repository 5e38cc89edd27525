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
#include <unistd.h>

#define RUNS        9
#define REPEAT      500000
#define FRAME_BYTES 1514

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

/* The program of that name among the kernel's. */
static int find_program(const char *name) {
    uint32_t id = 0;
    while (bpf_prog_get_next_id(id, &id) == 0) {
        int fd = bpf_prog_get_fd_by_id(id);
        struct bpf_prog_info info = { 0 };
        uint32_t bytes = sizeof(info);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 && !strcmp(info.name, name))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -ENOENT;
}

static int by_value(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static int measure(const char *what, int program, uint8_t *frame, uint32_t bytes) {
    double ns[RUNS];
    for (uint32_t i = 0; i < RUNS; i++) {
        struct bpf_test_run_opts run = {
            .sz = sizeof(run), .data_in = frame, .data_size_in = bytes, .repeat = REPEAT
        };
        if (bpf_prog_test_run_opts(program, &run) < 0) {
            fprintf(stderr, "inline_cost: cannot run the program: %s\n", strerror(errno));
            return 1;
        }
        ns[i] = run.duration;
    }
    qsort(ns, RUNS, sizeof(*ns), by_value);
    printf("%s,%u,%.0f,%.0f,%.0f\n", what, bytes, ns[0], ns[RUNS / 2], ns[RUNS - 1]);
    return 0;
}

static int measure_all(void) {
    uint8_t frame[FRAME_BYTES];
    int status = 0, xdp = find_program("leat_flow_in"), tcx = find_program("leat_flow_out");
    if (xdp < 0 || tcx < 0)
        return fputs("inline_cost: its programs are not there\n", stderr), 1;
    puts("case,frame_bytes,ns_min,ns_median,ns_max");
    make_frame(frame, 60, false, false);
    status |= measure("received ipv4", xdp, frame, 60);
    make_frame(frame, 74, false, true);
    status |= measure("received ipv6", xdp, frame, 74);
    make_frame(frame, 64, true, false);
    status |= measure("received ipv4 vlan", xdp, frame, 64);
    make_frame(frame, 60, false, false);
    status |= measure("sent ipv4", tcx, frame, 60);
    make_frame(frame, 74, false, true);
    status |= measure("sent ipv6", tcx, frame, 74);
    return status;
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1)
        return puts("Usage: inline_cost\n\nCSV to standard output; wants root."), 0;
    if (unshare(CLONE_NEWNET) < 0 ||
        system("ip link add lt-a type veth peer name lt-b && ip link set lt-a up") != 0)
        return fputs("inline_cost: needs root, for a network namespace\n", stderr), 1;
    const struct leat_flow_inline_opts opts = { .ended = take, .seed = 1 };
    struct leat_flow_inline *live;
    if (leat_flow_inline_open(&live, "lt-a", &opts) < 0)
        return fprintf(stderr, "inline_cost: %s\n", leat_error()), 1;
    int status = measure_all();
    leat_flow_inline_close(live);
    return status;
}
