/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal: what a process that was killed noted is undone by the next one, whatever the moment
 * it was killed at, and nothing else is. */
#include "journals.h"
#include "lib/core/journal.h"
#include "lib/core/journal_private.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/error.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char undone[4096]; /* texts in the order they were undone */
static int answer;        /* of the next undo */

static int remember(const char *text) {
    strcat(strcat(undone, text), ";");
    return answer;
}

static const struct leat_journal_kind kind = { "test", remember }, other = { "other", remember };
static const struct leat_journal_kind *const kinds[] = { &kind, NULL };

static int set_up(void **state) {
    (void)state;
    undone[0] = '\0';
    answer = 0;
    return 0;
}

static void remove_path(const char *path) {
    assert_int_equal(unlink(path), 0);
}

/* A process that runs `life`, tells that it is done, and lives until it is killed. */
static pid_t live(void (*life)(void)) {
    int done[2];
    char byte;
    assert_int_equal(pipe(done), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(done[0]);
        life();
        if (write(done[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(done[1]);
    assert_int_equal(read(done[0], &byte, 1), 1);
    close(done[0]);
    return pid;
}

static void end(pid_t pid) {
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void note_three_strike_one(void) {
    int first = leat_journal_note(&kind, "one");
    int second = leat_journal_note(&kind, "two words");
    int third = leat_journal_note(&kind, "three");
    if (first <= 0 || second <= first || third <= second)
        _exit(1);
    leat_journal_strike(second);
}

static void write_file(const char *name, const char *text, size_t bytes) {
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", journal_directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void undoes_what_the_dead_left_newest_first(void **state) {
    (void)state;
    pid_t pid = live(note_three_strike_one);
    assert_int_equal(leat_journal_replay(kinds), 0); /* it is alive */
    assert_int_equal(journals(NULL), 1);
    end(pid);
    assert_int_equal(leat_journal_replay(kinds), 2);
    assert_string_equal(undone, "three;one;");
    assert_int_equal(journals(NULL), 0);
    assert_int_equal(leat_journal_replay(kinds), 0);
}

static void undoes_notes_of_several_in_the_order_of_time(void **state) {
    (void)state;
    char text[256];
    unsigned long long here = journal_namespace();
    for (int i = 0; i < 3; i++) {
        int bytes = snprintf(text, sizeof(text), "1 %d test %llu a%d\n2 %d test %llu b%d\n", 10 - i,
                             here, i, 20 + i, here, i);
        write_file((const char *[]){ "journal.7", "journal.8", "journal.9" }[i], text,
                   (size_t)bytes);
    }
    assert_int_equal(leat_journal_replay(kinds), 6);
    assert_string_equal(undone, "b2;b1;b0;a0;a1;a2;");
    assert_int_equal(journals(NULL), 0);
}

static void leaves_nothing_of_what_it_struck_out_itself(void **state) {
    (void)state;
    int first = leat_journal_note(&kind, "one"), second = leat_journal_note(&kind, "two");
    assert_true(first > 0 && second > first);
    assert_int_equal(journals(NULL), 1);
    leat_journal_strike(first);
    assert_int_equal(journals(NULL), 1);
    leat_journal_strike(second);
    assert_int_equal(journals(NULL), 0);
    leat_journal_strike(second);
    leat_journal_strike(-ENOENT);
    assert_int_equal(leat_journal_replay(kinds), 0);
}

static void fork_and_die(void) {
    if (leat_journal_note(&kind, "of the parent") <= 0)
        _exit(1);
    pid_t child = fork();
    if (child == 0) {
        /* It can neither strike its parent's notes nor keep them from being undone. */
        int mine = leat_journal_note(&kind, "of the child");
        for (int note = 0; note < mine; note++)
            leat_journal_strike(note);
        char text[16];
        FILE *file = fopen("child", "w");
        fwrite(text, 1, (size_t)snprintf(text, sizeof(text), "%d", getpid()), file);
        fclose(file);
        rename("child", "child.pid");
        for (;;)
            pause();
    }
    while (access("child.pid", F_OK) < 0)
        sched_yield();
}

static void a_child_has_nothing_to_do_with_it(void **state) {
    (void)state;
    char scratch[] = "/tmp/leat-journal-child-XXXXXX";
    int child = 0;
    assert_non_null(mkdtemp(scratch));
    assert_int_equal(chdir(scratch), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    end(live(fork_and_die));
    FILE *file = fopen("child.pid", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &child), 1);
    fclose(file);
    assert_int_equal(leat_journal_replay(kinds), 1);
    assert_string_equal(undone, "of the parent;");
    assert_int_equal(journals(NULL), 1);
    end(child);
    assert_int_equal(leat_journal_replay(kinds), 1);
    assert_string_equal(undone, "of the parent;of the child;");
    assert_int_equal(journals(NULL), 0);
    assert_int_equal(unlink("child.pid"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(scratch), 0);
}

/* What stands of a journal of which only `bytes` bytes were written. */
static void expect_of(const char *text, size_t bytes) {
    static const char *const after[] = { "", "one;", "two;one;", "two;", "three;two;" };
    int lines = 0;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    assert_string_equal(undone, after[lines]);
    assert_int_equal(journals(NULL), 0);
}

static void survives_a_tear_at_every_byte(void **state) {
    (void)state;
    char text[256];
    unsigned long long here = journal_namespace();
    int bytes = snprintf(text, sizeof(text),
                         "1 10 test %llu one\n2 20 test %llu two\n-1\n3 30 test %llu three\n", here,
                         here, here);
    for (int cut = 0; cut <= bytes; cut++) {
        undone[0] = '\0';
        write_file("journal.1.0", text, (size_t)cut);
        leat_journal_replay(kinds);
        expect_of(text, (size_t)cut);
    }
}

static void goes_on_where_a_replay_was_killed(void **state) {
    (void)state;
    char text[256];
    unsigned long long here = journal_namespace();
    int bytes =
        snprintf(text, sizeof(text), "1 10 test %llu one\n2 20 test %llu two\n3 30 te", here, here);
    write_file("journal.1.0", text, (size_t)bytes);
    answer = -EBUSY; /* nothing can be undone today */
    assert_int_equal(leat_journal_replay(kinds), 0);
    assert_string_equal(undone, "two;one;");
    assert_int_equal(journals(NULL), 1);
    answer = -ENODEV; /* what it was about is gone */
    undone[0] = '\0';
    assert_int_equal(leat_journal_replay(kinds), 2);
    assert_string_equal(undone, "two;one;");
    assert_int_equal(journals(NULL), 0);
}

static bool answer_gone;

static bool is_gone(const char *text) {
    assert_string_equal(text, "one");
    return answer_gone;
}

/* A namespace may be gone for good: only who can tell from here drops its notes. */
static void leaves_other_namespaces_alone(void **state) {
    (void)state;
    static const struct leat_journal_kind tells = { "test", remember, is_gone };
    static const struct leat_journal_kind *const telling[] = { &tells, NULL };
    char text[64];
    int bytes = snprintf(text, sizeof(text), "1 10 test %llu one\n", journal_namespace() + 1ull);
    write_file("journal.1.0", text, (size_t)bytes);
    assert_int_equal(leat_journal_replay(kinds), 0);
    answer_gone = false;
    assert_int_equal(leat_journal_replay(telling), 0);
    assert_int_equal(journals(NULL), 1);
    answer_gone = true;
    assert_int_equal(leat_journal_replay(telling), 1);
    assert_int_equal(journals(NULL), 0);
    assert_string_equal(undone, "");
}

static void note_of_other_kind(void) {
    if (leat_journal_note(&other, "other's") <= 0 || leat_journal_note(&kind, "ours") <= 0)
        _exit(1);
}

static void leaves_what_is_of_other_kinds_and_namespaces(void **state) {
    (void)state;
    static const struct leat_journal_kind *const others[] = { &other, NULL };
    char text[128];
    end(live(note_of_other_kind));
    assert_int_equal(leat_journal_replay(kinds), 1);
    assert_int_equal(leat_journal_replay(kinds), 0);
    assert_string_equal(undone, "ours;");
    assert_int_equal(leat_journal_replay(others), 1);
    assert_string_equal(undone, "ours;other's;");
    int bytes = snprintf(text, sizeof(text), "1 10 test %llu elsewhere\n",
                         (unsigned long long)journal_namespace() + 1);
    write_file("journal.1.0", text, (size_t)bytes);
    assert_int_equal(leat_journal_replay(kinds), 0);
    assert_int_equal(journals(remove_path), 1);
}

static void ignores_what_is_no_journal(void **state) {
    (void)state;
    static const char garbage[] = "\n\n1\n-\n0 1 test 1 x\n-0\n--1\nx 1 test 1 x\n1 2 3\n"
                                  "99999999999 1 test 1 x\n1 1 toolongforthenameofakind 1 x\n";
    char text[2 * JOURNAL_LINE_MAX], path[512];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    write_file("journal.1.0", garbage, sizeof(garbage)); /* its NUL included */
    write_file("journal.1.1", text, sizeof(text));
    leat_journal_replay(kinds);
    assert_string_equal(undone, "");
    assert_int_equal(journals(NULL), 0);

    int bytes = snprintf(text, sizeof(text), "1 10 test %llu linked\n",
                         (unsigned long long)journal_namespace());
    write_file("target", text, (size_t)bytes);
    snprintf(path, sizeof(path), "%s/journal.1.2", journal_directory);
    assert_int_equal(symlink("target", path), 0);
    assert_int_equal(leat_journal_replay(kinds), 0);
    assert_int_equal(journals(remove_path), 2);
}

static void says_why_it_cannot_write(void **state) {
    (void)state;
    char text[2 * JOURNAL_LINE_MAX];
    setenv("LEAT_RUN_DIR", "/proc/leat", 1);
    assert_int_equal(leat_journal_note(&kind, "x"), -ENOENT);
    assert_non_null(strstr(leat_error(), "/proc/leat"));
    assert_int_equal(leat_journal_replay(kinds), 0);
    setenv("LEAT_RUN_DIR", "/tmp", 1); /* where anybody could put a journal */
    assert_int_equal(leat_journal_note(&kind, "x"), -EPERM);
    assert_int_equal(leat_journal_replay(kinds), 0);
    setenv("LEAT_RUN_DIR", journal_directory, 1);
    assert_int_equal(leat_journal_note(&kind, "two\nlines"), -EINVAL);
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(leat_journal_note(&kind, text), -EINVAL);
    assert_int_equal(journals(NULL), 0);
}

#define THREADS 4
#define ROUNDS  100

static void *note_and_strike(void *arg) {
    char text[32];
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(text, sizeof(text), "round %d", i);
        int note = leat_journal_note(&kind, text);
        if (note <= 0)
            return "note";
        leat_journal_strike(note);
        if (leat_journal_replay(kinds) != 0)
            return "replay";
    }
    return NULL;
}

static void many_threads_note(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    void *failed;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_and_strike, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(journals(NULL), 0);
    assert_string_equal(undone, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(undoes_what_the_dead_left_newest_first, set_up),
        cmocka_unit_test_setup(undoes_notes_of_several_in_the_order_of_time, set_up),
        cmocka_unit_test_setup(leaves_nothing_of_what_it_struck_out_itself, set_up),
        cmocka_unit_test_setup(a_child_has_nothing_to_do_with_it, set_up),
        cmocka_unit_test_setup(survives_a_tear_at_every_byte, set_up),
        cmocka_unit_test_setup(goes_on_where_a_replay_was_killed, set_up),
        cmocka_unit_test_setup(leaves_other_namespaces_alone, set_up),
        cmocka_unit_test_setup(leaves_what_is_of_other_kinds_and_namespaces, set_up),
        cmocka_unit_test_setup(ignores_what_is_no_journal, set_up),
        cmocka_unit_test_setup(says_why_it_cannot_write, set_up),
        cmocka_unit_test_setup(many_threads_note, set_up),
    };
    return cmocka_run_group_tests(tests, make_journal_directory, remove_journal_directory);
}
