/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of hosts to addresses without waiting: getaddrinfo(3) in a thread of its own, which may
 * take as long as it likes, also longer than whoever asked is interested. */
#ifndef LEAT_FLOW_RESOLVE_H
#define LEAT_FLOW_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>

/* Waits. 0 or an EAI_... of getaddrinfo(3). */
int leat_resolve(const char *host, const char *port, int socket_type, struct addrinfo **addresses);

struct leat_resolving;
/* NULL: no memory, or no thread. */
struct leat_resolving *leat_resolve_start(const char *host, const char *port, int socket_type);
/* True when the answer is there: addresses, to be freed with freeaddrinfo(3), or `*err`. */
bool leat_resolve_done(struct leat_resolving *resolving, struct addrinfo **addresses, int *err);
/* No longer interested. */
void leat_resolve_drop(struct leat_resolving *resolving);

#endif
