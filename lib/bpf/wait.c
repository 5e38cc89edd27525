/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include "lib/core/error.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* After an update of a map of maps the kernel waits for the programs that may have the old inner
 * map (maybe_wait_bpf_programs() in kernel/bpf/syscall.c), and it cannot know which those are. */
int leat_bpf_wait_for_programs(void) {
    const uint32_t zero = 0;
    int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL), outer = -1, err = inner;
    if (inner >= 0) {
        struct bpf_map_create_opts opts = { .sz = sizeof(opts), .inner_map_fd = (uint32_t)inner };
        err = outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL, 4, 4, 1, &opts);
    }
    if (outer >= 0)
        err = bpf_map_update_elem(outer, &zero, &inner, BPF_ANY);
    int cause = errno;
    if (outer >= 0)
        close(outer);
    if (inner >= 0)
        close(inner);
    if (err < 0)
        return leat_fail(cause, "BPF: cannot wait for running programs: %s", strerror(cause));
    return 0;
}
