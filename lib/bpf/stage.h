/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of the frames that an interface receives. One root program stands on the interface;
 * it tail-calls the stages in turn, and what no stage wants goes up the kernel's stack:
 *
 *   driver -> root -> stage 0 -> stage 1 -> ... -> XDP_PASS
 *                       |          |
 *                       v          v          a stage: match? -> socket of the frame's queue?
 *                    sockets    sockets
 *
 * The root is attached by a bpf_link, of which every program that has a stage holds a descriptor:
 * the root vanishes with the last of them, however it ends. A second program joins by finding the
 * root and taking a free slot, and takes over the slot of a program that died.
 */
#ifndef LEAT_BPF_STAGE_H
#define LEAT_BPF_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#define LEAT_STAGES_MAX 8 /* of one interface */

enum leat_xdp_mode {
    LEAT_XDP_AUTO,    /* native where the driver has it, else generic */
    LEAT_XDP_NATIVE,  /* in the driver, before the kernel allocates anything */
    LEAT_XDP_GENERIC, /* after it made an skb of the frame */
};

/* What a stage that runs in the driver can find out of a frame (kfuncs, kernel 6.3 on). */
enum leat_xdp_metadata {
    LEAT_XDP_META_TIME = 1 << 0,
    LEAT_XDP_META_HASH = 1 << 1,
    LEAT_XDP_META_VLAN = 1 << 2,
};

/* It puts this directly before the frame's first byte. */
struct leat_xdp_received {
    uint64_t time_ns;
    uint32_t hash;
    uint16_t vlan_tci;
    uint16_t vlan_proto; /* network order, as the driver gives it */
    uint32_t valid;      /* LEAT_XDP_META_* of this frame */
    uint32_t reserved;
};

struct leat_stage_opts {
    enum leat_xdp_mode mode;
    bool dispatcher;   /* instead of behind a root, beside others' programs in libxdp's dispatcher;
                        * refused where that would not hold */
    const char *match; /* frames to take, in tcpdump's language; NULL: all */
    uint32_t metadata; /* LEAT_XDP_META_* wanted: such a program stands alone, none can join it */
    uint32_t queues;   /* of the interface */

    /* Instead of the program that gives frames to sockets: loads one of the caller's for this slot
     * of the root's stages, which goes on by a tail call into those behind it. Returns its
     * descriptor, the stage's from then on, or a negative errno by leat_fail(). */
    int (*load)(void *ctx, int stages, uint32_t slot);
    void *ctx;
};

struct leat_stage;

/* Puts a stage on the interface, without sockets yet: every frame still goes to the kernel. `name`
 * is the port's, for sentences. -EBUSY: a program that is not ours stands there, or all slots are
 * taken; -EPERM names the capability that is missing; -ENOTSUP: not in this mode, or metadata that
 * the driver does not have; -EINVAL: the match expression is wrong. */
int leat_stage_open(struct leat_stage **stage, const char *name, uint32_t ifindex,
                    const struct leat_stage_opts *opts);

/* Gives the frames of a queue to an AF_XDP socket; socket -1: to the kernel again. */
int leat_stage_set_socket(struct leat_stage *stage, uint32_t queue, int socket);

/* What is in force. */
enum leat_xdp_mode leat_stage_mode(const struct leat_stage *stage);
uint32_t leat_stage_metadata(const struct leat_stage *stage);

/* For what errno LEAT_XDP_AUTO came out as generic; 0: because another program was there first. */
int leat_stage_native_error(const struct leat_stage *stage);

/* Takes the stage off, and the root with it if it was the last. NULL is allowed. */
void leat_stage_close(struct leat_stage *stage);

/* Removes what others left on the interface: stages of dead programs; with `force` any XDP program,
 * Leat's or not, whose owner cannot be found. Tells each removal to `told` (may be NULL). Returns
 * how many things it removed or a negative errno. */
int leat_stage_clean(const char *interface, bool force, void (*told)(void *ctx, const char *what),
                     void *ctx);

#endif
