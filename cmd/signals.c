/* SPDX-License-Identifier: BSD-2-Clause */
#include "signals.h"
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static void (*stop_fn)(void *ctx);
static void *stop_ctx;

static void on_signal(int number) {
    if (seen)
        _exit(128 + number);
    seen = 1;
    if (stop_fn)
        stop_fn(stop_ctx);
}

void signals_install(void (*stop)(void *ctx), void *ctx) {
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    /* What the handler reads must not change under it. */
    sigset_t before;
    sigprocmask(SIG_BLOCK, &action.sa_mask, &before);
    stop_fn = stop;
    stop_ctx = ctx;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

bool signals_seen(void) {
    return seen;
}
