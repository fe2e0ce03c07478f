#!/bin/bash
# Builds .build/release/metaserve, as it is measured and deployed.
#
# The standard library is linked in: the program needs no Swift where it runs, and calls it directly. Accesses are checked for
# overlaps by the compiler where it can, and by the tests' builds as they run, not by this one.
#
# Usage: scripts/build-release.sh [OPTION...]     more options for swift build
#        PRODUCT=memory-trial                     to build another product the same way: other options would build all anew
set -euo pipefail
cd "$(dirname "$0")/.."
exec swift build -c release --product "${PRODUCT:-metaserve}" --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked "$@"
