#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Stages in libxdp's dispatcher, which takes a kernel that lets programs replace functions of others
# (freplace): programs are components beside each other there, and what a
# killed one left is taken out by the next start.
#
# programs: ip bpftool test_stage_sharing
# modules: veth
# files: /usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

ok "programs share an interface" test_stage_sharing
if grep -q 'does not let programs replace' "$here/output"; then
    cat "$here/output"
    fail "the dispatcher is refused"
fi
echo "ok: they share it in a dispatcher"
