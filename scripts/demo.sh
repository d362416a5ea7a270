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

fluxrig=$PWD/build/bin/fluxrig
mixer=$PWD/build/bin/fluxrig-mixer
demo=$PWD/.demo
export FLUXRIG_MIXER_API=http://127.0.0.1:17070 FLUXRIG_TOKEN_FILE=$demo/mixer/api-token
shop=http://127.0.0.1:18080/authorize
pids=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

stop_all() {
  # Racks before the mixer, so that they can hand over what they have.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || continue
    wait "${pids[i]}" 2>/dev/null || true
  done
  pids=()
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# wait_for FILE TEXT SECONDS PID: until TEXT stands in FILE.
wait_for() {
  local end=$((SECONDS + $3))
  until grep -q "$2" "$1" 2>/dev/null; do
    kill -0 "$4" 2>/dev/null || { cat "$1" >&2; fail "a process ended while starting; its log is above"; }
    [ $SECONDS -lt $end ] || { cat "$1" >&2; fail "'$2' did not appear within $3 s; the log is above"; }
    sleep 0.1
  done
}

number() { "$fluxrig" query --csv "$1" | tail -n 1 | tr -d '\r'; }

for port in 14222 17070 18080 18583; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port is in use; is another demo running? 'ss -ltnp' names it"; fi
done
rm -rf "$demo"
mkdir -p "$demo"

say "Certificates: an authority, the bus's server, the mixer and two racks"
"$fluxrig" pki init "$demo/pki"
"$fluxrig" pki issue "$demo/pki" --server nats --host 127.0.0.1 --host localhost
"$fluxrig" pki issue "$demo/pki" --mixer mixer
"$fluxrig" pki issue "$demo/pki" --rack edge
"$fluxrig" pki issue "$demo/pki" --rack host

say "Mixer (nats-server with mutual TLS, DuckDB) and two racks"
cat >"$demo/mixer.yaml" <<END
data: $demo/mixer
pki: $demo/pki
listen: { api: "127.0.0.1:17070", nats: "127.0.0.1:14222" }
END
"$mixer" --config "$demo/mixer.yaml" 2>"$demo/mixer.log" &
pids+=($!)
wait_for "$demo/mixer.log" 'mixer ready' 30 ${pids[0]}
for rack in host edge; do
  "$fluxrig" check --no-ports "examples/demo/$rack.yaml"
  "$fluxrig" rack "examples/demo/$rack.yaml" 2>"$demo/$rack.log" &
  pids+=($!)
  wait_for "$demo/$rack.log" 'is ready' 30 ${pids[-1]}
  wait_for "$demo/$rack.log" 'welcomed this rack' 30 ${pids[-1]}
done
host_pid=${pids[1]} edge_pid=${pids[2]}
echo "mixer ${pids[0]}, host $host_pid, edge $edge_pid; logs in .demo/*.log"

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

say "The racks"
"$fluxrig" racks
printf '\n%-6s %12s %12s %12s %10s %8s\n' rack resident proportional private high-water threads
for rack in edge host; do
  pid=$edge_pid; [ $rack = host ] && pid=$host_pid
  read -r rss pss private < <(awk '/^Rss:/ {r=$2} /^Pss:/ {p=$2} /^Private_/ {u+=$2} END {print r, p, u}' "/proc/$pid/smaps_rollup")
  peak=$(awk '/VmHWM/ {print $2}' "/proc/$pid/status")
  printf '%-6s %9d KiB %9d KiB %9d KiB %6d KiB %8d\n' $rack "$rss" "$pss" "$private" "$peak" "$(ls "/proc/$pid/task" | wc -l)"
done

say "What to try next"
cat <<END
  export FLUXRIG_MIXER_API=$FLUXRIG_MIXER_API FLUXRIG_TOKEN_FILE=$FLUXRIG_TOKEN_FILE
  curl -s -d '{"card":{"pan":"4242424242424242","expiry":"2912"},"amount":1050,"currency":"978","terminal":"TERM0001","merchant":"SHOP0001"}' -i $shop
  build/bin/fluxrig trace ID                      # flux_id, trace_id or machine_id, or the start of one
  build/bin/fluxrig tail                          # transactions as they come
  build/bin/fluxrig query "select gear, max(count) from metrics where name='fluxrig.gear.duration' group by gear"
  build/bin/fluxrig wal verify .demo/edge/audit
END
[ $failed = 0 ] || fail "the store does not hold what was answered"
if [ $once = yes ]; then
  say "Stopping"
  stop_all
  echo "demo: everything stopped; data stays in .demo/"
else
  say "Everything stays up until Ctrl-C"
  wait "${pids[0]}"
fi
