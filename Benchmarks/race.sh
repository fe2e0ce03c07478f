#!/usr/bin/env bash
# Runs ten models with metaserve, TensorFlow, ONNX Runtime, OpenVINO and LiteRT in turns, in the process, and prints a table of medians.
#
# Usage: Benchmarks/race.sh [MODEL...]     arithmetic perceptron digits_cnn wide nearest_words vgg16 resnet50 mobilenet lstm encoder
#        THREADS=2 ROUNDS=3 SECONDS_EACH=1.5 are the defaults. The models (3 GB) are written to MODELS=.build/race.
#        PYTHON=path is a Python with the peers; without it, they are installed from PyPI. SERVER=path is another metaserve.
set -euo pipefail
cd "$(dirname "$0")/.."
names=("$@")
set --
source Benchmarks/peers.sh

[ ${#names[@]} -gt 0 ] || names=(arithmetic perceptron digits_cnn wide nearest_words vgg16 resnet50 mobilenet lstm encoder)
threads=${THREADS:-2} rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-1.5}
prepare "${names[@]}"
describe
echo "$threads threads, $rounds rounds of $seconds s in turns"
echo
"$python" Benchmarks/race/race.py "$models" "$server" "$threads" "$rounds" "$seconds" "${names[@]}"
