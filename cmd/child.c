/* SPDX-License-Identifier: BSD-2-Clause */
#include "child.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 10000

static int fail(const char *what) {
    int error = errno;
    fprintf(stderr, "leat demo: cannot %s: %s\n", what, strerror(error));
    return -error;
}

int child_prepare(struct child *child) {
    const char *tmp = getenv("TMPDIR");
    memset(child, 0, sizeof(*child));
    child->said = -1;
    /* A unix socket's path is at most 107 characters long. */
    if (!tmp || strlen(tmp) > sizeof(child->directory) - 20)
        tmp = "/tmp";
    snprintf(child->directory, sizeof(child->directory), "%s/leat-XXXXXX", tmp);
    if (!mkdtemp(child->directory)) {
        child->directory[0] = '\0';
        return fail("make a directory for the sockets");
    }
    for (int i = 0; i < CHILD_PORTS; i++)
        snprintf(child->sockets[i], sizeof(child->sockets[i]), "%s/nic%d", child->directory, i);
    snprintf(child->json, sizeof(child->json), "%s/softnic.json", child->directory);
    return 0;
}

/* In the child: only what is safe between fork() and exec(). It gets a process group of its own, so
 * that Ctrl-C reaches the forwarder only, which ends it in order; should the forwarder be killed,
 * the kernel ends it. */
static _Noreturn void become_softnic(char *const *argv, int said, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDWR);
    if (getppid() == parent && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
        dup2(said, STDERR_FILENO) >= 0)
        execv("/proc/self/exe", argv);
    _exit(127);
}

static int launch(struct child *child, char *const *argv) {
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC))
        return fail("make a pipe");
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0)
        become_softnic(argv, pipe_fds[1], parent);
    close(pipe_fds[1]);
    if (child->pid < 0) {
        child->pid = 0;
        close(pipe_fds[0]);
        return fail("start softnic");
    }
    child->said = pipe_fds[0];
    return 0;
}

static uint32_t count(const char *text, const char *word) {
    uint32_t n = 0;
    while ((text = strstr(text, word))) {
        text += strlen(word);
        n++;
    }
    return n;
}

/* It says so for each port once all listen. */
static int await_listening(struct child *child) {
    char text[4096] = "";
    size_t used = 0;
    struct pollfd ready = { .fd = child->said, .events = POLLIN };
    while (count(text, "waits for a driver") < CHILD_PORTS) {
        int polled = poll(&ready, 1, START_MS);
        if (polled < 0 && errno == EINTR)
            continue;
        ssize_t got = polled > 0 ? read(child->said, text + used, sizeof(text) - 1 - used) : 0;
        if (got <= 0) {
            fprintf(stderr, "leat demo: softnic did not start%s%s", used ? ": " : "\n", text);
            return -ECHILD;
        }
        used += (size_t)got;
        text[used] = '\0';
    }
    return 0;
}

int child_start(struct child *child, const char *const wires[CHILD_PORTS], int core) {
    char ports[CHILD_PORTS][512], core_text[16];
    for (int i = 0; i < CHILD_PORTS; i++)
        snprintf(ports[i], sizeof(ports[i]), "%s=%s", child->sockets[i], wires[i]);
    snprintf(core_text, sizeof(core_text), "%d", core);
    char *argv[12] = { (char *)"leat",   (char *)"softnic", (char *)"--strict",
                       (char *)"--json", child->json,       ports[0],
                       ports[1] };
    if (core >= 0) {
        argv[7] = (char *)"--core";
        argv[8] = core_text;
    }
    unlink(child->json);
    int status = launch(child, argv);
    if (status == 0)
        status = await_listening(child);
    return status;
}

static void pass_on(const struct child *child) {
    char text[1024];
    for (ssize_t got; (got = read(child->said, text, sizeof(text))) > 0;)
        fwrite(text, 1, (size_t)got, stderr);
}

int child_stop(struct child *child) {
    int ended;
    if (!child->pid)
        return 0;
    kill(child->pid, SIGTERM);
    while (waitpid(child->pid, &ended, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    bool well = WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
    if (!well) {
        fprintf(stderr, "leat demo: softnic ended with %s %d\n",
                WIFEXITED(ended) ? "exit code" : "signal",
                WIFEXITED(ended) ? WEXITSTATUS(ended) : WTERMSIG(ended));
        pass_on(child);
    }
    close(child->said);
    child->said = -1;
    return well ? 0 : -ECHILD;
}

static uint64_t number(const json_t *in, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(in, key));
}

int child_read(const struct child *child, uint32_t port, struct report_sequence *sequence,
               struct report_latency *latency) {
    json_error_t error;
    json_t *json = json_load_file(child->json, 0, &error);
    const json_t *of_port = json_array_get(json_object_get(json, "ports"), port);
    if (!of_port) {
        fprintf(stderr, "leat demo: cannot read softnic's report: %s\n", error.text);
        json_decref(json);
        return -EIO;
    }
    const json_t *told = json_object_get(of_port, "sequence");
    *sequence = (struct report_sequence){
        .checked = json_is_object(told),
        .received = number(told, "received"),
        .missing = number(told, "missing"),
        .duplicate = number(told, "duplicate"),
        .reordered = number(told, "reordered"),
        .corrupt = number(told, "corrupt"),
    };
    told = json_object_get(of_port, "latency_ns");
    *latency = (struct report_latency){
        .count = number(told, "count"),
        .p50_ns = number(told, "p50"),
        .p99_ns = number(told, "p99"),
        .p999_ns = number(told, "p999"),
        .max_ns = number(told, "max"),
    };
    json_decref(json);
    return 0;
}

void child_clean(struct child *child) {
    child_stop(child);
    if (!child->directory[0])
        return;
    DIR *directory = opendir(child->directory);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    rmdir(child->directory);
    child->directory[0] = '\0';
}
