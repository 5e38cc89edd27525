#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The systemd unit of leat probe is one that systemd takes without a warning.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need systemd-analyze
sed "s|@bindir@/leat|$LEAT|" "$(dirname "$0")/../../dist/leat-probe@.service" >"$here/leat-probe@lo.service"
systemd-analyze verify --man=no "$here/leat-probe@lo.service" >"$here/verify.log" 2>&1 ||
    fail "systemd-analyze verify"
if grep "leat-probe@" "$here/verify.log"; then fail "systemd warns"; fi
