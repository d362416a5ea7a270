#!/usr/bin/env bash
# ./dev bench sanitize [ROUNDS]: the free-text scanner with AVX2 and without, beside Vectorscan or Hyperscan with patterns for
# the same encodings where the machine has one (libvectorscan-dev of Debian 13, libhyperscan-dev of Debian 12; then configure
# again). One core, in turns, the medians of processor time. Aim: 2 GB/s for typical records with AVX2.
# FLUXRIG_BENCH_BUILD: another build directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
build=${FLUXRIG_BENCH_BUILD:-build}
ninja -C "$build" bench_sanitize >/dev/null

scratch=$(mktemp -d "$build/bench-sanitize.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
for ((round = 0; round < rounds; ++round)); do
  taskset -c 1 "$build/bin/bench_sanitize" --benchmark_format=json >"$scratch/$round" 2>/dev/null
done
python3 - "$scratch" "$rounds" <<'END'
import json, pathlib, statistics, sys

scratch, rounds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
rates = {}
for number in range(rounds):
    for run in json.loads((scratch / str(number)).read_text())["benchmarks"]:
        if "bytes_per_second" in run:
            rates.setdefault(run["name"], []).append(run["bytes_per_second"] / 1e9)
print("| benchmark | GB/s (median) | lowest | highest |")
print("|---|---|---|---|")
for name, seen in rates.items():
    print(f"| {name} | {statistics.median(seen):.2f} | {min(seen):.2f} | {max(seen):.2f} |")
END
