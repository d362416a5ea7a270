#!/usr/bin/env bash
# ./dev bench growth [--short] [--seconds N] [--only NAME] [--docs]: how a rack's processor time and memory grow with transactions a
# second, gears in a row, wires beside each other, keep-alive connections and a backlog that nobody takes; one rack, its telemetry
# going to a real mixer (but for the backlog), and a load generator beside it. Prints tables, writes build/bench/growth.json and growth.svg.
#   --seconds N   of load for each point (default 8)
#   --only NAME   rate, gears, wires, connections or backlog
#   --short       2 s a point, half the points: whether it works
#   --docs        puts tables and picture into docs/benchmarks.md
# 10,000 connections need a limit of 10,200 open files for each process (`ulimit -Hn`); with a lower one fewer are measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ulimit -n "$(ulimit -Hn)"
ninja -C build bin/fluxrig bin/fluxrig-mixer >/dev/null
exec python3 scripts/bench_growth.py --command "./dev bench growth${*:+ $*}" "$@"
