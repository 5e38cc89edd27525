#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Records into ClickHouse, the table of docs/clickhouse.md: every packet and octet is in it, and the
# queries of that page run. A table that is not there, and a server that is not, cost counted records.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
PATH=$PATH:/usr/sbin
need_root
need ip curl clickhouse-server
FLOW_SEND=$(realpath "${FLOW_SEND:?names the program tests/unit/flow_send}")
page=$(realpath "$(dirname "$0")/../../docs/clickhouse.md")
said() { python3 -c "import json,sys; print(json.loads(open(sys.argv[1]).readlines()[-1])['$2'])" "$1"; }

namespace lt-clickhouse
inside() { ip netns exec lt-clickhouse "$@"; }
cat >"$here/config.xml" <<END
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host><http_port>8123</http_port><tcp_port>9000</tcp_port>
  <path>$here/data/</path><tmp_path>$here/tmp/</tmp_path>
  <users_config>$here/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
</yandex>
END
cat >"$here/users.xml" <<END
<yandex>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
</yandex>
END
mkdir "$here/data" "$here/tmp"
start server ip netns exec lt-clickhouse clickhouse-server --config-file="$here/config.xml"
ask() { inside curl -sS --fail-with-body http://127.0.0.1:8123/ --data-binary "$1"; }
until_true "the server answers" ask "SELECT 1" >/dev/null

# The page's indented blocks, as far as this server can: the table first, then the queries.
python3 - "$page" "$here" <<'END'
import sys
block, blocks = [], []
for line in open(sys.argv[1]).read().split("## By way of Kafka")[0].splitlines() + [""]:
    if line.startswith("    "):
        block.append(line[4:])
    elif block:
        blocks.append("\n".join(block))
        block = []
sql = [b for b in blocks if b.startswith(("CREATE", "SELECT"))]
for i, text in enumerate(sql):
    open(f"{sys.argv[2]}/{i}.sql", "w").write(text)
END

say "20,000 records"
ask "$(cat "$here/0.sql")" || fail "the table cannot be made"
inside "$FLOW_SEND" -n 20000 clickhouse://127.0.0.1/flows 2>"$here/sent.json"
[ "$(said "$here/sent.json" records)" = 20000 ] || fail "not all were inserted: $(cat "$here/sent.json")"
[ "$(said "$here/sent.json" state)" = closed ] || fail "all was sent, yet it is $(said "$here/sent.json" state)"
[ "$(said "$here/sent.json" failures)" = 0 ] || fail "something failed on the way: $(cat "$here/sent.json")"
ask "SELECT count(), sum(packetDeltaCount), sum(octetDeltaCount), sum(reverseOctetDeltaCount),
    countIf(sourceIPv6Address != '') FROM flows" >"$here/sums"
python3 - >"$here/expected" <<'END'
both = [i for i in range(20000) if i % 4 != 1]
print(20000, sum(1 + i % 10 for i in range(20000)), sum(100 + i for i in range(20000)),
      sum(1100 + i for i in both), 5000, sep="\t")
END
diff "$here/expected" "$here/sums" || fail "the table has other sums"

say "the page's queries"
for query in "$here"/[1-9].sql; do
    [ -n "$(ask "$(cat "$query")")" ] || fail "nothing came of $(cat "$query")"
done

say "a table that is not there"
inside "$FLOW_SEND" -n 10 clickhouse://127.0.0.1/nothing 2>"$here/nothing.json"
[ "$(said "$here/nothing.json" lost)" = 10 ] || fail "refused records are not counted"
grep -q "doesn't exist" "$here/nothing.json" || fail "the server's reason is not told"

say "a server that is not there"
kill -TERM "${pid[server]}"
ended server || true
inside "$FLOW_SEND" -n 10 -c 500 clickhouse://127.0.0.1/flows 2>"$here/away.json"
[ "$(said "$here/away.json" lost)" = 10 ] || fail "records that could not go out are not counted"
[ "$(said "$here/away.json" state)" = "in trouble" ] || fail "the end is no trouble"

say "fail-over: another sink gets all while the server is not there"
inside "$LEAT" probe "$(dirname "$page")/../tests/captures/protocols.pcap" --failover \
    --to clickhouse://127.0.0.1/flows --to "json:$here/second.json" --json "$here/report.json" 2>"$here/probe.log" ||
    fail "leat probe: exit code $?"
[ "$(wc -l <"$here/second.json")" = "$(json "$here/report.json" '["exporter"]["exported"]')" ] ||
    fail "the second got $(wc -l <"$here/second.json") records"
