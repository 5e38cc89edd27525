/* SPDX-License-Identifier: BSD-2-Clause */
/* What a wire that makes frames asks its NIC before the first one. */
#ifndef SOFTNIC_WIRE_RECEIVER_H
#define SOFTNIC_WIRE_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

struct nic;

/* Whether the driver has finished setting up reception: until then frames would only be lost. */
bool wire_receiver_ready(struct nic *nic);

/* The port's own address as the receive filter has it. */
void wire_receiver_mac(struct nic *nic, uint8_t mac[6]);

#endif
