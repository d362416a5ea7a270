#!/usr/bin/env bash
# ./dev bench innocent [N]: the properties of the gate that are about numbers that are none, at size. N (default 10,000,000) records
# with random ids and times, N random ids of each kind and as many times, unchanged; and N/5 innocent numbers of each kind, with
# the rate of false masking, which has to stay under 0.1 %. The unit tests do the same with fewer.
# FLUXRIG_BENCH_BUILD: another build directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
size=${1:-10000000}
build=${FLUXRIG_BENCH_BUILD:-build}
ninja -C "$build" bin/test_sanitize >/dev/null
run() { FLUXRIG_AT_SIZE=$1 "$build/bin/test_sanitize" --gtest_brief=1 --gtest_filter="$2"; }
run "$size" 'CleanRecord.RandomIds*:Sanitized.*Typed*'
run "$((size / 5))" 'InnocentNumbers.Are*'
