#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The ports that need no NIC pass the conformance suite on this kernel: taps, the emulated 82599,
# and interfaces that a server opens.
#
# programs: leat port-suite ip
# modules: tun veth
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

for kind in tap-4q tap-jumbo ixgbe ixgbe-jumbo xdp-fd xdp-fd-2q; do
    ok "the suite passes on $kind" port-suite "$kind"
done
