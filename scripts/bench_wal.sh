#!/usr/bin/env bash
# ./dev bench wal [ROUNDS [SECONDS [RECOVERY_MIB]]]: the audit lane beside SQLite and RocksDB on this machine's disk, in turns; prints the
# table, writes build/bench/wal.json, and puts the table into docs/benchmarks.md. Installs Debian's libraries of the two when they are missing.
# FLUXRIG_BENCH_BUILD: another build directory. FLUXRIG_BENCH_DOCS=0: leaves the docs alone. FLUXRIG_BENCH_RUN: a prefix, such as "chrt -r 5".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5} seconds=${2:-2} recovery=${3:-512}
build=${FLUXRIG_BENCH_BUILD:-build}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
missing=()
for package in libsqlite3-dev librocksdb-dev; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "bench wal: installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null || {
    echo "bench wal: apt-get could not install ${missing[*]}; run 'apt-get update' and try again" >&2
    exit 1
  }
fi
[ -f "$build/build.ninja" ] && ninja -C "$build" -t targets all | grep -q '^bin/compare_wal:\|^compare_wal:' || cmake --preset dev -B "$build" >/dev/null
ninja -C "$build" compare_wal

out=build/bench
mkdir -p "$out"
scratch=$(mktemp -d "$out/wal.XXXXXX")
memory=$(mktemp -d /dev/shm/fluxrig-bench.XXXXXX)  # tmpfs
trap 'rm -rf "$scratch" "$memory"' EXIT
read -ra prefix <<<"${FLUXRIG_BENCH_RUN:-}"
echo "bench wal: $rounds rounds of 5 systems, 3 numbers of writers, 2 modes, $seconds s each and 0.5 s before it"
"${prefix[@]}" "$build/bin/compare_wal" "$scratch" "$rounds" "$seconds" "$recovery" | tee "$scratch/runs" | sed -n 's/^/  /p'
# Without a disk, as information: what the processor alone costs one writer.
FLUXRIG_BENCH_MODES=commit "${prefix[@]}" "$build/bin/compare_wal" "$memory" "$rounds" 1 0 1 >"$scratch/memory-runs"
python3 scripts/bench_wal_report.py --runs "$scratch/runs" --memory-runs "$scratch/memory-runs" --disk "$out" --json "$out/wal.json" \
  --command "./dev bench wal $rounds $seconds $recovery${FLUXRIG_BENCH_RUN:+ with FLUXRIG_BENCH_RUN=\"$FLUXRIG_BENCH_RUN\"}" \
  $([ "${FLUXRIG_BENCH_DOCS:-1}" = 0 ] || echo --docs docs/benchmarks.md)
