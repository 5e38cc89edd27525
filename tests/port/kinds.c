/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of port. */
#include "rig.h"

extern struct port_kind kind_null, kind_null_4q;
extern struct port_kind kind_pcap, kind_pcap_read, kind_pcap_write;
extern struct port_kind kind_tap, kind_tap_4q, kind_tap_jumbo;

struct port_kind *const port_kinds[] = {
    &kind_null,   &kind_null_4q,   &kind_pcap, &kind_pcap_read, &kind_pcap_write, &kind_tap,
    &kind_tap_4q, &kind_tap_jumbo, NULL,
};
