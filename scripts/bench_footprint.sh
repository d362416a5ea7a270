#!/usr/bin/env bash
# ./dev bench footprint [SECONDS]: what the demo's two racks take while idle, mutual TLS up: memory and processor time over
# 60 s, and wake-ups a second (voluntary context switches of all threads).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/stack.sh
seconds=${1:-60}

switches() { awk '/^voluntary_ctxt/ {n += $2} END {print n}' /proc/"$1"/task/*/status; }

# The default; the demo's own scenarios shorten it so that the demo can end sooner.
export FLUXRIG_TELEMETRY_METRICS_INTERVAL=10s
start_stack >/dev/null
sleep 5
declare -A cpu wakeups
for rack in edge:$edge_pid host:$host_pid; do
  # From /proc/PID/schedstat-like sums in nanoseconds: ticks of 10 ms are too coarse for an idle process.
  cpu[$rack]=$(awk '{n += $1} END {print n}' /proc/"${rack#*:}"/task/*/schedstat)
  wakeups[$rack]=$(switches "${rack#*:}")
done
echo "idle for $seconds s ..."
sleep "$seconds"
printf '%-6s %13s %13s %13s %13s %8s %10s %10s\n' rack resident proportional private high-water threads CPU wake-ups/s
for rack in edge:$edge_pid host:$host_pid; do
  pid=${rack#*:}
  read -r rss pss private peak threads < <(memory_of "$pid")
  now=$(awk '{n += $1} END {print n}' /proc/"$pid"/task/*/schedstat)
  awk -v name="${rack%:*}" -v rss="$rss" -v pss="$pss" -v private="$private" -v peak="$peak" -v threads="$threads" \
    -v ns="$((now - ${cpu[$rack]}))" -v wakes="$(($(switches "$pid") - ${wakeups[$rack]}))" -v s="$seconds" \
    'BEGIN {printf "%-6s %9d KiB %9d KiB %9d KiB %9d KiB %8d %8.4f %% %10.1f\n", name, rss, pss, private, peak, threads, ns / s / 1e7, wakes / s}'
done
