#!/usr/bin/env bash
# Milliseconds from starting metaserve on models/tutorial to its first answer.
#
# Usage: Benchmarks/start.sh [COMMAND...]     a server to measure instead; it gets the port as its last argument
#        RUNS=20 is the default. Needs cc.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${RUNS:-20} port=${PORT:-18503}
command=("$@")
[ ${#command[@]} -gt 0 ] || command=(.build/release/metaserve serve models/tutorial --log-level error --port)

mkdir -p .build
cc -O2 -Wall -Wextra -o .build/first-answer Benchmarks/first-answer/first_answer.c
times=$(for _ in $(seq "$runs"); do .build/first-answer "$port" "${command[@]}" "$port"; done | sort -n)
nth() { sed -n "$1p" <<<"$times"; }
echo "start to first answer, $runs runs: median $(nth $(((runs + 1) / 2))) ms, least $(nth 1) ms, most $(nth "$runs") ms"
