#!/bin/bash
# Builds .build/release/metaserve for measurements and deployment.
#
# The standard library is linked statically, so the program needs no Swift installation, and calls it directly. The compiler
# checks for overlapping accesses where it can. Debug builds check them at run time, this build does not. Generic types are
# looked up by calls, not by mangled names, which the runtime would have to search for when the program starts. The program has
# 116,000 addresses to relocate when it starts; they are packed, which only lld does of the toolchain's linkers.
#
# Usage: scripts/build-release.sh [OPTION...]     more options for swift build
#        PRODUCT=memory-trial                     to build another product the same way, because other options would rebuild everything
set -euo pipefail
cd "$(dirname "$0")/.."
exec swift build -c release --product "${PRODUCT:-metaserve}" --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked \
    -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors \
    -Xswiftc -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs "$@"
