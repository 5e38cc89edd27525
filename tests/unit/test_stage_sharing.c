/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several programs on one interface: who joins whom, what is left when one ends or is killed, and
 * programs that are not Leat's. Where a frame would go is asked of the kernel by test runs of the
 * program that is on the interface.
 */
#include "lib/bpf/assembler.h"
#include "stage_rig.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <leat/error.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state) {
    (void)state;
    stage_rig_add_veth();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    stage_rig_delete_veth();
    return 0;
}

/* What the interface would do with a frame whose 15th byte is `kind`. */
static uint32_t verdict(uint8_t kind) {
    uint8_t frame[60] = { [14] = kind };
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
    int program = bpf_prog_get_fd_by_id(program_on_interface());
    assert_true(program >= 0);
    assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
    close(program);
    return opts.retval;
}

/* The program ids in the slots of the root that is on the interface. */
static void read_slots(uint32_t slots[LEAT_STAGES_MAX]) {
    uint32_t map_id = 0;
    struct bpf_prog_info info = { .nr_map_ids = 1, .map_ids = (uintptr_t)&map_id };
    uint32_t bytes = sizeof(info);
    int program = bpf_prog_get_fd_by_id(program_on_interface());
    assert_true(program >= 0);
    assert_int_equal(bpf_obj_get_info_by_fd(program, &info, &bytes), 0);
    int map = bpf_map_get_fd_by_id(map_id);
    assert_true(map >= 0);
    for (uint32_t i = 0; i < LEAT_STAGES_MAX; i++)
        if (bpf_map_lookup_elem(map, &i, &slots[i]) < 0)
            slots[i] = 0;
    close(map);
    close(program);
}

/* A socket with a receive ring, which is all that a map of sockets asks for; on no queue. */
static int unbound_socket(void) {
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), slots = 64;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_XDP, XDP_RX_RING, &slots, sizeof(slots)), 0);
    return fd;
}

/* Test runs are frames of queue 0. */
static struct leat_stage *open_with_socket(uint8_t kind) {
    char match[32];
    snprintf(match, sizeof(match), "ether[14] = %u", kind);
    struct leat_stage *stage = open_stage(LEAT_XDP_AUTO, match);
    int fd = unbound_socket();
    assert_int_equal(leat_stage_set_socket(stage, 0, fd), 0);
    return stage;
}

/* Another process with a stage for frames of that kind; it is there when this returns. */
static pid_t start(uint8_t kind) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        open_with_socket(kind);
        if (write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    assert_true(pid > 0);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_now(pid_t pid) {
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void another_program_joins_and_is_killed(void **state) {
    (void)state;
    uint32_t before[LEAT_STAGES_MAX], after[LEAT_STAGES_MAX];
    struct leat_stage *stage = open_with_socket(1);
    uint32_t root = program_on_interface();
    pid_t other = start(2);
    assert_int_equal(program_on_interface(), root);
    assert_int_equal(verdict(1), XDP_REDIRECT);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    assert_int_equal(verdict(3), XDP_PASS);

    kill_now(other);
    assert_int_equal(program_on_interface(), root);
    assert_int_equal(verdict(1), XDP_REDIRECT);
    assert_int_equal(verdict(2), XDP_PASS);

    read_slots(before);
    other = start(3); /* takes the dead one's slot over */
    read_slots(after);
    assert_true(before[0] && before[1] && !before[2]);
    assert_int_equal(after[0], before[0]);
    assert_true(after[1] && after[1] != before[1] && !after[2]);
    assert_int_equal(verdict(2), XDP_PASS);
    assert_int_equal(verdict(3), XDP_REDIRECT);

    leat_stage_close(stage);
    assert_int_equal(program_on_interface(), root);
    assert_int_equal(verdict(1), XDP_PASS);
    assert_int_equal(verdict(3), XDP_REDIRECT);
    kill_now(other);
    assert_int_equal(program_on_interface(), 0);
}

static void the_first_program_is_killed(void **state) {
    (void)state;
    uint32_t slots[LEAT_STAGES_MAX];
    pid_t first = start(1);
    uint32_t root = program_on_interface();
    struct leat_stage *stage = open_with_socket(2);
    kill_now(first);
    assert_int_equal(program_on_interface(), root);
    assert_int_equal(verdict(1), XDP_PASS);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    struct leat_stage *third = open_with_socket(3);
    read_slots(slots);
    assert_true(slots[0] && slots[1] && !slots[2]);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    assert_int_equal(verdict(3), XDP_REDIRECT);
    leat_stage_close(stage);
    assert_int_equal(verdict(3), XDP_REDIRECT);
    leat_stage_close(third);
    assert_int_equal(program_on_interface(), 0);
}

/* As while a dying process's link is being taken off: the root is there, its link is not. The
 * longer it stays, the longer the other one waits. */
static void waits_for_a_root_that_is_being_taken_off(void **state) {
    (void)state;
    int status;
    struct leat_stage *stage = open_with_socket(1);
    int root = bpf_prog_get_fd_by_id(program_on_interface());
    leat_stage_close(stage);
    assert_int_equal(bpf_xdp_attach((int)ifindex, root, XDP_FLAGS_DRV_MODE, NULL), 0);
    close(root);
    pid_t remover = fork();
    if (remover == 0) {
        usleep(50000);
        _exit(bpf_xdp_detach((int)ifindex, XDP_FLAGS_DRV_MODE, NULL) == 0 ? 0 : 1);
    }
    stage = open_with_socket(2);
    assert_int_equal(waitpid(remover, &status, 0), remover);
    assert_int_equal(status, 0);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    leat_stage_close(stage);
    assert_int_equal(program_on_interface(), 0);
}

static void a_slot_that_the_kernel_emptied_late_is_taken_again(void **state) {
    (void)state;
    uint32_t slot = 0, map_id = 0, bytes;
    struct bpf_prog_info info = { .nr_map_ids = 1, .map_ids = (uintptr_t)&map_id };
    struct leat_stage *stage = open_with_socket(1);
    int program = bpf_prog_get_fd_by_id(program_on_interface());
    bytes = sizeof(info);
    assert_int_equal(bpf_obj_get_info_by_fd(program, &info, &bytes), 0);
    int map = bpf_map_get_fd_by_id(map_id);
    assert_int_equal(bpf_map_delete_elem(map, &slot), 0);
    assert_int_equal(verdict(1), XDP_PASS);

    int fd = unbound_socket();
    assert_int_equal(leat_stage_set_socket(stage, 0, fd), 0);
    assert_int_equal(verdict(1), XDP_REDIRECT);
    close(fd);
    close(map);
    close(program);
    leat_stage_close(stage);
}

static void many_start_at_once(void **state) {
    (void)state;
    enum { STARTERS = 6 };
    uint32_t slots[LEAT_STAGES_MAX], taken = 0;
    pid_t pids[STARTERS];
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    for (uint8_t i = 0; i < STARTERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            open_with_socket(i);
            if (write(ready[1], "r", 1) == 1)
                pause();
            _exit(1);
        }
    }
    close(ready[1]);
    for (int i = 0; i < STARTERS; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    read_slots(slots);
    for (uint32_t i = 0; i < LEAT_STAGES_MAX; i++)
        taken += slots[i] != 0;
    assert_int_equal(taken, STARTERS);
    for (uint8_t i = 0; i < STARTERS; i++)
        assert_int_equal(verdict(i), XDP_REDIRECT);
    for (int i = 0; i < STARTERS; i++)
        kill_now(pids[i]);
    assert_int_equal(program_on_interface(), 0);
}

static void refuses_a_ninth_program(void **state) {
    (void)state;
    struct leat_stage *stages[LEAT_STAGES_MAX], *ninth;
    struct leat_stage_opts opts = { .queues = 1 };
    for (uint8_t i = 0; i < LEAT_STAGES_MAX; i++)
        stages[i] = open_with_socket(i);
    for (uint8_t i = 0; i < LEAT_STAGES_MAX; i++)
        assert_int_equal(verdict(i), XDP_REDIRECT);
    assert_int_equal(leat_stage_open(&ninth, "xdp:lt-a", ifindex, &opts), -EBUSY);
    assert_string_equal(leat_error(), "xdp:lt-a: the interface has its 8 Leat programs already");
    leat_stage_close(stages[3]);
    assert_int_equal(leat_stage_open(&ninth, "xdp:lt-a", ifindex, &opts), 0);
    stages[3] = ninth;
    for (int i = 0; i < LEAT_STAGES_MAX; i++)
        leat_stage_close(stages[i]);
    assert_int_equal(program_on_interface(), 0);
}

static void joins_in_the_mode_that_is_there(void **state) {
    (void)state;
    struct leat_stage_opts opts = { .mode = LEAT_XDP_NATIVE, .queues = 1 };
    struct leat_stage *generic = open_stage(LEAT_XDP_GENERIC, NULL), *other;
    assert_int_equal(leat_stage_open(&other, "xdp:lt-a", ifindex, &opts), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "runs on the interface in generic mode"));
    other = open_stage(LEAT_XDP_AUTO, NULL);
    assert_int_equal(leat_stage_mode(other), LEAT_XDP_GENERIC);
    leat_stage_close(generic);
    leat_stage_close(other);
}

static int foreign_program(void) {
    struct bpf_insn insns[] = { mov(R0, XDP_PASS), leave() };
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "BSD", insns, 2, NULL);
    assert_true(fd >= 0);
    return fd;
}

static void expect_refused(const char *mode) {
    struct leat_stage_opts opts = { .queues = 1 };
    struct leat_stage *stage;
    char words[96];
    snprintf(words, sizeof(words),
             "XDP program %u (stranger), which is not Leat's, is on the "
             "interface in %s mode",
             program_on_interface(), mode);
    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), -EBUSY);
    if (!strstr(leat_error(), words))
        fail_msg("%s", leat_error());
}

static char told[256];

static void hear(void *ctx, const char *what) {
    assert_ptr_equal(ctx, told);
    snprintf(told, sizeof(told), "%s", what);
}

static void refuses_and_cleans_programs_of_others(void **state) {
    (void)state;
    uint32_t modes[] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
    for (int i = 0; i < 2; i++) {
        const char *mode = i ? "generic" : "native";
        int program = foreign_program();
        assert_int_equal(bpf_xdp_attach((int)ifindex, program, modes[i], NULL), 0);
        close(program);
        expect_refused(mode);
        assert_int_equal(leat_stage_clean("lt-a", false, hear, told), 0);
        expect_refused(mode);
        assert_int_equal(leat_stage_clean("lt-a", true, hear, told), 1);
        assert_non_null(strstr(told, "(stranger) on lt-a"));
        assert_int_equal(program_on_interface(), 0);
    }
    assert_int_equal(leat_stage_clean("lt-a", true, hear, told), 0);
    assert_int_equal(leat_stage_clean("lt-none", true, hear, told), -ENODEV);
}

/* Another process that holds the program by a link. */
static void leaves_what_is_in_use(void **state) {
    (void)state;
    int ready[2];
    char byte, words[64];
    assert_int_equal(pipe(ready), 0);
    pid_t owner = fork();
    if (owner == 0) {
        int program = foreign_program();
        LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
        if (bpf_link_create(program, (int)ifindex, BPF_XDP, &opts) >= 0 &&
            write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    expect_refused("native");
    assert_int_equal(leat_stage_clean("lt-a", true, NULL, NULL), -EBUSY);
    snprintf(words, sizeof(words), "(stranger) is in use by process %d (test_stage_shar)", owner);
    if (!strstr(leat_error(), words))
        fail_msg("%s", leat_error());
    assert_int_not_equal(program_on_interface(), 0);
    kill_now(owner);
    leat_stage_close(open_stage(LEAT_XDP_AUTO, NULL));
}

static void cleans_the_stages_of_the_dead(void **state) {
    (void)state;
    uint32_t slots[LEAT_STAGES_MAX];
    pid_t dead = start(1), alive = start(2);
    kill_now(dead);
    read_slots(slots);
    uint32_t program = slots[0];
    char words[96];
    assert_int_equal(leat_stage_clean("lt-a", false, hear, told), 1);
    snprintf(words, sizeof(words), "XDP program %u of a process that died: stage 0 on lt-a",
             program);
    assert_string_equal(told, words);
    read_slots(slots);
    assert_true(!slots[0] && slots[1]);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    assert_int_equal(leat_stage_clean("lt-a", true, hear, told), -EBUSY);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    kill_now(alive);
    assert_int_equal(leat_stage_clean("lt-a", true, hear, told), 0);
}

static struct leat_stage_opts in_dispatcher(const char *match) {
    return (struct leat_stage_opts){ .match = match, .dispatcher = true, .queues = 1 };
}

/* Opens a stage in the dispatcher and dies. */
static void die_in_a_dispatcher(void) {
    pid_t pid = fork();
    int status;
    if (pid == 0) {
        struct leat_stage_opts opts = in_dispatcher("ether[14] = 3");
        struct leat_stage *stage;
        if (leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

/* Beside other programs where the kernel lets libxdp do that, else refused. */
static void lives_in_a_dispatcher(void **state) {
    (void)state;
    struct leat_stage_opts opts = in_dispatcher("ether[14] = 1");
    struct leat_stage *stage, *second;
    int err = leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts);
    if (err == -ENOTSUP) {
        assert_non_null(strstr(leat_error(), "xdp:lt-a: attach=dispatcher: this "));
        assert_int_equal(program_on_interface(), 0);
        print_message("%s\n", leat_error());
        return;
    }
    if (err < 0)
        fail_msg("%s", leat_error());
    int fd = unbound_socket();
    assert_int_equal(leat_stage_set_socket(stage, 0, fd), 0);
    assert_int_equal(verdict(1), XDP_REDIRECT);
    assert_int_equal(verdict(2), XDP_PASS);
    opts.match = "ether[14] = 2";
    assert_int_equal(leat_stage_open(&second, "xdp:lt-a", ifindex, &opts), 0);
    assert_int_equal(leat_stage_set_socket(second, 0, fd), 0);
    assert_int_equal(verdict(1), XDP_REDIRECT);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    leat_stage_close(stage);
    assert_int_equal(verdict(1), XDP_PASS);
    assert_int_equal(verdict(2), XDP_REDIRECT);
    leat_stage_close(second);
    assert_int_equal(program_on_interface(), 0);
    close(fd);

    die_in_a_dispatcher(); /* what it left is taken out by the next one */
    assert_int_not_equal(program_on_interface(), 0);
    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), 0);
    leat_stage_close(stage);
    assert_int_equal(program_on_interface(), 0);
    die_in_a_dispatcher();
    leat_stage_clean("lt-a", false, NULL, NULL);
    assert_int_equal(program_on_interface(), 0);

    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), 0);
    assert_int_equal(leat_stage_clean("lt-a", true, NULL, NULL), 1);
    assert_int_equal(program_on_interface(), 0);
    leat_stage_close(stage);
    assert_int_equal(system("test -z \"$(ls /sys/fs/bpf/xdp)\""), 0);
}

/* In a process that has only these capabilities. */
static int open_with(uint64_t capabilities, const char *words) {
    pid_t pid = fork();
    if (pid == 0) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { 0 };
        struct leat_stage_opts opts = { .queues = 1 };
        struct leat_stage *stage;
        for (int i = 0; i < 2; i++)
            data[i].effective = data[i].permitted = (uint32_t)(capabilities >> 32 * i);
        if (syscall(SYS_capset, &header, data) < 0)
            _exit(2);
        int err = leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts);
        if (words && !strstr(leat_error(), words))
            printf("%s\n", leat_error());
        fflush(stdout);
        _exit(words ? err != -EPERM || !strstr(leat_error(), words) : err != 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#define CAPABILITY(name) (1ULL << CAP_##name)

static void names_the_missing_capability(void **state) {
    (void)state;
    uint64_t bpf = CAPABILITY(BPF), net = CAPABILITY(NET_ADMIN), raw = CAPABILITY(NET_RAW);
    assert_int_equal(open_with(raw, "it takes CAP_NET_ADMIN, CAP_BPF"), 0);
    assert_int_equal(open_with(net | raw, "it takes CAP_BPF"), 0);
    assert_int_equal(open_with(bpf | raw, "it takes CAP_NET_ADMIN"), 0);
    assert_int_equal(open_with(bpf | net | raw, NULL), 0);
    struct leat_stage *stage = open_stage(LEAT_XDP_AUTO, NULL);
    assert_int_equal(open_with(bpf | net | raw, "it takes CAP_SYS_ADMIN"), 0);
    leat_stage_close(stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_program_joins_and_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_program_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_a_root_that_is_being_taken_off, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_slot_that_the_kernel_emptied_late_is_taken_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_start_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_ninth_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joins_in_the_mode_that_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_and_cleans_programs_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_what_is_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cleans_the_stages_of_the_dead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lives_in_a_dispatcher, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_the_missing_capability, set_up, tear_down),
    };
    if (!stage_rig_enter())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
