#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The ports that need no NIC pass the conformance suite on this kernel: taps, and the emulated 82599.
#
# programs: leat port-suite ip
# modules: tun
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

for kind in null-4q tap tap-4q tap-jumbo ixgbe ixgbe-jumbo; do
    ok "the suite passes on $kind" port-suite "$kind"
done
