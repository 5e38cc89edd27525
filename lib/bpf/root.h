/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root program of an interface: found if another process put it there, else attached. Whoever
 * has it open holds its link and its map of stages; the kernel takes it off the interface, and
 * empties the map, when the last descriptor is closed.
 */
#ifndef LEAT_BPF_ROOT_H
#define LEAT_BPF_ROOT_H

#include "stage.h"

struct leat_root {
    uint32_t ifindex;
    enum leat_xdp_mode mode; /* in force */
    int native_error;        /* why it is generic, an errno; 0: by choice, or another's */
    int link, stages;        /* descriptors; -1: none */
    uint32_t component;      /* instead of a root: a program in libxdp's dispatcher; 0: none */
    int note;                /* in the journal, of the component */
};

/* What stands on an interface. */
struct leat_attached {
    uint32_t program; /* its id; 0: nothing */
    enum leat_xdp_mode mode;
    char name[16]; /* the program's; empty where that takes a capability */
};

int leat_attached_query(struct leat_attached *attached, const char *name, uint32_t ifindex);

/* The link by which a program is on an interface: a descriptor, -ENOENT if it is there without one,
 * -EPERM. */
int leat_attached_link(uint32_t ifindex, uint32_t program);

/* Attaches a program by a link, in the mode asked for; for LEAT_XDP_AUTO in the better one that the
 * driver has. Returns the link and sets `mode` to what is in force, and `native_error` to the errno
 * for which it is not native. */
int leat_attach(const char *name, uint32_t ifindex, int program, enum leat_xdp_mode *mode,
                int *native_error);

/* Serialises what programs do to the roots of this network namespace, across processes. Returns a
 * descriptor that is closed to unlock. */
int leat_root_lock(const char *name);

/* Joins or makes the root, under the lock. */
int leat_root_open(struct leat_root *root, const char *name, uint32_t ifindex,
                   enum leat_xdp_mode mode);

/* Puts a program that stands alone where the root would be. It is native, as what is bound to a
 * device must be. */
int leat_root_open_alone(struct leat_root *root, const char *name, uint32_t ifindex, int program);

/* -EBUSY, with a sentence that names the program that is not Leat's. */
int leat_root_refuse(const char *name, uint32_t ifindex, const struct leat_attached *there);

void leat_root_close(struct leat_root *root);

#endif
