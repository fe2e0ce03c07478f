#!/bin/bash
# Installs the missing Debian packages of the build, then checks that a Swift toolchain is installed.
#
# Usage: scripts/setup.sh [PACKAGE...]     more packages, which not every build needs
set -euo pipefail
packages=(
    # the packages for building metaserve
    libgnutls28-dev libjpeg62-turbo-dev libmicrohttpd-dev libopenblas0-pthread libpng-dev libre2-dev libsimdjson-dev
    libsnappy-dev libzstd-dev pkg-config zlib1g-dev
    binutils git libc6-dev libcurl4 libedit2 libncurses6 libsqlite3-0 libstdc++-12-dev libxml2 tzdata  # the toolchain's
    ca-certificates curl                                                             # packages by https; the tests' client
    "$@"
)
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

fail() {
    echo "error: $1" >&2
    echo "Get Swift 6.2 or later for Debian 12 from https://www.swift.org/install/linux/, unpack it, and put its usr/bin on" >&2
    echo "PATH; then run make again." >&2
    exit 1
}
command -v swift >/dev/null || fail "no Swift toolchain found."
answer=$(swift --version 2>&1) || fail "$(command -v swift) does not run: $answer"
version=$(sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' <<<"$answer" | head -1)
read -r major minor <<<"${version:-0 0}"
if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    fail "Swift $major.$minor is too old; 6.2 or later is needed."
fi
