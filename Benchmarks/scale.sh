#!/usr/bin/env bash
# Measures what grows: cost over batch size and threads, a server with 1 to 1,000 models, graphs of 10 to 100,000 nodes.
# Writes a table of each, and the curves to Benchmarks/plots/*.svg.
#
# Usage: Benchmarks/scale.sh [PART...]     batch threads models graph
#        SECONDS_EACH=0.5 is how long a point is measured, three times. The models of the race are written to MODELS=.build/race.
#        PYTHON=path is a Python with TensorFlow and matplotlib; without it, they are installed from PyPI.
#        SERVER=path is another metaserve.
set -euo pipefail
cd "$(dirname "$0")/.."
parts=("$@")
set -- matplotlib
source Benchmarks/peers.sh

[ ${#parts[@]} -gt 0 ] || parts=(batch threads models graph)
seconds=${SECONDS_EACH:-0.5}
mkdir -p "$models" Benchmarks/plots
"$python" Benchmarks/race/models.py "$models" perceptron wide mobilenet encoder >&2 2>"$models/log" ||
    { tail -3 "$models/log" >&2; exit 1; }
describe
for part in "${parts[@]}"; do
    "$python" Benchmarks/scale/measure.py "$part" "$server" "$models" "$seconds" Benchmarks/plots
done
