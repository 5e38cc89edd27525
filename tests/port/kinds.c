/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of port. */
#include "rig.h"

extern struct port_kind kind_null, kind_null_4q;
extern struct port_kind kind_pcap, kind_pcap_read, kind_pcap_write;
extern struct port_kind kind_tap, kind_tap_4q, kind_tap_jumbo;
#ifdef LEAT_TESTS_XDP
extern struct port_kind kind_xdp_native;
extern struct port_kind kind_xdp_native_2q;
extern struct port_kind kind_xdp_generic;
extern struct port_kind kind_xdp_generic_2q;
extern struct port_kind kind_xdp_spin;
extern struct port_kind kind_xdp_busy_poll;
extern struct port_kind kind_xdp_native_jumbo;
extern struct port_kind kind_xdp_generic_jumbo;
extern struct port_kind kind_xdp_one_queue;
extern struct port_kind kind_xdp_tap;
extern struct port_kind kind_xdp_zerocopy;
extern struct port_kind kind_xdp_zerocopy_2q;
extern struct port_kind kind_xdp_fd, kind_xdp_fd_2q, kind_xdp_fd_jumbo;
#endif
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
#ifdef LEAT_TESTS_XDP
    &kind_xdp_native,
    &kind_xdp_native_2q,
    &kind_xdp_generic,
    &kind_xdp_generic_2q,
    &kind_xdp_spin,
    &kind_xdp_busy_poll,
    &kind_xdp_native_jumbo,
    &kind_xdp_generic_jumbo,
    &kind_xdp_one_queue,
    &kind_xdp_tap,
    &kind_xdp_zerocopy,
    &kind_xdp_zerocopy_2q,
    &kind_xdp_fd,
    &kind_xdp_fd_2q,
    &kind_xdp_fd_jumbo,
#endif
    NULL,
};
