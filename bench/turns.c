/* SPDX-License-Identifier: BSD-2-Clause */
#include "turns.h"
#include <sched.h>

void turns_pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *run_device(void *arg) {
    struct turns *turns = arg;
    turns_pin(turns->core);
    for (;;) {
        switch (atomic_load_explicit(&turns->turn, memory_order_acquire)) {
        case TURN_FREE:
            turns->poll(turns->ctx);
            break;
        case TURN_DEVICE:
            turns->settle(turns->ctx);
            atomic_store_explicit(&turns->turn, TURN_DRIVER, memory_order_release);
            break;
        case TURN_DRIVER:
            __builtin_ia32_pause();
            break;
        case TURN_QUIT:
            return NULL;
        }
    }
}

int turns_start(struct turns *turns, enum turn first) {
    atomic_store(&turns->turn, first);
    return -pthread_create(&turns->thread, NULL, run_device, turns);
}

void turns_stop(struct turns *turns) {
    atomic_store(&turns->turn, TURN_QUIT);
    pthread_join(turns->thread, NULL);
}

void turns_device(struct turns *turns) {
    atomic_store_explicit(&turns->turn, TURN_DEVICE, memory_order_release);
    while (atomic_load_explicit(&turns->turn, memory_order_acquire) != TURN_DRIVER)
        __builtin_ia32_pause();
}
