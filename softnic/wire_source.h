/* SPDX-License-Identifier: BSD-2-Clause */
/* When a wire that makes frames of itself may bring them: the driver receives, and the pace says.
 */
#ifndef SOFTNIC_WIRE_SOURCE_H
#define SOFTNIC_WIRE_SOURCE_H

#include "pacer.h"
#include "wire_line.h"

struct wire_source {
    struct pacer pacer;
    bool started;
};

/* The beginning of a turn. False: no frames now, because no driver receives; a wire that does not
 * wait heeds that only before its first frame. */
bool wire_source_turn(struct wire_source *source, const struct wire_line *line, uint64_t now_ns);

/* The port's own address as the receive filter has it. */
void wire_source_mac(struct nic *nic, uint8_t mac[6]);

#endif
