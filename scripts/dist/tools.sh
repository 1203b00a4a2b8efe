#!/usr/bin/env bash
# Installs what makes a release, if it is not there, and prints the folders of the programs among it, as
# PATH has them. Usage: PATH="$(scripts/dist/tools.sh [CARGO-PACKAGE...]):$PATH"
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly ZIG_VERSION=0.17.1 ZIGBUILD_VERSION=0.24.1 MATURIN_VERSION=1.16.0
tools=$PWD/build/zig
if [ ! -x "$tools/bin/maturin" ]; then
    python3 -m venv "$tools" >&2
    "$tools/bin/pip" install --quiet --disable-pip-version-check \
        "cargo-zigbuild==$ZIGBUILD_VERSION" "ziglang==$ZIG_VERSION" "maturin==$MATURIN_VERSION" >&2
fi
path=$tools/bin
for package; do
    root=$PWD/build/$package
    [ -x "$root/bin/$package" ] ||
        cargo install --quiet --locked --root "$root" --target-dir "$root/target" "$package" >&2
    rm -rf "$root/target"
    path+=:$root/bin
done
echo "$path"
