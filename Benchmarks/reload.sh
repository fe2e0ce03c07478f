#!/usr/bin/env bash
# How long reloads of a model take whose graph did not change, and what memory 50 batch sizes and 10 lists of fetches take:
# 107 MB of weights, of which plans read 36 MB transposed.
#
# Usage: Benchmarks/reload.sh PYTHON [COMMAND...]     a Python with TensorFlow; commands to compare, this build when left out
#        ROUNDS=3 is the default. Each command is run as COMMAND serve FOLDER ...
set -euo pipefail
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

python=$1
shift
commands=("$@")
[ ${#commands[@]} -gt 0 ] || commands=(".build/release/metaserve --release-weights false" .build/release/metaserve)
rounds=${ROUNDS:-3} port=${PORT:-18503}
folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$folder"' EXIT
"$python" Benchmarks/reload/make_model.py "$folder/model" 2>/dev/null

sum() { curl -s "localhost:$port/metrics" | sed -n 's/^metaserve_load_duration_seconds_sum.* //p'; }
count() { curl -s "localhost:$port/metrics" | sed -n 's/^metaserve_load_duration_seconds_count.* //p'; }
resident() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$server/status"; }
row=$(printf '0.5,%.0s' $(seq 512))
body() { printf '{"inputs":{"x":[%s]},"outputs":["y"]}' "$(for _ in $(seq "$1"); do printf '[%s],' "${row%,}"; done | sed 's/,$//')"; }

# Makes the server load the other checkpoint, and prints how many milliseconds that took.
reload() {
    local before loads
    before=$(sum) loads=$(count)
    printf 'model_checkpoint_path: "model-%s"\n' "$1" >"$folder/model/checkpoint.new"
    mv "$folder/model/checkpoint.new" "$folder/model/checkpoint"
    until [ "$(count)" != "$loads" ]; do sleep 0.1; done
    echo "$(sum) $before" | awk '{ printf "%.0f\n", ($1 - $2) * 1000 }'
}

# Prints the milliseconds of eight reloads, and the resident megabytes with one batch size, with fifty, and with ten more
# lists of fetches.
measure() {
    local program flags times
    read -r program flags <<<"$1"
    printf 'model_checkpoint_path: "model-1"\n' >"$folder/model/checkpoint"
    "$program" serve "$folder/model" $flags --port "$port" --threads 1 --log-level error &
    server=$!
    until [ "$(count 2>/dev/null)" = 1 ]; do sleep 0.1; done
    for size in $(seq 50); do
        body "$size" | curl -sf -H 'Content-Type: application/json' --data-binary @- "localhost:$port/v1/models/model:predict" >/dev/null
        [ "$size" = 1 ] && one=$(resident)
    done
    fifty=$(resident)
    for layer in $(seq 24 33); do
        printf '{"feeds":{"x:0":[[%s]]},"fetches":["y:0","layer%d/Relu:0"]}' "${row%,}" "$layer" |
            curl -sf --data-binary @- "localhost:$port/predict" >/dev/null
    done
    lists=$(resident)
    times=$(for number in 2 1 2 1 2 1 2 1; do reload "$number"; done | sort -n)
    echo "$times" | awk -v one="$one" -v fifty="$fifty" -v lists="$lists" \
        '{ all[NR] = $1 } END { printf "reload %d ms (%d to %d), resident: one batch size %d MB, fifty %d MB, ten more lists of fetches %d MB\n", (all[4] + all[5]) / 2, all[1], all[8], one, fifty, lists }'
    kill $server
    wait $server 2>/dev/null || true
}

for round in $(seq "$rounds"); do
    for command in "${commands[@]}"; do
        echo "round $round, $command: $(measure "$command")"
    done
done
