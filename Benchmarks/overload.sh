#!/usr/bin/env bash
# Offers ten times what a model of about 5 ms a run can take, and tells how much is still answered, how fast the rest is refused, and
# how soon all is well again.
#
# Usage: Benchmarks/overload.sh
#        SECONDS_OVER=20 CONNECTIONS=1000 THREADS=2 TIMES=10 MATRICES=8 are the defaults. Needs cc and curl.
set -euo pipefail
cd "$(dirname "$0")/.."

over=${SECONDS_OVER:-20} connections=${CONNECTIONS:-1000} threads=${THREADS:-2} times=${TIMES:-10} matrices=${MATRICES:-8}
port=${PORT:-18504} server=${SERVER:-.build/release/metaserve}
folder=$(mktemp -d)
mkdir -p .build
"${CC:-cc}" -O2 -Wall -Wextra -o .build/open-loop Benchmarks/overload/open_loop.c

# A chain of products of matrices that are made of the one number that is fed.
model() {
    echo 'node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { } } } }
node { name: "size" op: "Const" attr { key: "dtype" value { type: DT_INT32 } } attr { key: "value" value { tensor {
  dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 256 int_val: 256 } } } }
node { name: "m0" op: "Fill" input: "size" input: "x" attr { key: "T" value { type: DT_FLOAT } } attr { key: "index_type" value { type: DT_INT32 } } }
node { name: "axes" op: "Const" attr { key: "dtype" value { type: DT_INT32 } } attr { key: "value" value { tensor {
  dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 0 int_val: 1 } } } }'
    for index in $(seq "$matrices"); do
        echo "node { name: \"m$index\" op: \"MatMul\" input: \"m$((index - 1))\" input: \"m0\" attr { key: \"T\" value { type: DT_FLOAT } } }"
    done
    echo "node { name: \"y\" op: \"Sum\" input: \"m$matrices\" input: \"axes\" attr { key: \"T\" value { type: DT_FLOAT } } attr { key: \"Tidx\" value { type: DT_INT32 } } attr { key: \"keep_dims\" value { b: false } } }"
}
model >"$folder/slow.pbtxt"

"$server" serve "$folder/slow.pbtxt" --threads "$threads" --log-level error --port "$port" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -r "$folder"' EXIT
body='{"feeds":{"x":0.001},"fetches":["y"]}'
for _ in $(seq 100); do
    curl -sf -d "$body" "localhost:$port/predict" >/dev/null && break
    sleep 0.05
done

# The most that is answered a second, whatever is offered.
load() { .build/open-loop "$port" /predict "$body" "$connections" "$@"; }
load 50:1 >/dev/null
milliseconds=$(load 50:2 | awk 'NR == 2 { print $4 }')
rates=$(awk "BEGIN { for (part = 60; part <= 140; part += 10) printf \"%d:2 \", part * 10 * $threads / $milliseconds }")
# shellcheck disable=SC2086
peak=$(load $rates | awk '/^200/ { exit } NR > 1 && $3 + 0 > most { most = $3 + 0 } END { print most }')
echo "a request takes $milliseconds ms; at most $peak are answered a second"
half=$(awk "BEGIN { print int($peak / 2) }")
[ -z "${HOOK:-}" ] || "$HOOK" "$pid"
load "$half:5" "$(awk "BEGIN { print int($times * $peak) }"):$over" "$half:5" | tee "$folder/result"
awk -v peak="$peak" 'NR == 3 { printf "goodput %.0f %% of the peak, refusals in %.2f ms (99th percentile)\n", 100 * $3 / peak, $8 }' "$folder/result"
