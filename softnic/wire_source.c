/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads in the NIC's registers whether and as whom it receives (82599 datasheet, section 8.2.3). */
#include "wire_source.h"

#define RXDCTL0       0x1028 /* 8.2.3.8.6 */
#define RXDCTL_ENABLE (1u << 25)
#define RXCTRL        0x3000 /* 8.2.3.8.10 */
#define RXCTRL_RXEN   (1u << 0)
#define RAL0          0xa200 /* 8.2.3.7.7 */
#define RAH0          0xa204 /* 8.2.3.7.8 */

/* RXCTRL.RXEN is the last that a driver sets, after its queues (4.6.7). */
static bool receives(struct nic *nic) {
    return nic_link_up(nic) && nic_read(nic, RXCTRL) & RXCTRL_RXEN &&
           nic_read(nic, RXDCTL0) & RXDCTL_ENABLE;
}

bool wire_source_turn(struct wire_source *source, const struct wire_line *line, uint64_t now_ns) {
    if ((line->waits || !source->started) && !receives(line->wire.nic)) {
        pacer_stand_still(&source->pacer, now_ns);
        return false;
    }
    if (!source->started)
        pacer_start(&source->pacer, now_ns);
    source->started = true;
    pacer_go_on(&source->pacer, now_ns);
    return true;
}

void wire_source_mac(struct nic *nic, uint8_t mac[6]) {
    uint64_t address = nic_read(nic, RAL0) | (uint64_t)nic_read(nic, RAH0) << 32;
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)(address >> 8 * i); /* the first byte on the wire is the lowest */
}
