/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool: order, what a kill or a cut at any byte leaves, bounds, a full disk, one holder. */
#include "lib/flow/message.h"
#include "lib/flow/spool.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/error.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/lt-spool.XXXXXX";
static char path[64];

static void clear(void) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", path);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state) {
    (void)state;
    snprintf(path, sizeof(path), "%s/s", directory);
    clear();
    return 0;
}

/* A message that says which it is: its length depends on the number too. */
static uint32_t make(uint8_t *message, uint32_t number) {
    const uint32_t n = LEAT_MESSAGE_HEADER + 8 + number % 50;
    const uint32_t be = htobe32(number);
    memset(message, (int)(number & 0xff), n);
    memset(message, 0, LEAT_MESSAGE_HEADER);
    message[1] = 10;
    message[3] = (uint8_t)n;
    memcpy(message + LEAT_MESSAGE_HEADER, &be, sizeof(be));
    return n;
}

static int append(struct leat_spool *spool, uint32_t number) {
    uint8_t message[256];
    const uint32_t n = make(message, number);
    const struct leat_tally flows = { number, 2 * number, UINT64_C(100) << 32 | number };
    return leat_spool_append(spool, message, n, number + 1, &flows);
}

static void expect(struct leat_spool *spool, uint32_t number) {
    static uint8_t got[LEAT_MESSAGE_MAX];
    uint8_t message[256];
    struct leat_spool_note note;
    const uint32_t n = make(message, number);
    assert_int_equal(leat_spool_read(spool, got, &note), n);
    assert_memory_equal(got, message, n);
    assert_false(note.templates);
    assert_int_equal(note.records, number + 1);
    assert_int_equal(note.flows.records, number);
    assert_int_equal(note.flows.packets, 2 * number);
    assert_int_equal(note.flows.octets, UINT64_C(100) << 32 | number);
}

#define TEMPLATES 1000000 /* number of the message that stands for templates */

static void expect_templates(struct leat_spool *spool) {
    static uint8_t got[LEAT_MESSAGE_MAX];
    uint8_t message[256];
    struct leat_spool_note note;
    const uint32_t n = make(message, TEMPLATES);
    assert_int_equal(leat_spool_read(spool, got, &note), n);
    assert_memory_equal(got, message, n);
    assert_true(note.templates);
    assert_int_equal(note.records, 0);
}

static void expect_end(struct leat_spool *spool) {
    static uint8_t got[LEAT_MESSAGE_MAX];
    struct leat_spool_note note;
    assert_int_equal(leat_spool_read(spool, got, &note), 0);
}

static struct leat_spool *open_spool(uint64_t octets) {
    struct leat_spool *spool;
    uint8_t message[256];
    assert_int_equal(leat_spool_open(&spool, path, octets), 0);
    assert_int_equal(leat_spool_templates(spool, message, make(message, TEMPLATES)), 0);
    return spool;
}

static void test_order(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(1 << 20);
    expect_end(spool);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(append(spool, i), 0);
    assert_int_equal(leat_spool_messages(spool), 5);
    assert_int_equal(leat_spool_flows(spool), 0 + 1 + 2 + 3 + 4);
    assert_int_equal(leat_spool_tally(spool).packets, 2 * (0 + 1 + 2 + 3 + 4));
    expect_templates(spool);
    expect(spool, 0);
    expect(spool, 1);
    leat_spool_drop(spool);
    assert_int_equal(append(spool, 5), 0);
    for (uint32_t i = 2; i < 6; i++)
        expect(spool, i);
    expect_end(spool);

    leat_spool_rewind(spool); /* the session broke: message 0 had arrived */
    expect_templates(spool);
    for (uint32_t i = 1; i < 6; i++)
        expect(spool, i);
    for (uint32_t i = 1; i < 6; i++)
        leat_spool_drop(spool);
    leat_spool_drop(spool); /* nothing there */
    assert_int_equal(leat_spool_messages(spool), 0);
    assert_int_equal(leat_spool_octets(spool), 0);
    expect_end(spool);
    leat_spool_rewind(spool);
    expect_end(spool);

    assert_int_equal(append(spool, 9), 0);
    expect_templates(spool);
    expect(spool, 9);
    leat_spool_close(spool);
}

/* Through many segments, each with the templates; reading runs up to 700 messages ahead. */
static void test_segments(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(1 << 20);
    uint8_t message[LEAT_MESSAGE_MAX];
    struct leat_spool_note note;
    uint32_t templates = 0, next = 0, dropped = 0;
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(append(spool, i), 0);
    for (int n; (n = leat_spool_read(spool, message, &note)) > 0;) {
        if (note.templates) {
            templates++;
            continue;
        }
        uint8_t right[256];
        assert_int_equal(n, make(right, next));
        assert_memory_equal(message, right, n);
        if (++next - dropped > 700) {
            leat_spool_drop(spool);
            dropped++;
        }
    }
    assert_int_equal(next, 10000);
    assert_true(templates >= 7);
    leat_spool_rewind(spool);
    expect_templates(spool);
    expect(spool, dropped);
    assert_int_equal(leat_spool_messages(spool), 10000 - dropped);
    leat_spool_close(spool);
}

/* Another process goes on where this one was, also when all was sent and more came since. */
static void test_position(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(1 << 20);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(append(spool, i), 0);
    for (uint32_t i = 0; i < 4; i++)
        leat_spool_drop(spool);
    leat_spool_close(spool);
    spool = open_spool(1 << 20);
    assert_int_equal(leat_spool_messages(spool), 6);
    expect_templates(spool);
    for (uint32_t i = 4; i < 10; i++)
        expect(spool, i);
    for (uint32_t i = 4; i < 10; i++)
        leat_spool_drop(spool);
    for (uint32_t i = 20; i < 40; i++)
        assert_int_equal(append(spool, i), 0);
    leat_spool_close(spool);
    spool = open_spool(1 << 20);
    assert_int_equal(leat_spool_messages(spool), 20);
    expect_templates(spool);
    expect(spool, 20);
    leat_spool_close(spool);
}

/* Other templates begin another segment. */
static void test_templates_change(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(1 << 20);
    uint8_t others[256];
    uint8_t got[LEAT_MESSAGE_MAX];
    struct leat_spool_note note;
    assert_int_equal(append(spool, 1), 0);
    const uint32_t n = make(others, TEMPLATES + 1);
    assert_int_equal(leat_spool_templates(spool, others, n), 0);
    assert_int_equal(append(spool, 2), 0);
    expect_templates(spool);
    expect(spool, 1);
    assert_int_equal(leat_spool_read(spool, got, &note), n);
    assert_true(note.templates);
    assert_memory_equal(got, others, n);
    expect(spool, 2);
    leat_spool_close(spool);
}

static void test_bound(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(10000);
    uint32_t fit = 0;
    while (append(spool, fit) == 0)
        fit++;
    assert_int_equal(append(spool, fit), -ENOSPC);
    assert_non_null(strstr(leat_error(), "full"));
    assert_true(leat_spool_octets(spool) > 10000 - 256 && leat_spool_octets(spool) <= 10000);
    for (uint32_t i = 0; i < 3; i++)
        leat_spool_drop(spool);
    assert_int_equal(append(spool, fit), 0);
    expect_templates(spool);
    for (uint32_t i = 3; i <= fit; i++)
        expect(spool, i);
    expect_end(spool);
    leat_spool_close(spool);
}

static void test_one_holder(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(10000), *second;
    assert_int_equal(leat_spool_open(&second, path, 10000), -EBUSY);
    assert_non_null(strstr(leat_error(), path));
    leat_spool_close(spool);
    assert_int_equal(leat_spool_open(&second, path, 10000), 0);
    leat_spool_close(second);
}

static void put_file(const char *name, const char *bytes, size_t n) {
    char file[128];
    snprintf(file, sizeof(file), "%s/%s", path, name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void refused(const char *why) {
    struct leat_spool *spool;
    assert_int_equal(leat_spool_open(&spool, path, 1 << 20), -EPROTO);
    assert_non_null(strstr(leat_error(), path));
    if (!strstr(leat_error(), why))
        fail_msg("%s", leat_error());
}

/* What another version has left is refused by name, and stays as it is for that version. */
static void test_other_layouts(void **state) {
    (void)state;
    struct leat_spool *spool = open_spool(1 << 20);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(append(spool, i), 0);
    leat_spool_drop(spool);
    leat_spool_close(spool);
    put_file("layout", "leat spool 7\n", 13);
    refused("its layout is 7, and this version of Leat has 2");
    put_file("layout", "\0\377%s", 4);
    refused("its layout is not known");
    char layout[128];
    snprintf(layout, sizeof(layout), "%s/layout", path);
    assert_int_equal(unlink(layout), 0); /* before there were versions, there was none */
    refused("its layout is not known");
    assert_int_equal(access(layout, F_OK), -1);
    put_file("layout", "leat spool 2\n", 13);
    spool = open_spool(1 << 20);
    expect_templates(spool);
    for (uint32_t i = 1; i < 10; i++)
        expect(spool, i);
    leat_spool_close(spool);
    clear();

    /* All was sent: only the position is there, which says what the next number may not be. */
    spool = open_spool(1 << 20);
    leat_spool_close(spool);
    put_file("layout", "leat spool 1\n", 13);
    refused("its layout is 1");
    clear();

    /* Killed before it was written. */
    assert_int_equal(mkdir(path, 0700), 0);
    put_file("position", "", 0);
    put_file("layout", "", 0);
    leat_spool_close(open_spool(1 << 20));
    leat_spool_close(open_spool(1 << 20));
}

static void copy(const char *from, const char *to, size_t octets) {
    uint8_t bytes[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    ssize_t n = read(in, bytes, sizeof(bytes));
    assert_true(n >= 0);
    if ((size_t)n > octets)
        n = (ssize_t)octets;
    assert_int_equal(write(out, bytes, (size_t)n), n);
    close(in);
    close(out);
}

/* A segment that ends at any byte: all whole messages before it are there, and nothing else. */
static void test_cut_anywhere(void **state) {
    (void)state;
    char whole[128], notes[128], cut[128], cut_notes[128];
    uint8_t message[256];
    struct leat_spool *spool = open_spool(1 << 20);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(append(spool, i), 0);
    leat_spool_close(spool);
    snprintf(whole, sizeof(whole), "%s/0000000001.ipfix", path);
    snprintf(notes, sizeof(notes), "%s/0000000001.notes", path);
    struct stat file;
    assert_int_equal(stat(whole, &file), 0);

    snprintf(path, sizeof(path), "%s/c", directory);
    snprintf(cut, sizeof(cut), "%s/0000000001.ipfix", path);
    snprintf(cut_notes, sizeof(cut_notes), "%s/0000000001.notes", path);
    uint32_t fit = 0;
    size_t end = make(message, TEMPLATES);
    for (size_t at = 0; at <= (size_t)file.st_size; at++) {
        clear();
        assert_int_equal(mkdir(path, 0700), 0);
        copy(whole, cut, at);
        copy(notes, cut_notes, SIZE_MAX);
        put_file("layout", "leat spool 2\n", 13);
        if (fit < 20 && at >= end + make(message, fit))
            end += make(message, fit++);
        spool = open_spool(1 << 20);
        assert_int_equal(leat_spool_messages(spool), fit);
        assert_int_equal(append(spool, 77), 0);
        if (fit)
            expect_templates(spool);
        for (uint32_t i = 0; i < fit; i++)
            expect(spool, i);
        expect_templates(spool);
        expect(spool, 77);
        expect_end(spool);
        leat_spool_close(spool);
    }
    assert_int_equal(fit, 20);
    clear();
}

/* Garbage in the place of a segment, of its notes and of the position. */
static void test_garbage(void **state) {
    (void)state;
    const char *seed_text = getenv("LEAT_SEED");
    const unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 0) : (unsigned)getpid();
    print_message("LEAT_SEED=%u\n", seed);
    srand(seed);
    for (uint32_t round = 0; round < 300; round++) {
        static const char *const names[] = { "0000000001.ipfix", "0000000001.notes", "position" };
        static uint8_t got[LEAT_MESSAGE_MAX];
        struct leat_spool_note note;
        struct leat_spool *spool = open_spool(1 << 20);
        clear();
        leat_spool_close(spool);
        spool = open_spool(1 << 20);
        for (uint32_t i = 0; i < 20; i++)
            assert_int_equal(append(spool, i), 0);
        leat_spool_drop(spool);
        const bool live = round % 2; /* under the process that has it open */
        if (!live)
            leat_spool_close(spool);
        for (uint32_t i = 0; i < 3; i++) {
            char name[128];
            snprintf(name, sizeof(name), "%s/%s", path, names[rand() % 3]);
            int fd = open(name, O_WRONLY);
            assert_true(fd >= 0);
            const uint8_t byte = (uint8_t)rand();
            assert_int_equal(pwrite(fd, &byte, 1, rand() % 600), 1);
            if (rand() % 4 == 0)
                assert_int_equal(ftruncate(fd, rand() % 600), 0);
            close(fd);
        }
        if (!live)
            spool = open_spool(1 << 20);
        int n;
        for (uint32_t i = 0; (n = leat_spool_read(spool, got, &note)) != 0; i++) {
            assert_true(n < 0 || leat_message_length(got) == (uint32_t)n);
            assert_true(i < 100);
            leat_spool_drop(spool);
        }
        leat_spool_rewind(spool);
        assert_true(leat_spool_messages(spool) <= 40);
        assert_int_equal(append(spool, 5), 0);
        leat_spool_close(spool);
    }
}

/* kill -9 in the middle of appending and dropping: a run of numbers is left, without a hole, and
 * none that was reported as appended is missing. */
static void test_killed(void **state) {
    (void)state;
    int reports[2];
    assert_int_equal(pipe(reports), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct leat_spool *spool = open_spool(1 << 20);
        for (uint32_t i = 0;; i++) {
            if (append(spool, i) != 0 || write(reports[1], &i, sizeof(i)) != sizeof(i))
                _exit(1);
            if (i % 3 == 2)
                leat_spool_drop(spool);
        }
    }
    close(reports[1]);
    uint32_t last = 0;
    while (last < 2000)
        assert_int_equal(read(reports[0], &last, sizeof(last)), sizeof(last));
    kill(child, SIGKILL);
    while (read(reports[0], &last, sizeof(last)) == sizeof(last))
        continue;
    close(reports[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);

    struct leat_spool *spool = open_spool(1 << 20);
    uint8_t message[LEAT_MESSAGE_MAX];
    struct leat_spool_note note;
    uint32_t first = UINT32_MAX, next = 0;
    while (leat_spool_read(spool, message, &note) > 0) {
        if (note.templates)
            continue;
        if (first == UINT32_MAX)
            first = next = (uint32_t)note.flows.records;
        assert_int_equal(note.flows.records, next++);
    }
    assert_true(first >= last / 3 && first <= last / 3 + 2);
    assert_in_range(next, last + 1, last + 2);
    leat_spool_close(spool);
}

/* A disk that is full: nothing half-written, and it goes on when there is room again. */
static void test_disk_full(void **state) {
    (void)state;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mkdir(path, 0700) < 0 || mount("none", path, "tmpfs", 0, "size=64k") < 0) {
        print_message("cannot mount a small disk: %s\n", strerror(errno));
        skip();
    }
    struct leat_spool *spool = open_spool(1 << 20);
    uint32_t fit = 0;
    int err;
    while ((err = append(spool, fit)) == 0)
        fit++;
    assert_int_equal(err, -ENOSPC);
    assert_true(fit > 300);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(append(spool, fit), -ENOSPC);
    leat_spool_close(spool);
    assert_int_equal(mount("none", path, "tmpfs", MS_REMOUNT, "size=1m"), 0);
    spool = open_spool(1 << 20);
    assert_int_equal(leat_spool_messages(spool), fit);
    assert_int_equal(append(spool, fit), 0);
    expect_templates(spool);
    for (uint32_t i = 0; i < fit; i++)
        expect(spool, i);
    expect_templates(spool);
    expect(spool, fit);
    leat_spool_close(spool);
    assert_int_equal(umount2(path, MNT_DETACH), 0);
}

#define NOBODY 65534

/* What root has opened another user goes on with: the segment that is there, and new ones. */
static void test_given(void **state) {
    struct leat_spool *spool;
    struct stat at;
    int status;
    (void)state;
    if (geteuid() != 0) {
        puts("only root can give files away");
        skip();
    }
    assert_int_equal(chmod(directory, 0711), 0);
    assert_int_equal(leat_spool_open(&spool, path, 1 << 20), 0);
    assert_int_equal(append(spool, 1), 0);
    assert_int_equal(leat_spool_give(spool, NOBODY, NOBODY), 0);
    const pid_t child = fork();
    if (child == 0) {
        uint8_t templates[256];
        if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
            _exit(1);
        if (append(spool, 2) || leat_spool_templates(spool, templates, make(templates, TEMPLATES)))
            _exit(2);
        _exit(append(spool, 3) ? 3 : 0); /* which begins a segment */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    leat_spool_close(spool);
    assert_int_equal(leat_spool_open(&spool, path, 1 << 20), 0);
    assert_int_equal(leat_spool_messages(spool), 3);
    assert_int_equal(leat_spool_give(spool, NOBODY - 1, NOBODY), 0); /* it is not root's any more */
    leat_spool_close(spool);
    assert_int_equal(stat(path, &at), 0);
    assert_int_equal(at.st_uid, NOBODY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, set_up),
        cmocka_unit_test_setup(test_segments, set_up),
        cmocka_unit_test_setup(test_position, set_up),
        cmocka_unit_test_setup(test_templates_change, set_up),
        cmocka_unit_test_setup(test_bound, set_up),
        cmocka_unit_test_setup(test_one_holder, set_up),
        cmocka_unit_test_setup(test_given, set_up),
        cmocka_unit_test_setup(test_other_layouts, set_up),
        cmocka_unit_test_setup(test_cut_anywhere, set_up),
        cmocka_unit_test_setup(test_garbage, set_up),
        cmocka_unit_test_setup(test_killed, set_up),
        cmocka_unit_test_setup(test_disk_full, set_up),
    };
    if (!mkdtemp(directory)) {
        perror("mkdtemp");
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(path, sizeof(path), "%s", directory);
    clear();
    return failed;
}
