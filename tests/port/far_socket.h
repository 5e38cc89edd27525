/* SPDX-License-Identifier: BSD-2-Clause */
/* The far end of a port that is a network interface: a packet socket, on the interface itself where
 * the kernel is opposite (taps), or on the one opposite. One at a time. */
#ifndef LEAT_TESTS_PORT_FAR_SOCKET_H
#define LEAT_TESTS_PORT_FAR_SOCKET_H

#include <stdint.h>

struct rig;

/* Enters a network namespace that ends with the process and whose interfaces say nothing on their
 * own. NULL, or why it cannot. */
const char *far_namespace(void);

void far_socket_open(const char *interface);
void far_socket_close(void);

/* Interfaces lt-port and lt-far with a cable between them, in such a namespace; the socket is on
 * lt-far. */
const char *far_veth_namespace(void);
void far_veth_open(uint32_t queues, uint32_t mtu);
void far_veth_close(void);

/* As struct port_kind's bring() and collect(). */
void far_socket_bring(struct rig *rig, const uint8_t *frame, uint32_t bytes);
uint32_t far_socket_collect(struct rig *rig, uint8_t *frame);

#endif
