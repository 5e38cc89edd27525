/* SPDX-License-Identifier: BSD-2-Clause */
/* null: nothing comes out of it, so that only its counters can be compared. */
#include "rig.h"
#include <string.h>

static void set_up(struct rig *rig) {
    strcpy(rig->name, "null:");
}

/* Frames for it have nowhere to go; the cases bring none. */
static void bring(struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    (void)rig, (void)frame, (void)bytes;
}

struct port_kind kind_null = {
    .name = "null",
    .queues = 1,
    .tx = true,
    .live = true,
    .alone = true,
    .jumbo = true,
    .wrong_name = "null:something",
    .set_up = set_up,
    .bring = bring,
};

struct port_kind kind_null_4q = {
    .name = "null-4q",
    .queues = 4,
    .tx = true,
    .live = true,
    .alone = true,
    .jumbo = true,
    .wrong_name = "null:,size=63",
    .set_up = set_up,
    .bring = bring,
};
