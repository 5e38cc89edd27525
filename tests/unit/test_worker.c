/* SPDX-License-Identifier: BSD-2-Clause */
/* The worker over fake queues: a counter of frames and an eventfd that tells of them when armed. */
#include "lib/core/driver.h"
#include <errno.h>
#include <leat/worker.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
/* cmocka wants those before it. */
#include <cmocka.h>

struct fake {
    struct leat_queue queue;
    struct leat_port port;
    struct leat_port_ops ops;
    int fd;
    atomic_uint waiting; /* frames that nobody took yet */
    atomic_bool armed;
    unsigned late; /* frames that arrive right before the next arm() */
    unsigned arms, disarms;
    int arm_error;
    unsigned arms_until_gone; /* then arming says so, though nothing woke anybody; 0: never */
};

static struct fake *fake_of(struct leat_queue *queue) {
    return (struct fake *)queue;
}

static void fake_arrive(struct fake *fake, unsigned frames) {
    atomic_fetch_add(&fake->waiting, frames);
    if (atomic_load(&fake->armed))
        assert_int_equal(eventfd_write(fake->fd, 1), 0);
}

static int fake_fd(struct leat_queue *queue) {
    return fake_of(queue)->fd;
}

static int fake_cannot_wait(struct leat_queue *queue) {
    (void)queue;
    return -ENOTSUP;
}

static int fake_arm(struct leat_queue *queue) {
    struct fake *fake = fake_of(queue);
    if (fake->arm_error)
        return fake->arm_error;
    fake->arms++;
    if (fake->arms_until_gone && fake->arms > fake->arms_until_gone)
        return -ENODEV;
    atomic_fetch_add(&fake->waiting, fake->late);
    fake->late = 0;
    atomic_store(&fake->armed, true);
    if (atomic_load(&fake->waiting) == 0)
        return 0;
    atomic_store(&fake->armed, false);
    return 1;
}

static void fake_disarm(struct leat_queue *queue) {
    struct fake *fake = fake_of(queue);
    fake->disarms++;
    atomic_store(&fake->armed, false);
    eventfd_t ignored;
    eventfd_read(fake->fd, &ignored);
}

static void fake_open(struct fake *fake) {
    memset(fake, 0, sizeof(*fake));
    fake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_true(fake->fd >= 0);
    fake->ops = (struct leat_port_ops){
        .queue_fd = fake_fd,
        .queue_arm = fake_arm,
        .queue_disarm = fake_disarm,
    };
    fake->port.ops = &fake->ops;
    fake->port.name = (char *)"fake:";
    fake->queue.port = &fake->port;
}

/* What the batch and tick functions see. */
struct scene {
    struct fake fakes[2];
    struct leat_queue *queues[2];
    struct leat_worker *worker;
    unsigned taken, stop_at, ticks;
    atomic_uint seen; /* = taken, for other threads */
    int batch_error, tick_error;
};

static int batch(void *ctx) {
    struct scene *scene = ctx;
    if (scene->batch_error)
        return scene->batch_error;
    int moved = 0;
    for (int i = 0; i < 2; i++)
        moved += (int)atomic_exchange(&scene->fakes[i].waiting, 0);
    scene->taken += (unsigned)moved;
    atomic_store(&scene->seen, scene->taken);
    if (scene->stop_at && scene->taken >= scene->stop_at)
        leat_worker_stop(scene->worker);
    return moved;
}

static int tick(void *ctx) {
    struct scene *scene = ctx;
    if (++scene->ticks == 3)
        leat_worker_stop(scene->worker);
    return scene->tick_error;
}

static void scene_open(struct scene *scene, struct leat_worker_opts opts) {
    memset(scene, 0, sizeof(*scene));
    for (int i = 0; i < 2; i++) {
        fake_open(&scene->fakes[i]);
        scene->queues[i] = &scene->fakes[i].queue;
    }
    opts.size = sizeof(opts);
    opts.queues = scene->queues;
    opts.queue_count = 2;
    opts.batch = batch;
    opts.ctx = scene;
    assert_int_equal(leat_worker_create(&scene->worker, &opts), 0);
}

static void scene_close(struct scene *scene) {
    leat_worker_destroy(scene->worker);
    for (int i = 0; i < 2; i++)
        close(scene->fakes[i].fd);
}

static struct leat_worker_stats stats_of(const struct scene *scene) {
    struct leat_worker_stats stats;
    leat_worker_stats(scene->worker, &stats);
    return stats;
}

/* A bounded wait for another thread; fails the test instead of hanging it. */
#define WAIT_FOR(condition)                          \
    do {                                             \
        for (int tries = 0; !(condition); tries++) { \
            assert_true(tries < 2000000);            \
            sched_yield();                           \
        }                                            \
    } while (0)

static void a_frame_between_poll_and_arm_is_not_slept_on(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1, .wait = LEAT_WAIT_SLEEP });
    scene.fakes[1].late = 1; /* without the re-check nothing would ever wake the worker */
    scene.stop_at = 1;
    assert_int_equal(leat_worker_run(scene.worker), 0);
    assert_int_equal(scene.taken, 1);
    assert_int_equal(stats_of(&scene).sleeps, 0);
    assert_int_equal(scene.fakes[0].disarms, 1); /* armed before the other one said no */
    assert_int_equal(scene.fakes[1].disarms, 0);
    scene_close(&scene);
}

static void every_frame_of_a_sporadic_sender_is_taken(void **state) {
    enum { FRAMES = 3000 };
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1, .wait = *(enum leat_wait *)*state });
    assert_int_equal(leat_worker_start(scene.worker), 0);
    for (unsigned i = 1; i <= FRAMES; i++) {
        fake_arrive(&scene.fakes[i % 2], 1);
        if (i % 3 == 0) /* else the next one races with the worker's going to sleep */
            WAIT_FOR(atomic_load(&scene.seen) == i);
    }
    WAIT_FOR(atomic_load(&scene.seen) == FRAMES);
    leat_worker_stop(scene.worker);
    assert_int_equal(leat_worker_join(scene.worker), 0);
    assert_int_equal(scene.taken, FRAMES);
    scene_close(&scene);
}

static void stop_wakes_a_sleeper(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1 });
    assert_int_equal(leat_worker_start(scene.worker), 0);
    WAIT_FOR(stats_of(&scene).sleeps == 1);
    leat_worker_stop(scene.worker);
    assert_int_equal(leat_worker_join(scene.worker), 0);
    struct leat_worker_stats stats = stats_of(&scene);
    assert_int_equal(stats.batches, 1);
    assert_int_equal(stats.idle_batches, 1);
    assert_int_equal(stats.wakeups, 1);
    assert_int_equal(stats.busy_cycles, 0);
    scene_close(&scene);
}

static void a_stop_before_the_run_counts(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1, .wait = LEAT_WAIT_SPIN });
    leat_worker_stop(scene.worker);
    assert_int_equal(leat_worker_run(scene.worker), 0);
    assert_int_equal(stats_of(&scene).batches, 0);
    scene_close(&scene);
}

static struct leat_worker *signalled;

static void on_signal(int number) {
    (void)number;
    leat_worker_stop(signalled);
}

static int raise_once(void *ctx) {
    errno = EDOM;
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(errno, EDOM); /* the handler left it alone */
    return *(int *)ctx;
}

static void a_signal_handler_may_stop(void **state) {
    (void)state;
    int moved = 1;
    struct leat_worker_opts opts = {
        .size = sizeof(opts), .core = -1, .batch = raise_once, .ctx = &moved
    };
    assert_int_equal(leat_worker_create(&signalled, &opts), 0);
    struct sigaction action = { .sa_handler = on_signal }, before;
    sigaction(SIGUSR1, &action, &before);
    assert_int_equal(leat_worker_run(signalled), 0);
    sigaction(SIGUSR1, &before, NULL);
    struct leat_worker_stats stats;
    leat_worker_stats(signalled, &stats);
    assert_int_equal(stats.batches, 1);
    assert_int_equal(stats.idle_batches, 0);
    assert_true(stats.busy_cycles > 0 && stats.busy_cycles <= stats.total_cycles);
    leat_worker_destroy(signalled);
}

static void the_tick_runs_in_every_mode(void **state) {
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1,
                                                  .wait = *(enum leat_wait *)*state,
                                                  .tick = tick,
                                                  .tick_ns = 100000 });
    assert_int_equal(leat_worker_run(scene.worker), 0);
    assert_int_equal(scene.ticks, 3);
    scene_close(&scene);
}

static void errors_end_the_run(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1 });
    scene.batch_error = -ENODEV;
    assert_int_equal(leat_worker_run(scene.worker), -ENODEV);
    scene_close(&scene);

    scene_open(&scene, (struct leat_worker_opts){ .core = -1, .tick = tick, .tick_ns = 1 });
    scene.tick_error = -EIO;
    assert_int_equal(leat_worker_run(scene.worker), -EIO);
    assert_int_equal(scene.ticks, 1);
    scene_close(&scene);

    scene_open(&scene, (struct leat_worker_opts){ .core = -1, .wait = LEAT_WAIT_SLEEP });
    scene.fakes[1].arm_error = -EBADF;
    assert_int_equal(leat_worker_run(scene.worker), -EBADF);
    assert_int_equal(scene.fakes[0].disarms, scene.fakes[0].arms);
    scene_close(&scene);
}

static void a_device_that_vanishes_in_its_sleep_ends_it(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, (struct leat_worker_opts){ .core = -1, .wait = LEAT_WAIT_SLEEP });
    scene.fakes[1].arms_until_gone = 1;
    assert_int_equal(leat_worker_run(scene.worker), -ENODEV);
    scene_close(&scene);
}

static int fails_with_a_sentence(void *ctx) {
    (void)ctx;
    return leat_fail(ENODEV, "fake: it is gone");
}

static void join_brings_the_sentence_along(void **state) {
    (void)state;
    struct leat_worker *worker;
    struct leat_worker_opts opts = { .size = sizeof(opts),
                                     .core = -1,
                                     .batch = fails_with_a_sentence };
    assert_int_equal(leat_worker_create(&worker, &opts), 0);
    assert_int_equal(leat_worker_start(worker), 0);
    assert_int_equal(leat_worker_join(worker), -ENODEV);
    assert_string_equal(leat_error(), "fake: it is gone");
    leat_worker_destroy(worker);
}

static unsigned notices;

static void count_notices(void *ctx, enum leat_log_level level, const char *sentence) {
    (void)ctx;
    notices += level == LEAT_LOG_NOTICE && strstr(sentence, "fake: can only be polled") != NULL;
}

static void a_queue_that_cannot_wake_is_polled_now_and_then(void **state) {
    (void)state;
    struct scene scene;
    memset(&scene, 0, sizeof(scene));
    for (int i = 0; i < 2; i++) {
        fake_open(&scene.fakes[i]);
        scene.queues[i] = &scene.fakes[i].queue;
    }
    scene.fakes[0].ops.queue_fd = fake_cannot_wait;
    scene.fakes[0].arm_error = -ENOTSUP;
    leat_set_log(count_notices, NULL);
    struct leat_worker_opts opts = { .size = sizeof(opts),
                                     .core = -1,
                                     .queues = scene.queues,
                                     .queue_count = 2,
                                     .batch = batch,
                                     .ctx = &scene };
    assert_int_equal(leat_worker_create(&scene.worker, &opts), 0);
    assert_int_equal(notices, 1);
    leat_set_log(NULL, NULL);
    assert_int_equal(leat_worker_start(scene.worker), 0);
    WAIT_FOR(stats_of(&scene).sleeps >= 3); /* each one a nap: nothing woke it */
    assert_int_equal(stats_of(&scene).wakeups, 0);
    fake_arrive(&scene.fakes[0], 5);
    WAIT_FOR(atomic_load(&scene.seen) == 5);
    leat_worker_stop(scene.worker);
    assert_int_equal(leat_worker_join(scene.worker), 0);
    scene_close(&scene);
}

static int stop_itself(void *ctx) {
    struct leat_worker **worker = ctx;
    cpu_set_t now;
    assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
    assert_int_equal(CPU_COUNT(&now), 1);
    leat_worker_stop(*worker);
    return 0;
}

static void pins_to_its_core_and_gives_the_others_back(void **state) {
    (void)state;
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    int core = 0;
    while (!CPU_ISSET(core, &before))
        core++;
    struct leat_worker *worker;
    struct leat_worker_opts opts = {
        .size = sizeof(opts), .core = core, .batch = stop_itself, .ctx = &worker
    };
    assert_int_equal(leat_worker_create(&worker, &opts), 0);
    assert_int_equal(leat_worker_run(worker), 0);
    leat_worker_destroy(worker);
    assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    struct leat_worker *worker;
    struct leat_worker_opts opts = { .size = sizeof(opts), .core = -1 };
    assert_int_equal(leat_worker_create(&worker, &opts), -EINVAL);
    opts.batch = batch;
    opts.core = CPU_SETSIZE;
    assert_int_equal(leat_worker_create(&worker, &opts), -EINVAL);
    opts.core = CPU_SETSIZE - 1; /* may exist, but not on the machines of our time */
    assert_int_equal(leat_worker_create(&worker, &opts), 0);
    assert_int_equal(leat_worker_run(worker), -EINVAL);
    assert_non_null(strstr(leat_error(), "core 1023"));
    leat_worker_destroy(worker);
    leat_worker_destroy(NULL);
}

int main(void) {
    static enum leat_wait adaptive = LEAT_WAIT_ADAPTIVE, spin = LEAT_WAIT_SPIN,
                          asleep = LEAT_WAIT_SLEEP;
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_between_poll_and_arm_is_not_slept_on),
        cmocka_unit_test_prestate(every_frame_of_a_sporadic_sender_is_taken, &adaptive),
        cmocka_unit_test_prestate(every_frame_of_a_sporadic_sender_is_taken, &spin),
        cmocka_unit_test_prestate(every_frame_of_a_sporadic_sender_is_taken, &asleep),
        cmocka_unit_test(stop_wakes_a_sleeper),
        cmocka_unit_test(a_stop_before_the_run_counts),
        cmocka_unit_test(a_signal_handler_may_stop),
        cmocka_unit_test_prestate(the_tick_runs_in_every_mode, &adaptive),
        cmocka_unit_test_prestate(the_tick_runs_in_every_mode, &spin),
        cmocka_unit_test_prestate(the_tick_runs_in_every_mode, &asleep),
        cmocka_unit_test(errors_end_the_run),
        cmocka_unit_test(a_device_that_vanishes_in_its_sleep_ends_it),
        cmocka_unit_test(join_brings_the_sentence_along),
        cmocka_unit_test(a_queue_that_cannot_wake_is_polled_now_and_then),
        cmocka_unit_test(pins_to_its_core_and_gives_the_others_back),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
