#!/usr/bin/env bash
# Requests per second of POST /predict on models/tutorial, beside a bare libmicrohttpd responder: rounds in turn, so that
# whatever else the machine does falls on both.
#
# Usage: Benchmarks/load.sh [COMMAND...]     a server to measure instead; it gets the port as its last argument
#        ROUNDS=5 SECONDS_EACH=3 CONNECTIONS=32 THREADS=2 are the defaults. MODEL=FOLDER BODY=FILE are another model and the
#        body of its requests. Needs wrk, cc, libmicrohttpd-dev.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-3} connections=${CONNECTIONS:-32} threads=${THREADS:-2}
bare_port=${BARE_PORT:-18501} port=${PORT:-18502}
command=("$@")
[ ${#command[@]} -gt 0 ] || command=(.build/release/metaserve serve "${MODEL:-models/tutorial}" --threads "$threads" --log-level error --port)

mkdir -p .build
cc -O2 -Wall -Wextra -o .build/bare-responder Benchmarks/bare-responder/bare_responder.c -lmicrohttpd

pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
.build/bare-responder "$bare_port" "$threads" &
pids+=($!)
"${command[@]}" "$port" &
pids+=($!)

body='{"feeds":{"w1:0":13.0,"w2:0":17.0},"fetches":["op_to_restore:0"]}'
[ -z "${BODY:-}" ] || body="@$BODY"

# Waits until a server answers, and prints the answer.
await() {
    for _ in $(seq 100); do
        curl -sf -d "$body" "localhost:$1/predict" && echo && return
        sleep 0.05
    done
    echo "the server on port $1 does not answer" >&2
    exit 1
}
await "$bare_port"
await "$port"

# Prints the requests per second of one round; stops if any request failed.
measure() {
    local line
    line=$(wrk -t2 -c"$connections" -d"${2}s" -s Benchmarks/predict.lua "http://localhost:$1" | grep ^RATE)
    [ "${line##* }" = 0 ] || { echo "requests failed: $line" >&2; exit 1; }
    echo "$line" | cut -d' ' -f2
}

measure "$bare_port" 1 >/dev/null
measure "$port" 1 >/dev/null
printf '%8s %12s %12s %8s\n' round bare server ratio
rates=()
for round in $(seq "$rounds"); do
    bare=$(measure "$bare_port" "$seconds")
    server=$(measure "$port" "$seconds")
    ratio=$(awk "BEGIN { printf \"%.3f\", $server / $bare }")
    rates+=("$bare $server $ratio")
    printf '%8s %12s %12s %8s\n' "$round" "$bare" "$server" "$ratio"
done
median() { printf '%s\n' "${rates[@]}" | cut -d' ' -f"$1" | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
printf '%8s %12s %12s %8s\n' median "$(median 1)" "$(median 2)" "$(median 3)"
