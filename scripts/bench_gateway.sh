#!/usr/bin/env bash
# ./dev bench gateway [SECONDS [CONNECTIONS [RATE]]]: transactions a second through the demo's whole path on this machine, load
# generator, bus and store included, the processor time of each part, and whether the store keeps up. RATE 0 (default) is as fast as answered.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/stack.sh
seconds=${1:-20} connections=${2:-256} rate=${3:-0}

start_stack >/dev/null
server_pid=$(pgrep -P "$mixer_pid" nats-server)
load() {
  "$fluxrig" load http http://127.0.0.1:18080/authorize --method POST --body-template examples/demo/authorize.json \
    --header 'content-type: application/json' --connections "$connections" --rate "$rate" --duration "$1" --traceparent "${@:2}"
}
load 2s --ledger "$demo/warm.txt" >/dev/null 2>&1
declare -A before
for part in edge:$edge_pid host:$host_pid mixer:$mixer_pid nats-server:$server_pid; do before[${part%:*}]=$(cpu_ms_of "${part#*:}"); done
load "${seconds}s" --ledger "$demo/ledger.txt"
answered=$(wc -l <"$demo/ledger.txt")
printf '\n%-12s %22s %12s\n' part "CPU us a transaction" "of a core"
for part in edge:$edge_pid host:$host_pid mixer:$mixer_pid nats-server:$server_pid; do
  awk -v name="${part%:*}" -v from="${before[${part%:*}]}" -v to="$(cpu_ms_of "${part#*:}")" -v n="$answered" -v s="$seconds" \
    'BEGIN {printf "%-12s %22.1f %10.1f %%\n", name, (to - from) * 1000 / n, (to - from) / s / 10}'
done
# What the store holds, and when: the load's 2 s of warming up are in the counts too.
count() { "$fluxrig" query --csv "select count(*) from transactions where rack = 'edge'" | tail -n 1 | tr -d '\r'; }
served=$(cat "$demo/ledger.txt" "$demo/warm.txt" | wc -l)
echo
started=$(date +%s%N) stored=$(count)
echo "stored at the end of the load: $stored of $served transactions"
for _ in $(seq 300); do
  [ "$stored" -ge "$served" ] && break
  sleep 0.1
  stored=$(count)
done
echo "stored $(((($(date +%s%N) - started)) / 1000000)) ms later: $stored"
[ "$stored" = "$served" ] || fail "the store does not hold what was answered"
