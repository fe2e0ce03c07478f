#!/usr/bin/env bash
# Runs models of a folder with metaserve and TensorFlow in turns, in the process, and prints a table of medians.
#
# Usage: Benchmarks/published.sh FOLDER [MODEL...]     FOLDER/MODEL is a checkpoint beside cases.json, as race/models.py writes them; all by default
#        THREADS=2 ROUNDS=1 SECONDS_EACH=1 are the defaults.
#        PYTHON=path is a Python with TensorFlow; without it, it is installed from PyPI. SERVER=path is another metaserve.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { sed -n 's/^# \{0,1\}//p' "$0" | sed -n 3,6p >&2; exit 2; }
folder=$1
shift
names=("$@")
set --
source Benchmarks/peers.sh

if [ ${#names[@]} -eq 0 ]; then
    for cases in "$folder"/*/cases.json; do names+=("$(basename "$(dirname "$cases")")"); done
fi
threads=${THREADS:-2} rounds=${ROUNDS:-1} seconds=${SECONDS_EACH:-1}
describe
echo "$threads threads, $rounds rounds of $seconds s in turns"
echo
PEERS=tensorflow "$python" Benchmarks/race/race.py "$folder" "$server" "$threads" "$rounds" "$seconds" "${names[@]}"
