# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash source-path=SCRIPTDIR source=../stories/story.sh
# What every test in a guest begins with: all that stories have (tests/stories/story.sh), and
#
#   ok WHAT COMMAND...                 it has to succeed
#   refused WHAT PATTERN COMMAND...    it has to fail with a sentence that the pattern fits

. "$(dirname "$0")/../stories/story.sh"

ok() {
    local what=$1
    shift
    "$@" >"$here/output" 2>&1 || { cat "$here/output"; fail "$what"; }
    echo "ok: $what"
}

refused() {
    local what=$1 pattern=$2
    shift 2
    ! "$@" >"$here/output" 2>&1 || { cat "$here/output"; fail "$what: not refused"; }
    grep -qE -- "$pattern" "$here/output" || { cat "$here/output"; fail "$what: refused otherwise"; }
    echo "ok: $what: $(grep -E -m 1 -- "$pattern" "$here/output")"
}
