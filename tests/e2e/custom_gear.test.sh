#!/usr/bin/env bash
# The gear of examples/custom_gear in a running rack: built, checked, asked over HTTP, drained. Needs no mixer.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
passed=0 failed=0
check() { # CLAIM GOT WANTED (a pattern)
  # shellcheck disable=SC2053
  if [[ $2 == $3 ]]; then passed=$((passed + 1)); echo "ok    $1"; else failed=$((failed + 1)); printf 'WRONG %s\n  got:    %s\n  wanted: %s\n' "$1" "$2" "$3"; fi
}

folder=$(mktemp -d)
rack=
finish() {
  [ -z "$rack" ] || kill -KILL "$rack" 2>/dev/null
  rm -rf "$folder"
}
trap finish EXIT

program=$PWD/build/bin/limit_rack
ninja -C build bin/limit_rack >"$folder/build.log" 2>&1 || cat "$folder/build.log"
check "the example builds" "$(test -x "$program" && echo built)" built
check "the gear is at most 60 lines" "$(test "$(wc -l <examples/custom_gear/limit_gear.cpp)" -le 60 && echo yes)" yes

# The shipped scenario, on a free port and with its maps found from here.
sed "s#127.0.0.1:8080#127.0.0.1:0#; s#\.\./maps#$PWD/examples/maps#g" examples/custom_gear/limit.yaml >"$folder/limit.yaml"
sed 's/maximum: 50000/maximun: 50000/' "$folder/limit.yaml" >"$folder/wrong.yaml"
check "a misspelt option is named with the nearest one" "$("$program" "$folder/wrong.yaml" 2>&1)" "*maximun*did you mean 'maximum'*"
"$program" "$folder/wrong.yaml" >/dev/null 2>&1
check "an invalid scenario ends with 2" "$?" 2

FLUXRIG_DATA=$folder/data FLUXRIG_LOG_FORMAT=json "$program" "$folder/limit.yaml" 2>"$folder/log" &
rack=$!
deadline=$((SECONDS + 20))
until grep -q 'is ready' "$folder/log" || [ $SECONDS -ge $deadline ] || ! kill -0 "$rack" 2>/dev/null; do read -rt 0.05 <> <(:); done
port=$(sed -n 's/.*"port":"\{0,1\}\([0-9]*\).*/\1/p' "$folder/log" | head -n 1)
check "the rack listens, and FLUXRIG_LOG_FORMAT is heeded" "${port:-none; $(cat "$folder/log")}" '[1-9]*([0-9])'

ask() { # AMOUNT: the whole answer
  local body='{"card":{"pan":"4242424242424242","expiry":"2912"},"amount":'$1',"currency":"978","terminal":"TERM0001","merchant":"SHOP0001"}'
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return
  printf 'POST /authorize HTTP/1.1\r\nhost: rack\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s' "${#body}" "$body" >&3
  timeout 10 cat <&3
  exec 3>&-
}
check "an amount up to the limit reaches the host" "$(ask 50000)" '*HTTP/1.1 200 OK*"approved":true*"amount":50000*'
check "an amount over it is refused with the gear's reason" "$(ask 50001)" '*HTTP/1.1 422 *the amount is over the limit*'

kill -TERM "$rack"
wait "$rack"
check "SIGTERM drains and exits 0" "$?" 0
rack=
records=$(build/bin/fluxrig wal cat "$folder/data")
check "the refusal is on record with its reason" "$records" '*"outcome":"failed","reason":"the amount is over the limit"*"limit.maximum":50000*'
check "no record holds the card number" "$(grep -c 4242424242424242 <<<"$records")" 0
echo "$passed passed, $failed failed"
[ $failed = 0 ]
