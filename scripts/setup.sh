#!/bin/bash
# Installs what the build needs and is missing: Debian packages by apt-get. The Swift toolchain must be there.
set -euo pipefail
packages=(libmicrohttpd-dev libopenblas-dev libsimdjson-dev libsnappy-dev libstdc++-12-dev pkg-config git curl)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! command -v swift >/dev/null; then
    echo "error: no Swift toolchain found. Get Swift 6.2 or later for Debian 12 from https://www.swift.org/install/linux/," >&2
    echo "unpack it, and put its usr/bin on PATH; then run make again." >&2
    exit 1
fi
version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -1)
read -r major minor <<<"${version:-0 0}"
if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    echo "error: Swift $major.$minor is too old; 6.2 or later is needed: https://www.swift.org/install/linux/" >&2
    exit 1
fi
