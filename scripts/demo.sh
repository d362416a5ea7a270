#!/usr/bin/env bash
# ./dev demo [--once]: makes certificates, starts a mixer and two racks, sends real traffic through both, and shows what
# was recorded. Everything lives in .demo/ and listens on loopback. FLUXRIG_DEMO_RATE and FLUXRIG_DEMO_SECONDS change the load.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

once=no
case ${1:-} in
  --once) once=yes ;;
  '') ;;
  *) echo "usage: ./dev demo [--once]" >&2; exit 2 ;;
esac
rate=${FLUXRIG_DEMO_RATE:-1000}
seconds=${FLUXRIG_DEMO_SECONDS:-20}
connections=${FLUXRIG_DEMO_CONNECTIONS:-32}

shop=http://127.0.0.1:18080/authorize
. scripts/stack.sh

number() { "$fluxrig" query --csv "$1" | tail -n 1 | tr -d '\r'; }

start_stack
say "Load: $rate requests a second for $seconds s over $connections connections, each with a W3C traceparent"
"$fluxrig" load http "$shop" --method POST --body-template examples/demo/authorize.json \
  --header 'content-type: application/json' --connections "$connections" --rate "$rate" --duration "${seconds}s" \
  --traceparent --ledger "$demo/ledger.txt"
answered=$(wc -l <"$demo/ledger.txt")

say "Stored"
stored="select count(*) from transactions where rack = 'edge'"
end=$((SECONDS + 30))
until [ "$(number "select least((select count(*) from transactions where rack='edge'), (select count(*) from transactions where rack='host'), (select coalesce(max(value), 0)::BIGINT from metrics where name = 'fluxrig.gear.messages' and gear = 'shop'))")" -ge "$answered" ] || [ $SECONDS -ge $end ]; do
  sleep 0.5
done
"$fluxrig" query "select 'transactions' as \"table\", count(*) as rows from transactions union all select 'spans', count(*) from spans
  union all select 'metrics', count(*) from metrics union all select 'logs', count(*) from logs union all select 'racks', count(*) from racks
  union all select 'ledger', count(*) from ledger"

failed=0
check() { # WHAT GOT WANTED
  if [ "$2" = "$3" ]; then printf '  ok    %-68s %s\n' "$1" "$2"; else printf '  WRONG %-68s %s, expected %s\n' "$1" "$2" "$3"; failed=1; fi
}
check "answered requests = transactions stored of rack edge" "$(number "$stored")" "$answered"
check "one audit record of rack host for each" "$(number "select count(*) from transactions where rack = 'host'")" "$answered"
check "flux_ids that both racks recorded, once each" \
  "$(number "select count(*) from (select flux_id from transactions group by flux_id having count(*) = 2 and count(distinct rack) = 2)")" "$answered"
check "traces whose spans cover both racks" \
  "$(number "select count(*) from (select trace_id from spans group by trace_id having count(distinct rack) = 2)")" "$answered"
for gear in edge/shop edge/bank host/switch host/approver; do
  check "metric fluxrig.gear.messages of $gear" \
    "$(number "select max(value)::BIGINT from metrics where name = 'fluxrig.gear.messages' and rack = '${gear%/*}' and gear = '${gear#*/}'")" "$answered"
done

say "One of them, by its id, over both racks"
id=$(sed -n '$p' "$demo/ledger.txt" | cut -f1)
"$fluxrig" trace "$id"

say "Nothing is missing, and the chain of signatures says so"
"$fluxrig" audit verify --mixer

say "The racks"
"$fluxrig" racks
printf '\n%-6s %13s %13s %13s %13s %8s\n' rack resident proportional private high-water threads
for rack in "edge $edge_pid" "host $host_pid"; do
  printf '%-6s %9d KiB %9d KiB %9d KiB %9d KiB %8d\n' "${rack% *}" $(memory_of "${rack#* }")
done

say "What to try next"
cat <<END
  export FLUXRIG_MIXER_API=$FLUXRIG_MIXER_API FLUXRIG_TOKEN_FILE=$FLUXRIG_TOKEN_FILE
  curl -s -d '{"card":{"pan":"4242424242424242","expiry":"2912"},"amount":1050,"currency":"978","terminal":"TERM0001","merchant":"SHOP0001"}' -i $shop
  build/bin/fluxrig trace ID                      # flux_id, trace_id or machine_id, or the start of one
  build/bin/fluxrig tail                          # transactions as they come
  build/bin/fluxrig query "select gear, max(count) from metrics where name='fluxrig.gear.duration' group by gear"
  build/bin/fluxrig audit status                  # how far each rack's records are stored and signed
  build/bin/fluxrig audit verify .demo/edge       # the same proof from the rack's own disk
END
[ $failed = 0 ] || fail "the store does not hold what was answered"
if [ $once = yes ]; then
  say "Stopping"
  stop_stack
  echo "demo: everything stopped; data stays in .demo/"
else
  say "Everything stays up until Ctrl-C"
  wait "${pids[0]}"
fi
