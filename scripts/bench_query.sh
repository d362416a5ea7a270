#!/usr/bin/env bash
# ./dev bench query [--spans N] [--hours N] [--rounds N] [--store DIRECTORY] [--docs]: `fluxrig trace ID` and the last hour's p99 by gear over a
# large store; prints a table, writes build/bench/query.json.
#   --spans N           stored spans (default 100000000: half an hour to make, 7 GB; 1000000 for a quick look: a minute)
#   --hours N           that they are spread over (default 168, or fewer so that an hour has 20,000 spans)
#   --rounds N          ids, each asked for by trace_id and flux_id, cold and warm (default 15)
#   --store DIRECTORY   makes the store there and leaves it, or takes what an earlier run has left there
#   --docs              puts the table into docs/benchmarks.md too
# Cold: the mixer has just started, and the page cache, inodes and directories are dropped (needs root). FLUXRIG_BENCH_BUILD: another build directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wrong() {
  echo "bench query: $1" >&2
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
number() { [[ ${2:-} =~ ^[1-9][0-9]{0,9}$ ]] && echo "$2" || wrong "$1 needs a whole number"; }

command="./dev bench query${*:+ $*}"
spans=100000000 hours='' rounds=15 directory='' docs=''
while [ $# -gt 0 ]; do
  case $1 in
    --spans) spans=$(number "$@") || exit 2; shift 2 ;;
    --hours) hours=$(number "$@") || exit 2; shift 2 ;;
    --rounds) rounds=$(number "$@") || exit 2; shift 2 ;;
    --store) directory=${2:?--store needs a directory}; shift 2 ;;
    --docs) docs=docs/benchmarks.md; shift ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) wrong "unknown option $1" ;;
  esac
done
[ -w /proc/sys/vm/drop_caches ] || wrong "only root can drop the page cache"
if [ -z "$hours" ]; then
  hours=$((spans / 20000))
  [ "$hours" -le 168 ] || hours=168
  [ "$hours" -ge 4 ] || hours=4
fi
build=${FLUXRIG_BENCH_BUILD:-build}
ninja -C "$build" bin/fluxrig bin/fluxrig-mixer bench_store >/dev/null
mkdir -p build/bench
if [ -z "$directory" ]; then
  directory=$(mktemp -d build/bench/query.XXXXXX)
  trap 'rm -rf "$directory"' EXIT
fi
python3 scripts/bench_query.py --build "$build" --directory "$directory" --spans "$spans" --hours "$hours" --rounds "$rounds" \
  --json build/bench/query.json --command "$command" ${docs:+--docs "$docs"}
