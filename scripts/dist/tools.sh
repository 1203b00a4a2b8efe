#!/usr/bin/env bash
# Installs what compiles for the other platforms, if it is not there, and prints the folder of the
# programs among it. Usage: PATH="$(scripts/dist/tools.sh):$PATH"
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly ZIG_VERSION=0.17.1 ZIGBUILD_VERSION=0.24.1 MATURIN_VERSION=1.16.0
tools=$PWD/build/zig
if [ ! -x "$tools/bin/maturin" ]; then
    python3 -m venv "$tools" >&2
    "$tools/bin/pip" install --quiet --disable-pip-version-check \
        "cargo-zigbuild==$ZIGBUILD_VERSION" "ziglang==$ZIG_VERSION" "maturin==$MATURIN_VERSION" >&2
fi
echo "$tools/bin"
