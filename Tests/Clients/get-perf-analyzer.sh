#!/bin/bash
# Gets Triton's perf_analyzer into a folder: get-perf-analyzer.sh FOLDER. Nobody publishes it for itself (perf-analyzer on PyPI is an
# empty placeholder): the wheel of tritonclient 2.41.0 has the program, NVIDIA's wheel and Debian's package have libraries that it is
# linked to. Where one of them cannot be had, says so and leaves nothing, and its test is skipped.
set -euo pipefail
folder=$1
python=$(dirname "$folder")/bin/python

get() {
    "$(dirname "$0")/../../scripts/setup.sh" libb64-0d &&
        "$python" -m pip install --quiet --no-deps --target "$folder" tritonclient==2.41.0 nvidia-cuda-runtime-cu12==12.9.79
}

rm -rf "$folder"
if ! get || LD_LIBRARY_PATH=$folder/nvidia/cuda_runtime/lib ldd "$folder/bin/perf_analyzer" | grep "not found"; then
    echo "perf_analyzer cannot be had here; its test is skipped" >&2
    rm -rf "$folder"
fi
