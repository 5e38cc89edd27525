#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Huge pages are reserved for a moment: pools are had on 2 MiB and, where one can be made, on 1 GiB
# pages; `leat` takes them without being asked and says nothing of ordinary ones.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root

pages=/sys/kernel/mm/hugepages
[ -w "$pages/hugepages-2048kB/nr_hugepages" ] || skip "this kernel has no huge pages to reserve"
before_2m=$(cat "$pages/hugepages-2048kB/nr_hugepages")
before_1g=$(cat "$pages/hugepages-1048576kB/nr_hugepages" 2>/dev/null || true)
# shellcheck disable=SC2317 # called at the end
undo() {
    echo "$before_2m" >"$pages/hugepages-2048kB/nr_hugepages"
    [ -z "$before_1g" ] || echo "$before_1g" >"$pages/hugepages-1048576kB/nr_hugepages"
}

echo $((before_2m + 64)) >"$pages/hugepages-2048kB/nr_hugepages"
[ "$(cat "$pages/hugepages-2048kB/nr_hugepages")" -eq $((before_2m + 64)) ] ||
    skip "memory is too scattered for 64 huge pages"
export LEAT_HUGE_2M=1
if [ -n "$before_1g" ]; then
    echo $((before_1g + 1)) >"$pages/hugepages-1048576kB/nr_hugepages"
    [ "$(cat "$pages/hugepages-1048576kB/nr_hugepages")" -le "$before_1g" ] || export LEAT_HUGE_1G=1
fi

say "pools on 2 MiB pages${LEAT_HUGE_1G:+ and on 1 GiB pages}"
"$TEST_POOL" >"$here/pool.log" 2>&1 || fail "the pool's tests"

say "a program takes them"
"$LEAT" fwd --seconds 1 null:,size=64 null: >"$here/fwd.log" 2>&1 || fail "fwd"
grep -q "ordinary pages" "$here/fwd.log" && fail "the pool is on ordinary pages"
exit 0
