#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Records to a Kafka broker (librdkafka's mock of one), read back with kcat: each once, each the same
# as in a JSON file; as Protobuf, too, which Google's own library reads. And to a broker that is not
# there: each is counted as lost.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
[ -x "${KAFKA_MOCK:-}" ] || skip "needs librdkafka, which the build did not find"
need kcat
FLOW_SEND=$(realpath "${FLOW_SEND:?names the program tests/unit/flow_send}")
compare=$(realpath "$(dirname "$0")/protobuf_compare.py")
proto=$(realpath "$(dirname "$0")/../../lib/flow/leat_flow.proto")
said() { python3 -c "import json,sys; print(json.loads(open(sys.argv[1]).readlines()[-1])['$2'])" "$1"; }

mkfifo "$here/until"
"$KAFKA_MOCK" <"$here/until" >"$here/broker" 2>"$here/mock.log" &
pid[mock]=$!
exec 7>"$here/until"
until_true "the broker tells its address" grep -q : "$here/broker"
broker=$(cat "$here/broker")

# The mock keeps 5 MB of a topic.
say "5,000 records, each once and unaltered"
"$FLOW_SEND" -n 5000 -b 1700000000 "kafka://$broker/flows" 2>"$here/kafka.json"
[ "$(said "$here/kafka.json" records)" = 5000 ] || fail "not all were delivered: $(cat "$here/kafka.json")"
[ "$(said "$here/kafka.json" lost)" = 0 ] || fail "records were lost"
[ "$(said "$here/kafka.json" state)" = closed ] || fail "all was sent, yet it is $(said "$here/kafka.json" state)"
kcat -C -q -b "$broker" -t flows -o beginning -e >"$here/read" 2>"$here/kcat.log"
"$FLOW_SEND" -n 5000 -b 1700000000 json:- >"$here/written" 2>/dev/null
sort "$here/read" >"$here/read.sorted"
sort "$here/written" | cmp - "$here/read.sorted" || fail "Kafka has other records than the file"

if [ -n "${PROTOBUF:-}" ]; then
    # Messages come one after another, with their lengths before them.
    need protoc
    for options in "-f full" "-f default,payloadByteHistogram -u"; do
        say "1,000 records as Protobuf ($options)"
        topic=protobuf${#options}
        # shellcheck disable=SC2086 # words
        "$FLOW_SEND" -n 1000 -b 1700000000 $options "kafka+protobuf://$broker/$topic" \
            2>"$here/kafka.json"
        [ "$(said "$here/kafka.json" lost)" = 0 ] || fail "records were lost"
        kcat -C -q -b "$broker" -t "$topic" -o beginning -e -f '%R%s' >"$here/messages" 2>"$here/kcat.log"
        # shellcheck disable=SC2086
        "$FLOW_SEND" -n 1000 -b 1700000000 $options json:- >"$here/written" 2>/dev/null
        /usr/bin/python3 "$compare" "$proto" "$here/messages" "$here/written" >"$here/compare.log" ||
            fail "Protobuf has other records than JSON"
        cat "$here/compare.log"
    done
fi

say "no broker: all are lost, and counted"
exec 7>&-
ended mock || fail "the broker ended with $?"
"$FLOW_SEND" -n 100 -c 1000 "kafka://$broker/flows" 2>"$here/away.json"
[ "$(said "$here/away.json" lost)" = 100 ] || fail "not counted as lost: $(cat "$here/away.json")"
[ "$(grep -c 'records are lost' "$here/away.json")" = 1 ] || fail "that is not told once"
