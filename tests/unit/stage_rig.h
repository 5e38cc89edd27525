/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace with a veth pair, lt-a and lt-b, for the tests of stages on lt-a. */
#ifndef TESTS_UNIT_STAGE_RIG_H
#define TESTS_UNIT_STAGE_RIG_H

#include "lib/bpf/stage.h"
#include <stdbool.h>
#include <stdint.h>

extern uint32_t ifindex; /* of lt-a */

/* Enters a namespace of its own, with a journal of its own. False, with a reason, if it may not. */
bool stage_rig_enter(void);

void stage_rig_add_veth(void); /* with two queues each way */
void stage_rig_delete_veth(void);

/* On lt-a; the test fails when it cannot be opened. */
struct leat_stage *open_stage(enum leat_xdp_mode mode, const char *match);

uint32_t program_on_interface(void); /* its id, 0: none */

#endif
