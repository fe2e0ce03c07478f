#!/usr/bin/env bash
# Responses per second, and their 99th percentile, of metaserve and of FastAPI with ONNX Runtime (two uvicorn workers) in turns.
#
# Usage: Benchmarks/fastapi.sh [MODEL...]     those of race.sh; vgg16 is left out by default
#        CONNECTIONS="1 8 32 64" ROUNDS=3 SECONDS_EACH=3 THREADS=2 WORKERS=2 PORT=18510 are the defaults.
#        PYTHON, SERVER and MODELS are as for race.sh; PYTHON needs fastapi, uvicorn, httptools, uvloop and orjson too.
set -euo pipefail
cd "$(dirname "$0")/.."
names=("$@")
source Benchmarks/peers.sh fastapi uvicorn httptools uvloop orjson

[ ${#names[@]} -gt 0 ] || names=(arithmetic perceptron digits_cnn wide nearest_words resnet50 mobilenet lstm encoder)
connections=${CONNECTIONS:-1 8 32 64} rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-3}
threads=${THREADS:-2} workers=${WORKERS:-2} port=${PORT:-18510}
prepare "${names[@]}"
describe
echo "metaserve with $threads threads, FastAPI with $workers workers; $rounds rounds of $seconds s in turns"
echo
# shellcheck disable=SC2086
"$python" Benchmarks/fastapi/compare.py "$models" "$server" "$threads" "$workers" "$port" "$rounds" "$seconds" \
    "$(echo $connections | tr ' ' ,)" "${names[@]}"
