/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bound of the AF_XDP benchmark: drops what an interface receives, or returns it with swapped
 * MAC addresses, without leaving the kernel. Until its standard input ends.
 */
#include "xdp_programs.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc != 4 || (strcmp(argv[2], "drop") && strcmp(argv[2], "return")) ||
        (strcmp(argv[3], "native") && strcmp(argv[3], "generic"))) {
        fprintf(stderr, "Usage: xdp_kernel INTERFACE drop|return native|generic\n");
        return 2;
    }
    int program = strcmp(argv[2], "drop") ? xdp_program_return() : xdp_program_drop();
    struct bpf_link_create_opts opts = {
        .sz = sizeof(opts),
        .flags = strcmp(argv[3], "native") ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE,
    };
    int link = program;
    if (link >= 0)
        link = bpf_link_create(program, (int)if_nametoindex(argv[1]), BPF_XDP, &opts);
    if (link < 0) {
        fprintf(stderr, "xdp_kernel: %s: %s\n", argv[1], strerror(-link));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
