/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: the thread beside the workers, which tells how it goes and hears SIGHUP. */
#include "clock.h"
#include "probe.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct probe_watch {
    struct probe *probe;
    pthread_t thread;
    bool end;
};

static void only_hangup(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGHUP);
}

void probe_watch_block(void) {
    sigset_t hangup;
    only_hangup(&hangup);
    pthread_sigmask(SIG_BLOCK, &hangup, NULL);
}

/* Waits for SIGHUP until `due_ns`; 0: for ever. */
static bool hung_up(uint64_t due_ns) {
    sigset_t hangup;
    only_hangup(&hangup);
    if (!due_ns)
        return sigwaitinfo(&hangup, NULL) == SIGHUP;
    uint64_t now_ns = clock_ns(), left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    const struct timespec left = { .tv_sec = (time_t)(left_ns / NS_PER_S),
                                   .tv_nsec = (long)(left_ns % NS_PER_S) };
    return sigtimedwait(&hangup, NULL, &left) == SIGHUP;
}

/* Without a file there is nothing to read again: the terminal is gone. */
static void on_hangup(struct probe *probe) {
    if (probe->config.file)
        probe_reload(probe);
    else
        kill(getpid(), SIGTERM);
}

static void *watch(void *arg) {
    struct probe_watch *watching = arg;
    struct probe *probe = watching->probe;
    uint64_t start_ns = clock_ns(), told_ns = start_ns;
    for (;;) {
        uint64_t interval_ns = (uint64_t)(probe->config.interval * NS_PER_S);
        uint64_t due_ns = interval_ns ? told_ns + interval_ns : 0;
        bool hangup = hung_up(due_ns);
        if (__atomic_load_n(&watching->end, __ATOMIC_ACQUIRE))
            return NULL;
        if (hangup)
            on_hangup(probe);
        uint64_t now_ns = clock_ns();
        if (!due_ns || now_ns < due_ns)
            continue;
        told_ns = now_ns;
        double seconds = (double)(now_ns - start_ns) / NS_PER_S;
        if (probe->config.top)
            probe_top_show(probe, seconds);
        else
            probe_say_interval(probe, stderr, seconds, true);
    }
}

int probe_watch_start(struct probe_watch **watch_out, struct probe *probe) {
    struct probe_watch *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->probe = probe;
    /* Ctrl-C is for the main thread. */
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    int error = pthread_create(&made->thread, NULL, watch, made);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (error) {
        free(made);
        fprintf(stderr, "leat probe: cannot start a thread: %s\n", strerror(error));
        return -error;
    }
    *watch_out = made;
    return 0;
}

void probe_watch_stop(struct probe_watch *watching) {
    if (!watching)
        return;
    __atomic_store_n(&watching->end, true, __ATOMIC_RELEASE);
    pthread_kill(watching->thread, SIGHUP);
    pthread_join(watching->thread, NULL);
    free(watching);
}
