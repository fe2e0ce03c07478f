#!/usr/bin/env bash
# What it brings to run requests that wait together as one: requests per second and latencies of a model with --max-batch 1 and with
# the default, in turn, so that whatever else the machine does falls on both.
#
# Usage: Benchmarks/batching.sh
#        WIDTH=1024 LAYERS=4 CONNECTIONS="1 8 32" ROUNDS=3 SECONDS_EACH=3 THREADS=2 are the defaults. Needs wrk and curl.
set -euo pipefail
cd "$(dirname "$0")/.."

width=${WIDTH:-1024} layers=${LAYERS:-4} rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-3} threads=${THREADS:-2}
alone=${PORT:-18506} together=$((alone + 1)) server=${SERVER:-.build/release/metaserve}
folder=$(mktemp -d)

# Layers of width x width weights, all the same, of a batch of rows.
float='attr { key: "T" value { type: DT_FLOAT } }'
{
    echo "node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } }
  attr { key: \"shape\" value { shape { dim { size: -1 } dim { size: $width } } } } }
node { name: \"size\" op: \"Const\" attr { key: \"dtype\" value { type: DT_INT32 } } attr { key: \"value\" value { tensor {
  dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: $width int_val: $width } } } }
node { name: \"weight\" op: \"Const\" attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"value\" value { tensor {
  dtype: DT_FLOAT tensor_shape { } float_val: 0.001 } } } }
node { name: \"axis\" op: \"Const\" attr { key: \"dtype\" value { type: DT_INT32 } } attr { key: \"value\" value { tensor {
  dtype: DT_INT32 tensor_shape { } int_val: 1 } } } }"
    input=x
    for layer in $(seq "$layers"); do
        echo "node { name: \"w$layer\" op: \"Fill\" input: \"size\" input: \"weight\" $float attr { key: \"index_type\" value { type: DT_INT32 } } }
node { name: \"m$layer\" op: \"MatMul\" input: \"$input\" input: \"w$layer\" $float }
node { name: \"r$layer\" op: \"Relu\" input: \"m$layer\" $float }"
        input=r$layer
    done
    echo "node { name: \"y\" op: \"Sum\" input: \"$input\" input: \"axis\" $float attr { key: \"Tidx\" value { type: DT_INT32 } } attr { key: \"keep_dims\" value { b: false } } }"
} >"$folder/layers.pbtxt"
row=$(awk "BEGIN { for (i = 0; i < $width; i++) printf \"%s0.%d\", i ? \",\" : \"\", i % 10 }")
body="{\"feeds\":{\"x\":[[$row]]},\"fetches\":[\"y\"]}"
cat >"$folder/request.lua" <<LUA
wrk.method = "POST"
wrk.path = "/predict"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '$body'
function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("RATE %.0f %.2f %.2f %d\n", summary.requests / summary.duration * 1e6,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
LUA

"$server" serve "$folder/layers.pbtxt" --threads "$threads" --log-level error --max-batch 1 --port "$alone" &
pids=($!)
"$server" serve "$folder/layers.pbtxt" --threads "$threads" --log-level error --port "$together" &
pids+=($!)
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -r "$folder"' EXIT
for port in "$alone" "$together"; do
    for _ in $(seq 100); do
        curl -sf -o /dev/null -d "$body" "localhost:$port/predict" && break
        sleep 0.05
    done
done

measure() { wrk -t1 -c"$2" -d"${seconds}s" -s "$folder/request.lua" "http://localhost:$1" | grep ^RATE | cut -d' ' -f2-; }
echo "$layers layers of $width x $width, one row a request; requests a second (50 %, 99 % in ms)"
printf '%12s %26s %26s %8s\n' connections "one by one" together ratio
for connections in ${CONNECTIONS:-1 8 32}; do
    for _ in $(seq "$rounds"); do
        read -r rate median slow failed < <(measure "$alone" "$connections")
        read -r rate2 median2 slow2 failed2 < <(measure "$together" "$connections")
        [ "$failed$failed2" = 00 ] || { echo "requests failed: $failed, $failed2" >&2; exit 1; }
        printf '%12s %26s %26s %8.2f\n' "$connections" "$rate ($median, $slow)" "$rate2 ($median2, $slow2)" \
            "$(awk "BEGIN { print $rate2 / $rate }")"
    done
done
