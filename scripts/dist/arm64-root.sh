#!/usr/bin/env bash
# Unpacks a Debian for 64-bit ARM with Python and Ruby, if it is not there, and prints its folder. Nothing
# in it is configured: qemu-user runs single programs of it, in a chroot.
# Usage: chroot "$(scripts/dist/arm64-root.sh)" /usr/bin/qemu-aarch64-static PROGRAM [ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly SUITE=bookworm
# Not where cargo looks for files of a package: it has links that lead out of it.
root=$(scripts/target-dir.sh)/arm64-$SUITE
if [ ! -e "$root/usr/bin/qemu-aarch64-static" ]; then
    rm -rf "$root"
    mmdebstrap --quiet --mode=root --variant=extract --architectures=arm64 \
        --include=python3,python3-venv,ruby,ruby-ffi "$SUITE" "$root" >&2
    cp /usr/bin/qemu-aarch64-static "$root/usr/bin/"
fi
echo "$root"
