#!/usr/bin/env bash
# ./dev bench start [ROUNDS [BACKLOG_MIB...]]: from the start of `fluxrig rack` until it answers its first HTTP request, without a mixer; fresh, and
# with an audit log of that many MiB (default 256 and 1024) that a kill -9 left. The backlog is real traffic (fluxrig load).
# FLUXRIG_BENCH_BUILD: another build directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-20}
shift || true
backlogs=("$@")
[ $# -gt 0 ] || backlogs=(256 1024)
build=${FLUXRIG_BENCH_BUILD:-build}
[ -f "$build/build.ninja" ] || cmake --preset dev -B "$build" >/dev/null
ninja -C "$build" bin/fluxrig >/dev/null
mkdir -p build/bench
scratch=$(mktemp -d build/bench/start.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
python3 scripts/bench_start.py --program "$build/bin/fluxrig" --scratch "$scratch" --rounds "$rounds" --backlog "${backlogs[@]}"
