/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking for addresses in the background. */
#include "resolve.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct leat_resolving {
    char host[256], port[32];
    int socket_type;
    int err;
    struct addrinfo *addresses;
    bool done;      /* released by the thread when all above is there */
    int interested; /* the thread and the asker; the last one frees */
};

static int look_up(const char *host, const char *port, int socket_type, int flags,
                   struct addrinfo **addresses) {
    const struct addrinfo hints = { .ai_socktype = socket_type,
                                    .ai_family = AF_UNSPEC,
                                    .ai_flags = flags };
    *addresses = NULL;
    return getaddrinfo(host, port, &hints, addresses);
}

int leat_resolve(const char *host, const char *port, int socket_type, struct addrinfo **addresses) {
    return look_up(host, port, socket_type, 0, addresses);
}

static void release(struct leat_resolving *resolving) {
    if (__atomic_sub_fetch(&resolving->interested, 1, __ATOMIC_ACQ_REL))
        return;
    if (resolving->addresses)
        freeaddrinfo(resolving->addresses);
    free(resolving);
}

static void *ask(void *argument) {
    struct leat_resolving *resolving = argument;
    resolving->err = leat_resolve(resolving->host, resolving->port, resolving->socket_type,
                                  &resolving->addresses);
    __atomic_store_n(&resolving->done, true, __ATOMIC_RELEASE);
    release(resolving);
    return NULL;
}

struct leat_resolving *leat_resolve_start(const char *host, const char *port, int socket_type) {
    struct leat_resolving *resolving = calloc(1, sizeof(*resolving));
    pthread_attr_t attributes;
    pthread_t thread;
    if (!resolving)
        return NULL;
    strncpy(resolving->host, host, sizeof(resolving->host) - 1);
    strncpy(resolving->port, port, sizeof(resolving->port) - 1);
    resolving->socket_type = socket_type;
    resolving->interested = 1;
    if (look_up(host, port, socket_type, AI_NUMERICHOST, &resolving->addresses) == 0) {
        resolving->done = true; /* there was nothing to ask */
        return resolving;
    }
    resolving->interested = 2;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const int err = pthread_create(&thread, &attributes, ask, resolving);
    pthread_attr_destroy(&attributes);
    if (!err)
        return resolving;
    free(resolving);
    return NULL;
}

bool leat_resolve_done(struct leat_resolving *resolving, struct addrinfo **addresses, int *err) {
    if (!__atomic_load_n(&resolving->done, __ATOMIC_ACQUIRE))
        return false;
    *err = resolving->err;
    *addresses = resolving->addresses;
    resolving->addresses = NULL;
    return true;
}

void leat_resolve_drop(struct leat_resolving *resolving) {
    release(resolving);
}
