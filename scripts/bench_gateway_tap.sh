#!/usr/bin/env bash
# ./dev bench gateway_tap [--rounds N] [--seconds N] [--connections N] [--elsewhere] [--interval] [--docs]: what telemetry takes from the
# demo's whole path at saturation. Racks with everything on and racks with the tap compiled out take turns under the same mixer,
# nats-server and load generator, each turn in fresh directories of memory-backed or real disk as the machine has them; printed are
# transactions a second and latency of each, and the median of the ratios of neighbouring turns.
#   --rounds N        (default 5) two turns each; which comes first alternates
#   --seconds N       of a turn (default 15)
#   --connections N   of the load generator (default 256)
#   --elsewhere       the mixer's store runs only when nobody else wants a processor, as on a machine of its own; its nats-server stays
#   --interval        both racks with `durability: interval`; without it `commit`, where every reply waits for its record's fdatasync
#   --docs            puts the table into docs/benchmarks.md
# Writes build/bench/gateway_tap*.json. FLUXRIG_BENCH_RUN: a prefix for racks and load, such as "chrt -r 5".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wrong() { echo "bench gateway_tap: $1; see the head of scripts/bench_gateway_tap.sh" >&2; exit 2; }
number() { [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] && echo "$2" || wrong "$1 needs a whole number from 1 to 9999"; }

command="./dev bench gateway_tap${*:+ $*}"
rounds=5 seconds=15 connections=256 elsewhere='' docs='' name=gateway_tap
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$(number "$@") || exit 2; shift 2 ;;
    --seconds) seconds=$(number "$@") || exit 2; shift 2 ;;
    --connections) connections=$(number "$@") || exit 2; shift 2 ;;
    --elsewhere) elsewhere=yes; name+=_elsewhere; shift ;;
    --interval) export FLUXRIG_TELEMETRY_AUDIT_DURABILITY=interval; name+=_interval; shift ;;
    --docs) docs=docs/benchmarks.md; shift ;;
    *) wrong "unknown option $1" ;;
  esac
done

[ -f build-notap/build.ninja ] || cmake --preset dev -B build-notap -DFLUXRIG_TAP=OFF >/dev/null
echo "bench gateway_tap: a rack with the tap compiled out, in build-notap"
ninja -C build-notap bin/fluxrig >build-notap/bench.log || { tail -n 30 build-notap/bench.log; exit 1; }
. scripts/stack.sh
bare=$PWD/build-notap/bin/fluxrig
out=build/bench
mkdir -p "$out"
start_stack >/dev/null
[ -z "$elsewhere" ] || chrt --all-tasks --idle --pid 0 "$mixer_pid"
read -ra prefix <<<"${FLUXRIG_BENCH_RUN:-}"

load() {
  "${prefix[@]}" "$fluxrig" load http http://127.0.0.1:18080/authorize --method POST --body-template examples/demo/authorize.json \
    --header 'content-type: application/json' --connections "$connections" --duration "$1" --traceparent --json --quiet
}
# The last turn's records must not be a part of the next one's work.
stored() { "$fluxrig" query --csv "select count(*) from transactions where rack = 'edge'" | tail -n 1 | tr -d '\r'; }
settle() {
  local last='' now
  for _ in $(seq 120); do
    now=$(stored)
    [ "$now" != "$last" ] || return 0
    last=$now
    sleep 1
  done
  fail "the store is still taking records two minutes after a turn"
}
# turn KIND PROGRAM: one line of JSON.
turn() {
  stop_from 1
  rm -rf "$demo/edge" "$demo/host"
  start_racks "$2" >/dev/null
  [ "$1" = tapped ] || wait_for "$demo/edge.log" 'built with FLUXRIG_TAP=OFF' 5 "$edge_pid"
  load 3s >/dev/null
  local before_edge before_host
  before_edge=$(cpu_ms_of "$edge_pid") before_host=$(cpu_ms_of "$host_pid")
  printf '{"kind":"%s","load":%s,"edge_ms":%s,"host_ms":%s}\n' "$1" "$(load "${seconds}s")" \
    "$(awk -v a="$before_edge" -v b="$(cpu_ms_of "$edge_pid")" 'BEGIN {print b - a}')" \
    "$(awk -v a="$before_host" -v b="$(cpu_ms_of "$host_pid")" 'BEGIN {print b - a}')"
  settle
}
: >"$out/$name.lines"
for ((round = 0; round < rounds; ++round)); do
  echo "bench gateway_tap: round $((round + 1)) of $rounds"
  if ((round % 2 == 0)); then order=(tapped bare); else order=(bare tapped); fi
  for kind in "${order[@]}"; do
    if [ "$kind" = tapped ]; then program=$fluxrig; else program=$bare; fi
    turn "$kind" "$program" >>"$out/$name.lines"
  done
done
python3 scripts/bench_gateway_tap_report.py --lines "$out/$name.lines" --json "$out/$name.json" \
  --command "$command${FLUXRIG_BENCH_RUN:+ with FLUXRIG_BENCH_RUN=\"$FLUXRIG_BENCH_RUN\"}" --name "$name" ${docs:+--docs "$docs"}
