/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of port. */
#include "rig.h"

extern struct port_kind kind_null, kind_null_4q;
extern struct port_kind kind_pcap, kind_pcap_read, kind_pcap_write;
extern struct port_kind kind_tap, kind_tap_4q, kind_tap_jumbo;
extern struct port_kind kind_ixgbe, kind_ixgbe_4q, kind_ixgbe_jumbo, kind_ixgbe_messages;

struct port_kind *const port_kinds[] = {
    &kind_null,
    &kind_null_4q,
    &kind_pcap,
    &kind_pcap_read,
    &kind_pcap_write,
    &kind_tap,
    &kind_tap_4q,
    &kind_tap_jumbo,
    &kind_ixgbe,
    &kind_ixgbe_4q,
    &kind_ixgbe_jumbo,
    &kind_ixgbe_messages,
    NULL,
};
