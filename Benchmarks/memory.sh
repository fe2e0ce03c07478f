#!/usr/bin/env bash
# What holds the resident memory of a server: MB of the program and its libraries, the weights, the runs, and the rest.
#
# Usage: Benchmarks/memory.sh FOLDER...     model folders, each served by itself
#        PROGRAM=.build/release/metaserve PORT=18504 are the defaults. Needs curl.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${PROGRAM:-.build/release/metaserve} port=${PORT:-18504}

# Kilobytes that are resident: of files with "files", else of memory that no file lies behind.
resident() {
    awk -v wanted="$1" '
        /^[0-9a-f]+-[0-9a-f]+ / { kind = $6 ~ /^\// ? "files" : "memory" }
        /^Rss:/ && kind == wanted { sum += $2 }
        END { printf "%.0f\n", sum }' "/proc/$server/smaps"
}

# The sum of a metric, of those lines that have a word.
metric() { awk -v word="$1" 'index($0, word) && !/^#/ { sum += $NF } END { printf "%.0f\n", sum }' <<<"$metrics"; }

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1e6 }'; }

echo "| model | resident | program and libraries | weights as in the checkpoint | packed | runs | rest | files |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for folder in "$@"; do
    "$program" serve "$folder" --log-level error --port "$port" &
    server=$!
    trap 'kill "$server" 2>/dev/null || true' EXIT
    until metrics=$(curl -sf "localhost:$port/metrics"); do
        kill -0 "$server" || exit 1
        sleep 0.1
    done
    files=$(($(resident files) * 1024)) memory=$(($(resident memory) * 1024))
    raw=$(($(metric 'part="raw"') + $(metric 'part="derived"'))) packed=$(metric 'part="packed"')
    runs=$(metric 'metaserve_memory_used_bytes{use="runs"}')
    size=$(find "$folder" -maxdepth 1 -name '*.data-*' -printf '%s\n' | awk '{ sum += $1 } END { printf "%.0f\n", sum }')
    printf '| %s |' "$(basename "$folder")"
    for bytes in $((files + memory)) "$files" "$raw" "$packed" "$runs" $((memory - raw - packed - runs)) "$size"; do
        printf ' %s |' "$(megabytes "$bytes")"
    done
    echo
    kill "$server"
    wait "$server" || true
done
