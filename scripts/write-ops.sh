#!/bin/bash
# Writes docs/ops.md from the program's own table.
set -euo pipefail
cd "$(dirname "$0")/.."
names=$(swift run -q metaserve ops)
{
    echo "# Supported ops"
    echo
    echo "Written by \`make docs\` from the program's own table (\`metaserve ops\`). Each is complete in its attributes; the dtypes are"
    echo "float32, float64, int32, int64, uint8, bool and string, as far as TensorFlow's CPU kernel has them."
    echo
    sed 's/.*/- `&`/' <<<"$names"
} >docs/ops.md
