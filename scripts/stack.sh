# Sourced by demo.sh and bench_*.sh, from the root of the repository: a mixer with its nats-server and the racks `host` and
# `edge` of examples/demo, on loopback, with everything they keep in .demo/. Sets mixer_pid, host_pid and edge_pid.
fluxrig=$PWD/build/bin/fluxrig
mixer=$PWD/build/bin/fluxrig-mixer
demo=$PWD/.demo
export FLUXRIG_MIXER_API=http://127.0.0.1:17070 FLUXRIG_TOKEN_FILE=$demo/mixer/api-token
pids=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; exit 1; }

# stop_from N: the processes started after the first N, the last one first.
stop_from() {
  local i
  for ((i = ${#pids[@]} - 1; i >= $1; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || continue
    wait "${pids[i]}" 2>/dev/null || true
  done
  pids=("${pids[@]:0:$1}")
}
# Racks before the mixer, so that they can hand over what they have.
stop_stack() { stop_from 0; }
trap stop_stack EXIT
trap 'exit 130' INT TERM

# wait_for FILE TEXT SECONDS PID: until TEXT stands in FILE.
wait_for() {
  local end=$((SECONDS + $3))
  until grep -q "$2" "$1" 2>/dev/null; do
    kill -0 "$4" 2>/dev/null || { cat "$1" >&2; fail "a process ended while starting; its log is above"; }
    [ $SECONDS -lt $end ] || { cat "$1" >&2; fail "'$2' did not appear within $3 s; the log is above"; }
    sleep 0.1
  done
}

# start_racks [PROGRAM]: host and edge, by `fluxrig` or by another build of it.
start_racks() {
  local rack program=${1:-$fluxrig}
  for rack in host edge; do
    "$program" rack "examples/demo/$rack.yaml" 2>"$demo/$rack.log" &
    pids+=($!)
    wait_for "$demo/$rack.log" 'is ready' 30 "${pids[-1]}"
    wait_for "$demo/$rack.log" 'welcomed this rack' 30 "${pids[-1]}"
  done
  host_pid=${pids[-2]}
  edge_pid=${pids[-1]}
}

start_stack() {
  local port rack
  for port in 14222 17070 18080 18583; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      fail "port $port is in use; is another demo running? 'ss -ltnp' names it"
    fi
  done
  rm -rf "$demo"
  mkdir -p "$demo"

  say "Certificates: an authority, the bus's server, the mixer and two racks"
  "$fluxrig" pki init "$demo/pki"
  "$fluxrig" pki issue "$demo/pki" --server nats --host 127.0.0.1 --host localhost
  "$fluxrig" pki issue "$demo/pki" --mixer mixer
  "$fluxrig" pki issue "$demo/pki" --rack edge
  "$fluxrig" pki issue "$demo/pki" --rack host

  say "Mixer (nats-server with mutual TLS, DuckDB) and two racks"
  cat >"$demo/mixer.yaml" <<END
data: $demo/mixer
pki: $demo/pki
listen: { api: "127.0.0.1:17070", nats: "127.0.0.1:14222" }
END
  "$mixer" --config "$demo/mixer.yaml" 2>"$demo/mixer.log" &
  mixer_pid=$!
  pids+=("$mixer_pid")
  wait_for "$demo/mixer.log" 'mixer ready' 30 "$mixer_pid"
  for rack in host edge; do "$fluxrig" check --no-ports "examples/demo/$rack.yaml"; done
  start_racks
  echo "mixer $mixer_pid, host $host_pid, edge $edge_pid; logs in .demo/*.log"
}

# One line: resident, proportional, private and high-water memory in KiB, and threads, of process $1.
memory_of() {
  awk '/^Rss:/ {r=$2} /^Pss:/ {p=$2} /^Private_/ {u+=$2} END {printf "%d %d %d ", r, p, u}' "/proc/$1/smaps_rollup"
  awk '/VmHWM/ {printf "%d ", $2} /^Threads/ {print $2}' "/proc/$1/status"
}

# User and system time of process $1 so far, all threads, in milliseconds.
cpu_ms_of() {
  awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz}' "/proc/$1/stat"
}
