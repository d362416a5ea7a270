#!/usr/bin/env bash
# ./dev bench otlp [ROUNDS [SECONDS]]: our OTLP encoder beside the exporter of OpenTelemetry's SDK for Node, same content, one core each, in
# turns; prints the medians. FLUXRIG_BENCH_BUILD: another build directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5} seconds=${2:-1}
build=${FLUXRIG_BENCH_BUILD:-build}
ninja -C "$build" bench_otlp >/dev/null

scratch=$(mktemp -d "$build/bench-otlp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
for ((round = 0; round < rounds; ++round)); do
  "$build/bin/bench_otlp" --benchmark_filter=BM_Spans --benchmark_min_time="$seconds" --benchmark_format=json >"$scratch/ours.$round" 2>/dev/null
  node bench/otlp/sdk_peer.mjs "$seconds" >"$scratch/sdk.$round"
done
python3 - "$scratch" "$rounds" <<'END'
import json, pathlib, statistics, sys

scratch, rounds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
rates, sizes = {}, {}
for number in range(rounds):
    for run in json.loads((scratch / f"ours.{number}").read_text())["benchmarks"]:
        key = "fluxrig", "json" if run["name"].endswith(":1") else "protobuf"
        # By processor time, as the peer counts: items_per_second is.
        rates.setdefault(key, []).append(run["items_per_second"])
        sizes[key] = run["bytes_an_item"]
    for encoding, one in json.loads((scratch / f"sdk.{number}").read_text()).items():
        rates.setdefault(("SDK for Node", encoding), []).append(one["spans_per_second"])
        sizes["SDK for Node", encoding] = one["bytes_a_span"]
print("| encoder | encoding | spans a second and core | bytes a span |")
print("|---|---|---|---|")
for key, values in rates.items():
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"| {key[0]} | {key[1]} | {middle:,.0f} ({low:,.0f} to {high:,.0f}) | {sizes[key]:.0f} |")
END
