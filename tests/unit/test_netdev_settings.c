/* SPDX-License-Identifier: BSD-2-Clause */
/* Each setting of an interface changes, and is put back by who changed it and, after a kill, by the
 * next one. On a veth pair in a namespace of this test's own, which /sys does not show. Needs root.
 */
#include "journals.h"
#include "lib/bus/netdev.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/error.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "interfaces.h"

static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 0x0b };
static const uint8_t groups[3][6] = { { 0x33, 0x33, 0, 0, 1, 1 },
                                      { 0x33, 0x33, 0, 0, 1, 2 },
                                      { 0x33, 0x33, 0, 0, 1, 3 } };
static char state_before[1024];

/* What a command prints. */
static void ask(const char *command, char *text, size_t bytes) {
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    text[fread(text, 1, bytes - 1, pipe)] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

/* Everything that a test changes, as the machine's own tools tell it. */
static void ask_state(char *text) {
    ask("unshare -m sh -c 'mount -t sysfs sysfs /sys && cd /sys/class/net/lt-a && "
        "cat mtu address napi_defer_hard_irqs gro_flush_timeout && ls queues' && "
        "ip -d -o link show lt-a | grep -o 'promiscuity [0-9]*' && "
        "{ ip -o maddress show dev lt-a | grep -c 33:33:00:00:01:0 || true; }",
        text, sizeof(state_before));
}

static void expect_state_before(void) {
    char text[sizeof(state_before)];
    ask_state(text);
    assert_string_equal(text, state_before);
}

static int set_up(void **state) {
    (void)state;
    run("ip link add lt-a address 02:00:00:00:00:0a mtu 1400 numrxqueues 3 numtxqueues 3 type veth "
        "peer name lt-b && ip link set lt-b up && ip link set lt-a up");
    ask_state(state_before);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(journals(NULL), 0);
    return system("ip link delete lt-a");
}

/* All of them. Returns a text that says which one failed. */
static const char *change_all(struct leat_netdev *dev) {
    return leat_netdev_set_mtu(dev, 1300) < 0          ? "MTU"
           : leat_netdev_set_mac(dev, other_mac) < 0   ? "MAC"
           : leat_netdev_set_queues(dev, 2) < 0        ? "queues"
           : leat_netdev_set_promisc(dev, true) < 0    ? "promiscuous"
           : leat_netdev_set_multicast(dev, groups, 2) ? "multicast"
           : leat_netdev_defer_interrupts(dev) < 0     ? "interrupts"
                                                       : NULL;
}

static void expect_all_changed(void) {
    char text[1024];
    ask_state(text);
    assert_non_null(strstr(text, "1300\n02:00:00:00:00:0b\n2\n200000\nrx-0\nrx-1\ntx-0\ntx-1\n"
                                 "promiscuity 1\n"));
    run("test $(ip -o maddress show dev lt-a | grep -c 33:33:00:00:01:0) -eq 2");
}

static void changes_and_restores(void **state) {
    (void)state;
    struct leat_netdev dev = look("lt-a");
    const char *failed = change_all(&dev);
    if (failed)
        fail_msg("%s: %s", failed, leat_error());
    expect_all_changed();
    assert_int_equal(dev.mtu, 1300);
    assert_memory_equal(dev.mac, other_mac, 6);
    assert_int_equal(dev.rx_queues, 2);
    assert_int_equal(dev.tx_queues, 2);
    assert_true(dev.promisc);
    assert_int_equal(journals(NULL), 1);
    leat_netdev_restore(&dev);
    assert_null(dev.changes);
    expect_state_before();
    leat_netdev_restore(&dev);
}

static void changes_one_twice(void **state) {
    (void)state;
    struct leat_netdev dev = look("lt-a");
    assert_int_equal(leat_netdev_set_mtu(&dev, 1300), 0);
    assert_int_equal(leat_netdev_set_mtu(&dev, 1300), 0);
    assert_int_equal(leat_netdev_set_mtu(&dev, 1200), 0);
    assert_int_equal(leat_netdev_set_queues(&dev, 2), 0);
    assert_int_equal(leat_netdev_set_queues(&dev, 1), 0);
    assert_int_equal(leat_netdev_set_promisc(&dev, true), 0);
    assert_int_equal(leat_netdev_set_promisc(&dev, false), 0);
    assert_false(dev.promisc);
    assert_int_equal(leat_netdev_set_multicast(&dev, groups, 3), 0);
    assert_int_equal(leat_netdev_set_multicast(&dev, groups + 2, 1), 0);
    run("ip maddress show dev lt-a | grep -q 33:33:00:00:01:03 && "
        "! ip maddress show dev lt-a | grep -q 33:33:00:00:01:01");
    assert_int_equal(leat_netdev_defer_interrupts(&dev), 0);
    assert_int_equal(leat_netdev_defer_interrupts(&dev), 0);
    leat_netdev_restore(&dev);
    expect_state_before();
}

/* Runs in a process that is killed when it has told that it is done. */
static void kill_after(const char *(*life)(struct leat_netdev *dev)) {
    int done[2];
    char byte = 0;
    assert_int_equal(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct leat_netdev dev;
        const char *failed = leat_netdev_open(&dev, "lt-a") < 0 ? "open" : life(&dev);
        if (failed)
            fprintf(stderr, "%s: %s\n", failed, leat_error());
        if (write(done[1], failed ? "n" : "y", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(done[0], &byte, 1), 1);
    close(done[0]);
    close(done[1]);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(byte, 'y');
}

static void the_next_one_undoes_what_a_killed_one_left(void **state) {
    (void)state;
    char text[1024];
    kill_after(change_all);
    ask_state(text);
    assert_string_not_equal(text, state_before);
    assert_non_null(strstr(text, "promiscuity 0")); /* ended with its process */
    leat_netdev_replay();
    expect_state_before();
}

static void leaves_alone_what_others_set_meanwhile(void **state) {
    (void)state;
    char text[1024];
    kill_after(change_all);
    run("ip link set lt-a mtu 1250 address 02:00:00:00:00:0c && ethtool -L lt-a rx 1 tx 1 && "
        "unshare -m sh -c 'mount -t sysfs sysfs /sys && cd /sys/class/net/lt-a && "
        "echo 5 >napi_defer_hard_irqs && echo 7 >gro_flush_timeout'");
    leat_netdev_replay();
    ask_state(text);
    assert_non_null(strstr(text, "1250\n02:00:00:00:00:0c\n5\n7\nrx-0\ntx-0\n"));
}

static void forgets_an_interface_that_is_gone(void **state) {
    (void)state;
    struct leat_netdev dev = look("lt-a");
    kill_after(change_all);
    assert_int_equal(leat_netdev_set_mtu(&dev, 1200), 0);
    run("ip link delete lt-a");
    leat_netdev_restore(&dev);
    leat_netdev_replay();
    assert_int_equal(journals(NULL), 0);
    run("ip link add lt-a type veth peer name lt-b");
}

static void goes_on_without_a_journal(void **state) {
    (void)state;
    setenv("LEAT_RUN_DIR", "/proc/leat", 1);
    struct leat_netdev dev = look("lt-a");
    assert_int_equal(leat_netdev_set_mtu(&dev, 1300), 0);
    leat_netdev_restore(&dev);
    setenv("LEAT_RUN_DIR", journal_directory, 1);
    expect_state_before();
}

static void says_what_cannot_be(void **state) {
    (void)state;
    static const uint8_t group[6] = { 1 };
    struct leat_netdev dev = look("lt-a");
    assert_int_equal(leat_netdev_set_mtu(&dev, 10), -EINVAL);
    assert_non_null(strstr(leat_error(), "lt-a: cannot set its MTU to 10"));
    assert_non_null(strstr(leat_error(), "mtu less than device minimum")); /* the kernel's words */
    assert_int_equal(leat_netdev_set_mac(&dev, group), -EADDRNOTAVAIL);
    assert_int_equal(leat_netdev_set_queues(&dev, 4), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "1 to 3"));
    assert_int_equal(leat_netdev_set_queues(&dev, 0), -ENOTSUP);
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "veth"));
    assert_int_equal(journals(NULL), 0);
    expect_state_before();
    run("ip link delete lt-a");
    assert_int_equal(leat_netdev_set_mtu(&dev, 1300), -ENODEV);
    assert_non_null(strstr(leat_error(), "lt-a"));
    leat_netdev_restore(&dev);
    run("ip link add lt-a type veth peer name lt-b");
}

/* In a process that may not mount. Returns the exit status of `life`. */
static int without_mounting(int (*life)(void)) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            (life && life() != 0))
            _exit(2);
        syscall(SYS_capget, &header, data);
        data[0].effective &= ~(1u << CAP_SYS_ADMIN);
        data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
        syscall(SYS_capset, &header, data);
        struct leat_netdev dev;
        int err = leat_netdev_open(&dev, "lt-a") < 0 ? 0 : leat_netdev_defer_interrupts(&dev);
        if (err && !strstr(leat_error(), "CAP_SYS_ADMIN"))
            _exit(3);
        leat_netdev_restore(&dev);
        _exit(err ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int mount_sys(void) {
    return mount("sysfs", "/sys", "sysfs", 0, NULL);
}

/* That of a namespace which has an interface of the same name. */
static int mount_foreign_sys(void) {
    int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return here < 0 || unshare(CLONE_NEWNET) < 0 || system("ip link add lt-a type veth") != 0 ||
           mount_sys() < 0 || setns(here, CLONE_NEWNET) < 0;
}

static void takes_no_other_namespace_s_sysfs(void **state) {
    (void)state;
    assert_int_equal(without_mounting(NULL), 1);
    assert_int_equal(without_mounting(mount_foreign_sys), 1);
    expect_state_before();
    assert_int_equal(without_mounting(mount_sys), 0);
    expect_state_before();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_and_restores, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_one_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_one_undoes_what_a_killed_one_left, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(leaves_alone_what_others_set_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_an_interface_that_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_without_a_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_cannot_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_no_other_namespace_s_sysfs, set_up, tear_down),
    };
    if (unshare(CLONE_NEWNET) < 0) {
        puts("it takes root to make a network namespace");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_journal_directory, remove_journal_directory);
}
