#!/usr/bin/env bash
# ./dev bench lanes [--short] [--seconds N] [--rounds N] [--docs]: what telemetry costs business messages, over a narrow wire and over one
# without limit, beside a rack with the tap compiled out; prints the tables, writes build/bench/lanes.json and lanes.svg.
#   --seconds N   of each slice (default 20); four slices a round, one for each mode
#   --rounds N    (default 10: 10,000 questions for each mode of the narrow wire)
#   --short       2 rounds of 8 s: whether it works, not what it costs
#   --docs        puts tables and picture into docs/benchmarks.md too
#   --only narrow|unlimited   one of the two wires; not with --docs
# Needs root (network namespaces, tun, loop). Builds a second rack with the tap compiled out into build-notap. What the run writes is in
# /dev/shm: the disk, which the racks, the bus and the store share here, is not what is measured. FLUXRIG_BENCH_RUN: a prefix for every
# process of the run, such as "chrt -r 5" where others use the machine too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wrong() {
  echo "bench lanes: $1" >&2
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
number() { [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] && echo "$2" || wrong "$1 needs a whole number from 1 to 9999"; }

command="./dev bench lanes${*:+ $*}"
seconds=20 rounds=10 docs='' only=()
while [ $# -gt 0 ]; do
  case $1 in
    --short) seconds=8 rounds=2; shift ;;
    --seconds) seconds=$(number "$@") || exit 2; shift 2 ;;
    --rounds) rounds=$(number "$@") || exit 2; shift 2 ;;
    --docs) docs=docs/benchmarks.md; shift ;;
    --only) [[ ${2:-} =~ ^(narrow|unlimited)$ ]] || wrong "--only is narrow or unlimited"; only=(--only "$2"); shift 2 ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) wrong "unknown option $1" ;;
  esac
done
[ -z "$docs" ] || [ ${#only[@]} = 0 ] || wrong "--docs needs both wires"
[ "$seconds" -ge 5 ] || wrong "--seconds $seconds: less than 5 s cannot show a backlog shrink"

[ -f build-notap/build.ninja ] || cmake --preset dev -B build-notap -DFLUXRIG_TAP=OFF >/dev/null
echo "bench lanes: a rack with the tap compiled out, in build-notap"
ninja -C build-notap bin/fluxrig >build-notap/bench.log || { tail -n 30 build-notap/bench.log; exit 1; }
read -ra prefix <<<"${FLUXRIG_BENCH_RUN:-}"
out=build/bench
mkdir -p "$out"
rm -f "$out/lanes.json" "$out/lanes.svg"
echo "bench lanes: $rounds rounds of 4 slices of $seconds s for each wire"
TMPDIR=/dev/shm "${prefix[@]}" node tests/scenario/lanes.mjs --bare "$PWD/build-notap/bin/fluxrig" --rounds "$rounds" --seconds "$seconds" \
  --json "$out/lanes.json" --svg "$out/lanes.svg" "${only[@]}" || failed=1
[ -f "$out/lanes.json" ] || exit 1
python3 scripts/bench_lanes_report.py --run "$out/lanes.json" --picture "$out/lanes.svg" \
  --command "$command${FLUXRIG_BENCH_RUN:+ with FLUXRIG_BENCH_RUN=\"$FLUXRIG_BENCH_RUN\"}" ${docs:+--docs "$docs"}
exit "${failed:-0}"
