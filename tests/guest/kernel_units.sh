#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What asks the kernel for much does so on this kernel too: programs that its verifier has to accept,
# settings of interfaces.
#
# programs: ip ethtool test_pool test_journal test_netdev test_stage test_table_bpf test_tap_port test_xdp_guard test_xdp_socket test_xdp_server_start test_xdp_server test_xdp_fd_port
# modules: bridge macvlan tun veth
# files: /usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

for unit in pool journal netdev stage table_bpf tap_port xdp_guard xdp_socket \
    xdp_server_start xdp_server xdp_fd_port; do
    ok "test_$unit" "test_$unit"
done
