/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include "lib/core/error.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int leat_bpf_wait_open(struct leat_bpf_wait *wait) {
    wait->outer = -1;
    wait->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);
    if (wait->inner >= 0) {
        struct bpf_map_create_opts opts = { .sz = sizeof(opts),
                                            .inner_map_fd = (uint32_t)wait->inner };
        wait->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL, 4, 4, 1, &opts);
    }
    if (wait->outer >= 0)
        return 0;
    int cause = errno;
    leat_bpf_wait_close(wait);
    return leat_fail(cause, "BPF: cannot make the maps to wait for programs with: %s",
                     strerror(cause));
}

void leat_bpf_wait_close(struct leat_bpf_wait *wait) {
    if (wait->outer >= 0)
        close(wait->outer);
    if (wait->inner >= 0)
        close(wait->inner);
    wait->inner = wait->outer = -1;
}

/* After an update of a map of maps the kernel waits for the programs that may have the old inner
 * map (maybe_wait_bpf_programs() in kernel/bpf/syscall.c), and it cannot know which those are. */
int leat_bpf_wait_for_programs(const struct leat_bpf_wait *wait) {
    const uint32_t zero = 0;
    if (bpf_map_update_elem(wait->outer, &zero, &wait->inner, BPF_ANY) == 0)
        return 0;
    return leat_fail(errno, "BPF: cannot wait for running programs: %s", strerror(errno));
}
