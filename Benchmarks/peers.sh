# Sourced by race.sh and fastapi.sh: sets `python`, `server` and `models`, and makes what is missing.
#
# PYTHON=path is a Python with the packages below; without it, a virtual environment is made in .build/peers.
peers=(tensorflow-cpu tf2onnx onnxruntime openvino ai-edge-litert "$@")

# A forced choice of kernels is none that the program would make.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

server=${SERVER:-.build/release/metaserve}
[ -x "$server" ] || { echo "$server is missing: run make build, or name another program in SERVER" >&2; exit 1; }

python=${PYTHON:-.build/peers/bin/python}
if [ -z "${PYTHON:-}" ] && ! .build/peers/bin/pip show -q "${peers[@]}" 2>/dev/null; then
    echo "installing ${peers[*]} from PyPI into .build/peers" >&2
    python3 -m venv .build/peers
    .build/peers/bin/pip install -q "${peers[@]}"
fi

models=${MODELS:-.build/race}

# Writes and converts models, those that are named or all; prints what cannot be converted.
prepare() {
    mkdir -p "$models"
    "$python" Benchmarks/race/models.py "$models" "$@" >&2 2>"$models/log" || { tail -3 "$models/log" >&2; exit 1; }
    for cases in "$models"/*/cases.json; do
        folder=$(dirname "$cases")
        [ -e "$folder/converted" ] && continue
        "$python" Benchmarks/race/convert.py "$folder" >&2 2>"$models/log" ||
            { echo "$folder cannot be converted: $(tail -1 "$models/log")" >&2; }
    done
}

# The processor, and the kernels that run.
describe() {
    "$server" benchmark models/tutorial --seconds 0.01 --json 2>/dev/null | "$python" -c 'import json, sys
facts = json.load(sys.stdin)
print(facts["processor"] + ",", facts["processors"], "processors; kernels:", facts["kernels"])
for warning in facts["warnings"]: print(f"warning: {warning}")'
}
