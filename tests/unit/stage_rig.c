/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage_rig.h"
#include "journals.h"
#include <bpf/libbpf.h>
#include <leat/error.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interfaces.h"

uint32_t ifindex;

static void remove_journals(void) {
    remove_journal_directory(NULL);
}

bool stage_rig_enter(void) {
    if (unshare(CLONE_NEWNET) < 0 ||
        system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6") != 0) {
        puts("it takes root to make a namespace");
        return false;
    }
    atexit(remove_journals);
    return make_journal_directory(NULL) == 0;
}

void stage_rig_add_veth(void) {
    run("ip link add lt-a numrxqueues 2 type veth peer name lt-b numtxqueues 2 && "
        "ip link set lt-a up && ip link set lt-b up");
    ifindex = if_nametoindex("lt-a");
}

void stage_rig_delete_veth(void) {
    run("ip link delete lt-a");
}

struct leat_stage *open_stage(enum leat_xdp_mode mode, const char *match) {
    struct leat_stage_opts opts = { .mode = mode, .match = match, .queues = 2 };
    struct leat_stage *stage = NULL;
    if (leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts) < 0)
        fail_msg("%s", leat_error());
    return stage;
}

uint32_t program_on_interface(void) {
    uint32_t id = 0;
    assert_int_equal(bpf_xdp_query_id((int)ifindex, 0, &id), 0);
    return id;
}
