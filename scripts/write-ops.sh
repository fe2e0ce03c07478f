#!/bin/bash
# Writes docs/ops.md from the program's table of ops and the recorded runs, and docs/expressions.md from that of functions.
set -euo pipefail
cd "$(dirname "$0")/.."
METASERVE_WRITE_DOCS=1 swift test --filter 'OpDocumentTests|ExpressionDocumentTests'
