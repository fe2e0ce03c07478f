#!/bin/bash
# Regenerates the Swift code of proto/*.proto. Needs protoc (Debian: protobuf-compiler) and protoc-gen-swift of the
# swift-protobuf release that Package.swift names; without it on PATH it is built from the package's checkout (minutes).
set -euo pipefail
cd "$(dirname "$0")"
root=$(git rev-parse --show-toplevel)
if ! command -v protoc-gen-swift >/dev/null; then
    swift package --package-path "$root" resolve
    checkout=$root/.build/checkouts/swift-protobuf
    swift build --package-path "$checkout" --scratch-path "$root/.build/protoc-gen-swift" --product protoc-gen-swift
    PATH=$root/.build/protoc-gen-swift/debug:$PATH
fi
rm -rf generated && mkdir generated
protoc --proto_path=proto --swift_opt=Visibility=Public --swift_opt=UseAccessLevelOnImports=true --swift_out=generated proto/*.proto

# The messages of the test fixtures.
cd "$root/Tests/VectorSupport"
protoc --proto_path=. --proto_path="$root/Sources/TensorFlowProtos/proto" --swift_opt=Visibility=Public \
    --swift_opt=UseAccessLevelOnImports=true --swift_opt=ProtoPathModuleMappings=modules.asciipb --swift_out=. op_vector.proto
