/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minimal XDP program for tests of AF_XDP sockets, by plain system calls: it gives each frame to
 * the socket of its queue, or to the kernel where there is none.
 */
#ifndef XDP_PROGRAM_H
#define XDP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

struct xdp_program {
    int map, program, link;
};

struct xdp_program_opts {
    uint32_t ifindex;
    bool generic;
    bool segments;        /* frames of several buffers */
    const void *metadata; /* 24 bytes that it puts before each frame, or NULL */
};

/* -1 with errno: this kernel or interface does not take it. */
int xdp_program_attach(struct xdp_program *program, const struct xdp_program_opts *opts);
int xdp_program_set_socket(struct xdp_program *program, uint32_t queue, int socket);
void xdp_program_detach(struct xdp_program *program);

#endif
