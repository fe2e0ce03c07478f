#!/usr/bin/env bash
# Fuzzes readers of hostile bytes with libFuzzer and the address sanitizer, each for a number of seconds.
#
#     scripts/fuzz.sh [SECONDS] [READER ...]
#
# SECONDS is 3600 by default. By default, all readers of Tests/Fuzzing are fuzzed. JOBS=2 runs two at once.
#
# .build/fuzz contains the seeds (seeds/READER), the inputs that found new paths (corpus/READER, kept from run to run), the output
# (READER.log) and the findings (findings/READER-*). Exits with status 1 if there was a finding.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-3600}
shift || true
jobs=${JOBS:-1}
build=.build/fuzzing
out=.build/fuzz
program=$build/release/fuzz-readers

# `assert-config`: the checks of a debug build, such as those of an unsafe buffer's bounds, in optimised code.
# FUZZ_BUILD=no runs the existing build.
# The Swift compiler uses only the last -sanitize option, so it lists both. SwiftPM's own option only affects linking.
if [[ ${FUZZ_BUILD:-yes} != no ]]; then
    METASERVE_FUZZ=1 swift build -c release --scratch-path $build \
        --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address \
        -Xswiftc -enable-testing -Xswiftc -assert-config -Xswiftc Debug --product fuzz-readers
fi

# libFuzzer reports traps. The leak sanitizer does not see pointers that Swift stores in tagged bits of enumerations, and would report
# their objects as leaks. -rss_limit_mb finds unbounded memory.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1}

known=$($program list)
readers=("$@")
[[ ${#readers[@]} -gt 0 ]] || read -r -a readers <<< "$known"
for reader in "${readers[@]}"; do
    [[ " $known " == *" $reader "* ]] || { echo "no reader \"$reader\"; there are: $known" >&2; exit 2; }
done
mkdir -p $out/findings $out/corpus $out/seeds

fuzz() {
    local reader=$1 log=$out/$1.log dictionary=()
    $program seeds $out/seeds "$reader" > "$log" 2>&1 || { cat "$log"; return 1; }
    mkdir -p "$out/corpus/$reader"
    [[ ! -s $out/seeds/$reader.dict ]] || dictionary=("-dict=$out/seeds/$reader.dict")
    METASERVE_FUZZ_READER=$reader $program "$out/corpus/$reader" "$out/seeds/$reader" "${dictionary[@]}" \
        "-max_total_time=$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -detect_leaks=0 -max_len=65536 -use_value_profile=1 \
        -print_final_stats=1 "-artifact_prefix=$out/findings/$reader-" >> "$log" 2>&1
}

# A line of docs/hostile.md's table.
report() {
    local log=$out/$1.log runs edges took found=none
    runs=$(awk '/^stat::number_of_executed_units/ { n = $2 } END { print n + 0 }' "$log")
    took=$(awk '/^Done .* runs in/ { n = $5 } END { print n + 0 }' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2 || true)
    [[ $2 == 0 ]] || found=$(grep -m1 -E 'Fatal error|^SUMMARY|^==.*ERROR' "$log" || echo "ended with $2; see $log")
    echo "| $1 | $runs | $took | ${edges:-0} | $found |"
}

failed=0
finish() {
    local status=0
    wait "${running[$1]}" || status=$?
    unset "running[$1]"
    report "$1" "$status"
    [[ $status == 0 ]] || failed=1
}

echo "| reader | executions | seconds | edges | found |"
echo "| --- | ---: | ---: | ---: | --- |"
declare -A running=()
waiting=()
for reader in "${readers[@]}"; do
    if [[ ${#waiting[@]} -ge $jobs ]]; then
        finish "${waiting[0]}"
        waiting=("${waiting[@]:1}")
    fi
    echo "$reader: $seconds seconds from $(date +%H:%M); tail -f $out/$reader.log" >&2
    fuzz "$reader" &
    running[$reader]=$!
    waiting+=("$reader")
done
for reader in "${waiting[@]}"; do finish "$reader"; done
exit $failed
