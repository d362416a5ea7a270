#!/usr/bin/env bash
# ./dev bench tap [ROUNDS [ITERATIONS]]: what the tap adds to a transaction (1 root and 3 child spans, 5 attributes, 1 record for the audit
# log, for each of 4 gears a message and a duration): instructions, locked ones, system calls and allocations (each instruction
# looked at), and time over transactions of which a random half is tapped, beside a thread that empties the ring.
# FLUXRIG_BENCH_BUILD: another build directory. FLUXRIG_BENCH_RUN: a prefix, such as "chrt -r 5".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-9} iterations=${2:-1000000}
build=${FLUXRIG_BENCH_BUILD:-build}
[ -f "$build/build.ninja" ] || cmake --preset dev -B "$build" >/dev/null
ninja -C "$build" bench_cost >/dev/null

read -ra prefix <<<"${FLUXRIG_BENCH_RUN:-}"
steps=$("$build/bin/bench_cost" steps)
times=$(for ((round = 0; round < rounds; ++round)); do "${prefix[@]}" "$build/bin/bench_cost" time "$iterations"; done)
python3 - "$steps" "$times" <<'END'
import json, statistics, sys

steps, times = json.loads(sys.argv[1]), [json.loads(line) for line in sys.argv[2].splitlines()]
print("| of one transaction | median | lowest | highest |")
print("|---|---|---|---|")
print(f"| instructions of the tap | {steps['instructions']} | | {steps['most_instructions']} |")
for what in ("locked", "system_calls", "allocations"):
    print(f"| {what.replace('_', ' ')} | | | {steps[what]} |")
for what, name in (("base", "without tap, ns (trimmed mean)"), ("added", "added by the tap, ns (trimmed mean)"),
                   ("added_p99", "added at p99, ns")):
    seen = [one[what] for one in times]
    print(f"| {name} | {statistics.median(seen):.0f} | {min(seen):.0f} | {max(seen):.0f} |")
END
