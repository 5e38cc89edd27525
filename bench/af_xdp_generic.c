/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's AF_XDP driver cannot be told to attach its program in generic mode. Preloaded, this makes
 * every program be attached so: a stand-in for libbpf's function of that name.
 */
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/if_link.h>

int bpf_xdp_attach(int ifindex, int program, __u32 flags, const struct bpf_xdp_attach_opts *opts) {
    static void *libbpf;
    int (*attach)(int, int, __u32, const struct bpf_xdp_attach_opts *);
    if (!libbpf)
        libbpf = dlopen("libbpf.so.1", RTLD_LAZY); /* a plug-in brought it, out of RTLD_NEXT */
    *(void **)&attach = libbpf ? dlsym(libbpf, "bpf_xdp_attach") : NULL;
    if (!attach)
        return -ENOSYS;
    return attach(ifindex, program, (flags & ~(__u32)XDP_FLAGS_MODES) | XDP_FLAGS_SKB_MODE, opts);
}
