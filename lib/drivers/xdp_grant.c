/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program without privilege is given: queues of an interface that nobody else has, a stage
 * of its own there, and a socket a queue. */
#include "lib/core/foreign.h"
#include "xdp_match.h"
#include "xdp_server.h"
#include "xdp_tie.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MATCH_BYTES 2048

static struct xdp_served *find_served(struct leat_xdp_server *server, const char *interface) {
    for (uint32_t i = 0; i < server->opts.served_count; i++)
        if (strcmp(server->served[i].interface, interface) == 0)
            return &server->served[i];
    leat_fail(EACCES, "%s is not among the interfaces that are served here", interface);
    return NULL;
}

/* Settings that programs need stay until the last of them is gone. */
static int hold(struct xdp_served *served) {
    int err = served->grants ? leat_netdev_refresh(&served->dev)
                             : leat_netdev_open(&served->dev, served->interface);
    if (err == 0)
        served->grants++;
    return err;
}

static void release(struct xdp_served *served) {
    if (--served->grants == 0)
        leat_netdev_restore(&served->dev);
}

/* Which queues are asked for, of those that are served and there. */
static int choose_queues(struct xdp_grant *grant, const struct xdp_request *request) {
    const struct xdp_served *served = grant->served;
    uint32_t there = served->dev.rx_queues < served->dev.tx_queues ? served->dev.rx_queues
                                                                   : served->dev.tx_queues;
    uint32_t end = served->count ? served->first + served->count : there;
    end = end < there ? end : there;
    grant->queue = request->queue == XDP_MESSAGE_ANY ? served->first : request->queue;
    uint32_t rest = grant->queue >= served->first && grant->queue < end ? end - grant->queue : 0;
    grant->queues = request->queues ? request->queues : rest;
    if (grant->queues > LEAT_QUEUES_MAX)
        grant->queues = LEAT_QUEUES_MAX;
    if (rest && grant->queues <= rest)
        return 0;
    if (served->first >= end)
        return leat_fail(EINVAL, "%s has no queue %u, from which on it is served",
                         served->interface, served->first);
    return leat_fail(EINVAL, "of %s only queues %u to %u are served, not queue %u",
                     served->interface, served->first, end - 1, rest ? end : grant->queue);
}

/* A queue belongs to one program. */
static int check_free(const struct leat_xdp_server *server, const struct xdp_grant *grant) {
    for (uint32_t i = 0; i < server->client_count; i++) {
        const struct xdp_client *other = server->clients[i];
        const struct xdp_grant *its = &other->grant;
        if (its == grant || its->served != grant->served)
            continue;
        uint32_t first = its->queue > grant->queue ? its->queue : grant->queue;
        if (first < its->queue + its->queues && first < grant->queue + grant->queues)
            return leat_fail(EBUSY, "queue %u of %s is in use by %s", first,
                             grant->served->interface, other->name);
    }
    return 0;
}

static int check_memory(const struct leat_xdp_server *server, const struct xdp_request *request,
                        int memory) {
    struct leat_pool *pool;
    uint64_t used = 0;
    for (uint32_t i = 0; i < server->client_count; i++)
        used += server->clients[i]->grant.memory_bytes;
    if (request->pool_bytes > server->opts.memory_bytes - used)
        return leat_fail(ENOMEM,
                         "a pool of %lu MiB is too much: %lu of %lu MiB are left for all "
                         "programs",
                         (unsigned long)(request->pool_bytes >> 20),
                         (unsigned long)((server->opts.memory_bytes - used) >> 20),
                         (unsigned long)(server->opts.memory_bytes >> 20));
    int err = leat_foreign_map(&pool, memory, request->pool_bytes, request->stride);
    if (err == 0)
        leat_foreign_unmap(pool);
    return err;
}

static int open_stage(const struct leat_xdp_server *server, struct xdp_grant *grant,
                      const struct xdp_request *request) {
    char match[MATCH_BYTES];
    struct leat_stage_opts opts = {
        .mode = (enum leat_xdp_mode)server->opts.attach,
        .metadata = request->rx_metadata,
        .queues = grant->served->dev.rx_queues,
    };
    int err = xdp_match_join(match, sizeof(match), server->match, request->match);
    if (err < 0)
        return err;
    if (*match)
        opts.match = match;
    if (opts.mode == LEAT_XDP_AUTO)
        opts.mode = (enum leat_xdp_mode)request->attach;
    else if (request->attach != LEAT_XDP_AUTO && request->attach != (uint32_t)opts.mode)
        return leat_fail(EACCES, "%s is served in %s mode only", grant->served->interface,
                         opts.mode == LEAT_XDP_NATIVE ? "native" : "generic");
    return leat_stage_open(&grant->stage, grant->served->interface, grant->served->dev.index,
                           &opts);
}

static int apply_settings(struct xdp_served *served, const struct xdp_request *request) {
    int err = 0;
    if (request->promisc && !served->dev.promisc)
        err = leat_netdev_set_promisc(&served->dev, true);
    if (err == 0 && request->wait == XDP_WAIT_BUSY_POLL)
        err = leat_netdev_defer_interrupts(&served->dev);
    return err;
}

static void fill_facts(const struct xdp_grant *grant, struct xdp_answer *answer) {
    const struct leat_netdev *dev = &grant->served->dev;
    answer->ifindex = dev->index;
    answer->mtu = dev->mtu;
    answer->up = dev->up && dev->carrier;
    answer->speed_mbps = dev->speed_mbps;
    answer->zerocopy_segments_max = dev->zerocopy_segments_max;
    answer->features_known = dev->features_known;
    answer->xdp_features = dev->xdp_features;
    answer->xsk_features = dev->xsk_features;
    memcpy(answer->mac, dev->mac, sizeof(answer->mac));
    memcpy(answer->driver, dev->driver, sizeof(answer->driver));
    answer->queue = grant->queue;
    answer->queues = grant->queues;
    answer->attach = leat_stage_mode(grant->stage);
    answer->rx_metadata = leat_stage_metadata(grant->stage);
}

static int open_grant(struct leat_xdp_server *server, struct xdp_client *client,
                      const struct xdp_request *request, int memory, struct xdp_answer *answer) {
    struct xdp_grant *grant = &client->grant;
    if (!client->allowed)
        return leat_fail(EACCES,
                         "%s may not use this server; whoever runs it allows users by "
                         "--allow-user and --allow-group",
                         client->name);
    if (grant->served)
        return leat_fail(EBUSY, "one connection is for one interface, and has it");
    struct xdp_served *served = find_served(server, request->interface);
    int err = served ? hold(served) : -EACCES;
    if (err < 0)
        return err;
    grant->served = served; /* from here on xdp_grant_end() undoes it */
    if ((err = choose_queues(grant, request)) < 0 || (err = check_free(server, grant)) < 0 ||
        (err = check_memory(server, request, memory)) < 0 ||
        (err = apply_settings(served, request)) < 0 ||
        (err = open_stage(server, grant, request)) < 0)
        return err;
    grant->memory = memory;
    grant->memory_bytes = request->pool_bytes;
    grant->stride = request->stride;
    fill_facts(grant, answer);
    xdp_server_tell(server, "%s: has %u %s of %s from queue %u on", client->name, grant->queues,
                    grant->queues == 1 ? "queue" : "queues", served->interface, grant->queue);
    return 0;
}

/* Its place among the sockets, or a negative errno. */
static int find_socket(const struct xdp_grant *grant, uint32_t queue) {
    if (queue < grant->queue || queue - grant->queue >= grant->queues)
        return leat_fail(EINVAL, "queue %u of %s is not yours", queue, grant->served->interface);
    return (int)(queue - grant->queue);
}

/* The pages stay pinned when the mapping is gone. */
static int create_socket(const struct xdp_grant *grant, const struct xdp_socket_opts *opts) {
    struct leat_pool *pool;
    struct xdp_queue queue;
    int err = leat_foreign_map(&pool, grant->memory, grant->memory_bytes, grant->stride);
    if (err < 0)
        return err;
    err = xdp_socket_create(&queue, pool, opts);
    leat_foreign_unmap(pool);
    if (err == 0 && (err = xdp_tie(queue.fd, opts->ifindex)) < 0)
        close(queue.fd);
    return err < 0 ? err : queue.fd;
}

static int make_socket(struct xdp_grant *grant, const struct xdp_request *request) {
    int at = find_socket(grant, request->queue);
    if (at < 0)
        return at;
    if (grant->given[at])
        return leat_fail(EBUSY, "the socket of queue %u was handed over already", request->queue);
    const struct xdp_socket_opts opts = {
        .name = grant->served->interface,
        .ifindex = grant->served->dev.index,
        .queue = request->queue,
        .zerocopy = (enum xdp_zerocopy)request->zerocopy,
        .wait = (enum xdp_wait)request->wait,
        .need_wakeup = request->need_wakeup,
        .segments = request->segments,
        .frame_bytes = request->frame_bytes,
        .frame_max = request->frame_max,
        .zerocopy_segments_max = grant->served->dev.zerocopy_segments_max,
        .rx_ring = request->rx_ring,
        .tx_ring = request->tx_ring,
        .rx_metadata = request->rx_metadata,
        .tx_metadata = request->tx_metadata,
    };
    int fd = create_socket(grant, &opts);
    if (fd >= 0)
        grant->sockets[at] = fd;
    grant->given[at] = fd >= 0;
    return fd;
}

/* Only the program has the socket after that: when it dies, the kernel takes the socket out of the
 * stage by itself. */
static int start_socket(struct xdp_grant *grant, uint32_t queue) {
    int at = find_socket(grant, queue);
    if (at < 0)
        return at;
    if (grant->sockets[at] < 0)
        return leat_fail(EPROTO, "no socket of queue %u was asked for", queue);
    int err = leat_stage_set_socket(grant->stage, queue, grant->sockets[at]);
    close(grant->sockets[at]);
    grant->sockets[at] = -1;
    return err;
}

static int tell_link(struct xdp_grant *grant, struct xdp_answer *answer) {
    int err = leat_netdev_refresh(&grant->served->dev);
    if (err == 0)
        fill_facts(grant, answer);
    return err;
}

static int obey(struct leat_xdp_server *server, struct xdp_client *client,
                const struct xdp_request *request, int memory, struct xdp_answer *answer) {
    struct xdp_grant *grant = &client->grant;
    if (request->head.kind == XDP_MESSAGE_OPEN)
        return open_grant(server, client, request, memory, answer);
    if (!grant->served && request->head.kind != XDP_MESSAGE_CLOSE)
        return leat_fail(EPROTO, "no interface was asked for yet");
    switch (request->head.kind) {
    case XDP_MESSAGE_SOCKET:
        return make_socket(grant, request);
    case XDP_MESSAGE_START:
        return start_socket(grant, request->queue);
    case XDP_MESSAGE_LINK:
        return tell_link(grant, answer);
    default:
        xdp_grant_end(grant);
        return 0;
    }
}

int xdp_grant_answer(struct leat_xdp_server *server, struct xdp_client *client,
                     const struct xdp_request *request, int memory, struct xdp_answer *answer) {
    struct xdp_grant *grant = &client->grant;
    bool had = grant->served != NULL;
    int rc = obey(server, client, request, memory, answer);
    bool kept = memory >= 0 && grant->memory == memory;
    answer->error = rc < 0 ? rc : 0;
    if (rc < 0) {
        snprintf(answer->text, sizeof(answer->text), "%s", leat_error());
        xdp_server_tell(server, "%s: refused: %s", client->name, answer->text);
        if (!had)
            xdp_grant_end(grant);
    }
    if (memory >= 0 && !kept)
        close(memory);
    return request->head.kind == XDP_MESSAGE_SOCKET ? rc : -1;
}

void xdp_grant_begin(struct xdp_grant *grant) {
    *grant = (struct xdp_grant){ .memory = -1 };
    memset(grant->sockets, -1, sizeof(grant->sockets));
}

void xdp_grant_end(struct xdp_grant *grant) {
    leat_stage_close(grant->stage);
    for (uint32_t i = 0; i < LEAT_QUEUES_MAX; i++)
        if (grant->sockets[i] >= 0)
            close(grant->sockets[i]);
    if (grant->memory >= 0)
        close(grant->memory);
    if (grant->served)
        release(grant->served);
    xdp_grant_begin(grant);
}
