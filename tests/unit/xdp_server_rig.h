/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of AF_XDP sockets in a thread, which serves lt-a and queue 0 of its peer lt-b, two
 * queues each, in a network namespace of the process's own. Needs root. */
#ifndef LEAT_TESTS_UNIT_XDP_SERVER_RIG_H
#define LEAT_TESTS_UNIT_XDP_SERVER_RIG_H

#include "lib/drivers/xdp_message.h"
#include <leat/pool.h>
#include <leat/xdp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#define RIG_NOBODY 65534
#define RIG_GROUP  54321 /* an additional one of the process's */

extern char rig_path[64]; /* of the server's socket */
extern struct leat_pool *rig_pool;

/* Enters the namespace, or says why it cannot. */
bool rig_available(void);
int rig_group_set_up(void **state);
int rig_group_tear_down(void **state);

/* Makes the calling thread alone that user, with or without capabilities. */
void rig_become(uid_t uid);

/* Fails unless leat_error() holds these words. */
void rig_says(const char *words);

/* Starts with the options, to which the socket and the interfaces are added. */
void rig_start(struct leat_xdp_server_opts opts);
void rig_start_for_nobody(void);
void rig_stop(void);

/* After a test, one that failed amid too. */
int rig_clean_up(void **state);

/* A program that speaks the protocol by itself: connects; begins a request, for lt-a; asks, and
 * returns the answer's error, whose words are then leat_error(), and the descriptor that came
 * along, if one is expected; opens lt-a. */
int rig_connect(void);
struct xdp_request rig_request(uint16_t kind);
int rig_ask(int fd, const struct xdp_request *request, int send, int *received);
int rig_open(int fd);

/* The XDP program on an interface; 0: none. */
uint32_t rig_program_on(const char *interface);

#endif
