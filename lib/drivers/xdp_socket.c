/* SPDX-License-Identifier: BSD-2-Clause */
/* An AF_XDP socket from its creation to its end, all but its packets (xdp_frames.c) and the way to
 * a queue (xdp_bind.c). */
#include "lib/bpf/permission.h"
#include "xdp_bind.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK_MIN 2048 /* XDP_UMEM_MIN_CHUNK_SIZE */
#define CHUNK_MAX 4096 /* a page; larger ones need huge pages and Linux 6.6 */

#define BUSY_POLL_US     20
#define BUSY_POLL_BUDGET 64 /* frames; more take CAP_NET_ADMIN */

static bool power_of_two(uint32_t n) {
    return n && !(n & (n - 1));
}

static int fail(const struct xdp_queue *q, const char *what) {
    return leat_fail(errno, "%s: queue %u: cannot %s: %s", q->opts.name, q->opts.queue, what,
                     strerror(errno));
}

/* --- Create --- */

static int check_options(const struct xdp_queue *q) {
    const struct xdp_socket_opts *opts = &q->opts;
    const uint32_t rings[] = { opts->rx_ring, opts->tx_ring };
    for (int i = 0; i < 2; i++)
        if (!power_of_two(rings[i]) || rings[i] < XDP_RING_MIN || rings[i] > XDP_RING_MAX)
            return leat_fail(EINVAL, "%s: a ring of %u descriptors; it must be %u, %u ... %u",
                             opts->name, rings[i], XDP_RING_MIN, 2 * XDP_RING_MIN, XDP_RING_MAX);
    if (q->pool->stride < CHUNK_MIN || q->pool->stride > CHUNK_MAX)
        return leat_fail(EINVAL,
                         "%s: AF_XDP takes buffers of %u to %u bytes, not of %u; choose another "
                         "stride for the pool",
                         opts->name, CHUNK_MIN, CHUNK_MAX, q->pool->stride);
    if (q->chunk < CHUNK_MIN || q->chunk > q->pool->stride)
        return leat_fail(EINVAL,
                         "%s: frame-size=%u: it must be %u at least, and at most the pool's "
                         "buffers of %u bytes",
                         opts->name, q->chunk, CHUNK_MIN, q->pool->stride);
    if (opts->frame_max > q->chunk - LEAT_BUFFER_START && !opts->segments)
        return leat_fail(EINVAL,
                         "%s: frames of %u bytes do not fit into one buffer, which has room for "
                         "%u; take a smaller MTU, or frames of several buffers",
                         opts->name, opts->frame_max, q->chunk - LEAT_BUFFER_START);
    return 0;
}

static int prepare(struct xdp_queue *q, struct leat_pool *pool,
                   const struct xdp_socket_opts *opts) {
    uint32_t chunk = opts->frame_bytes ? opts->frame_bytes : pool->stride;
    *q = (struct xdp_queue){
        .base = pool->base,
        .pool = pool,
        .chunk = chunk,
        .tx_reserve = opts->tx_metadata ? sizeof(struct xdp_tx_metadata) : 0,
        .fd = -1,
        .need_wakeup = opts->need_wakeup,
        .busy_poll = opts->wait == XDP_WAIT_BUSY_POLL,
        .unaligned = !power_of_two(pool->stride) || chunk != pool->stride,
        .opts = *opts,
    };
    return check_options(q);
}

static int open_socket(struct xdp_queue *q) {
    q->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (q->fd >= 0)
        return 0;
    if (errno == EPERM)
        return leat_permission_missing(q->opts.name, "open an AF_XDP socket");
    if (errno == EAFNOSUPPORT)
        return leat_fail(ENOTSUP, "%s: this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)",
                         q->opts.name);
    return fail(q, "open an AF_XDP socket");
}

/* The limit of locked memory counts each registration, unless CAP_IPC_LOCK is held. */
static bool raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

static int register_umem(struct xdp_queue *q) {
    const struct xdp_umem_registration umem = {
        .addr = (uint64_t)(uintptr_t)q->base,
        .len = q->pool->bytes,
        .chunk_size = q->chunk,
        .flags = (q->unaligned ? XDP_UMEM_UNALIGNED_CHUNK_FLAG : 0) |
                 (q->tx_reserve ? XDP_UMEM_TX_METADATA_LEN : 0),
        .tx_metadata_len = q->tx_reserve,
    };
    int err = setsockopt(q->fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem));
    if (err < 0 && errno == ENOBUFS && raise_limit())
        err = setsockopt(q->fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem));
    if (err == 0)
        return 0;
    unsigned long mib = (unsigned long)(q->pool->bytes >> 20);
    if (errno == ENOBUFS || errno == EPERM)
        return leat_fail(EPERM,
                         "%s: queue %u: cannot lock the pool's %lu MiB, once a queue: the limit is "
                         "too low; raise it ('ulimit -l'), or give the capability CAP_IPC_LOCK",
                         q->opts.name, q->opts.queue, mib);
    if (errno == EINVAL && q->tx_reserve)
        return leat_fail(ENOTSUP,
                         "%s: this kernel takes no metadata with frames to be sent; "
                         "tx-metadata= needs Linux 6.11",
                         q->opts.name);
    return leat_fail(errno, "%s: queue %u: cannot register the pool's %lu MiB as UMEM: %s",
                     q->opts.name, q->opts.queue, mib, strerror(errno));
}

/* Of two directions each: the fill ring has room for XDP_FILL_SPARE more than the rx ring. */
static int size_rings(struct xdp_queue *q) {
    const struct {
        int option;
        uint32_t entries;
        const char *what;
    } rings[] = {
        { XDP_UMEM_FILL_RING, 2 * q->opts.rx_ring, "make the fill ring" },
        { XDP_UMEM_COMPLETION_RING, q->opts.tx_ring, "make the completion ring" },
        { XDP_RX_RING, q->opts.rx_ring, "make the rx ring" },
        { XDP_TX_RING, q->opts.tx_ring, "make the tx ring" },
    };
    for (int i = 0; i < 4; i++)
        if (setsockopt(q->fd, SOL_XDP, rings[i].option, &rings[i].entries,
                       sizeof(rings[i].entries)) < 0)
            return fail(q, rings[i].what);
    return 0;
}

/* Before 6.17 it was 32, and could not be set. */
static void set_tx_budget(struct xdp_queue *q) {
    uint32_t budget = q->opts.tx_ring;
    bool set = setsockopt(q->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget)) == 0;
    q->tx_budget = set ? budget : 32;
}

static int set_busy_poll(struct xdp_queue *q) {
    const struct {
        int option, value;
    } settings[] = {
        { SO_PREFER_BUSY_POLL, 1 },
        { SO_BUSY_POLL, BUSY_POLL_US },
        { SO_BUSY_POLL_BUDGET, BUSY_POLL_BUDGET },
    };
    for (int i = 0; q->busy_poll && i < 3; i++) {
        if (setsockopt(q->fd, SOL_SOCKET, settings[i].option, &settings[i].value, sizeof(int)) == 0)
            continue;
        if (errno == EPERM)
            return leat_permission_missing(q->opts.name, "poll the driver (wait=busy-poll)");
        if (errno == ENOPROTOOPT)
            return leat_fail(ENOTSUP,
                             "%s: this kernel has no busy polling (CONFIG_NET_RX_BUSY_POLL)",
                             q->opts.name);
        return fail(q, "set busy polling up");
    }
    return 0;
}

static void close_socket(struct xdp_queue *q) {
    if (q->fd >= 0)
        close(q->fd);
    q->fd = -1;
}

int xdp_socket_create(struct xdp_queue *q, struct leat_pool *pool,
                      const struct xdp_socket_opts *opts) {
    int err = prepare(q, pool, opts);
    if (err || (err = open_socket(q)) || (err = register_umem(q)) || (err = size_rings(q)) ||
        (err = set_busy_poll(q)))
        close_socket(q);
    return err;
}

int xdp_socket_adopt(struct xdp_queue *q, int fd, struct leat_pool *pool,
                     const struct xdp_socket_opts *opts) {
    int err = prepare(q, pool, opts);
    if (err == 0)
        q->fd = fd;
    return err;
}

/* --- Map --- */

static int map_ring(struct xdp_queue *q, struct xdp_ring *ring, const struct xdp_ring_offset *at,
                    uint32_t entries, size_t entry_bytes, off_t place) {
    uint64_t bytes = at->desc + entries * entry_bytes;
    uint8_t *map =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, q->fd, place);
    if (map == MAP_FAILED)
        return fail(q, "map the socket's rings");
    *ring = (struct xdp_ring){
        .producer = (uint32_t *)(map + at->producer),
        .consumer = (uint32_t *)(map + at->consumer),
        .flags = (uint32_t *)(map + at->flags),
        .entries = map + at->desc,
        .mask = entries - 1,
        .map = map,
        .map_bytes = bytes,
    };
    return 0;
}

void xdp_unmap_rings(struct xdp_queue *q) {
    struct xdp_ring *const rings[] = { &q->fill, &q->completion, &q->rx, &q->tx };
    for (int i = 0; i < 4; i++) {
        if (rings[i]->map)
            munmap(rings[i]->map, rings[i]->map_bytes);
        *rings[i] = (struct xdp_ring){ 0 };
    }
}

int xdp_socket_map(struct xdp_queue *q) {
    struct xdp_mmap_offsets at;
    socklen_t bytes = sizeof(at);
    uint32_t rx = q->opts.rx_ring, tx = q->opts.tx_ring;
    int err;
    if (getsockopt(q->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &bytes) < 0)
        return fail(q, "ask where the socket's rings are");
    set_tx_budget(q);
    if ((err = map_ring(q, &q->fill, &at.fr, 2 * rx, sizeof(uint64_t),
                        (off_t)XDP_UMEM_PGOFF_FILL_RING)) ||
        (err = map_ring(q, &q->completion, &at.cr, tx, sizeof(uint64_t),
                        (off_t)XDP_UMEM_PGOFF_COMPLETION_RING)) ||
        (err = map_ring(q, &q->rx, &at.rx, rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING)) ||
        (err = map_ring(q, &q->tx, &at.tx, tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING)))
        xdp_unmap_rings(q);
    return err;
}

/* --- Start --- */

void xdp_set_limits(struct xdp_queue *q) {
    q->segments_max = q->segments_max ? q->segments_max : 1; /* of rings that nobody bound */
    q->single_max = q->chunk - q->tx_reserve;
    q->frame_max = q->segments_max * q->single_max;
    if (q->opts.frame_max && q->opts.frame_max < q->frame_max)
        q->frame_max = q->opts.frame_max;
    if (q->single_max > q->frame_max)
        q->single_max = q->frame_max;
}

int xdp_socket_start(struct xdp_queue *q, struct leat_port *port, struct leat_cache *cache) {
    uint32_t index = q->head.public.index;
    q->head.public = (struct leat_queue){ xdp_rx, xdp_tx, port, cache, index };
    q->process = getpid();
    q->held = calloc(q->pool->buffers, sizeof(*q->held));
    if (!q->held || xdp_sent_create(q) < 0)
        return leat_fail(ENOMEM, "%s: queue %u: no memory", q->opts.name, q->opts.queue);
    xdp_set_limits(q);
    q->fill_missing = q->opts.rx_ring + XDP_FILL_SPARE;
    for (uint32_t before = 0; q->fill_missing != before;) {
        before = q->fill_missing;
        xdp_refill(q);
    }
    if (q->fill_missing > 0)
        return leat_fail(ENOMEM, "%s: queue %u: the pool has not the %u buffers for receiving",
                         q->opts.name, q->opts.queue, q->opts.rx_ring + XDP_FILL_SPARE);
    return 0;
}
