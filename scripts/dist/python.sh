#!/usr/bin/env bash
# Makes the wheels, one for each platform and all Pythons from 3.9 on, and the source distribution.
# Usage: scripts/dist/python.sh FOLDER [PLATFORM...]
#
# PROFILE=dev is done sooner and large.
set -euo pipefail

wheels=$(realpath --canonicalize-missing "${1:?usage: $0 FOLDER [PLATFORM...]}")
cd "$(dirname "$0")/../.."
shift
[ $# -gt 0 ] || mapfile -t all < <(scripts/dist/platforms.sh --libraries)
[ $# -gt 0 ] || set -- "${all[@]}"

rm -rf "$wheels"
mkdir -p "$wheels"
for platform in "$@"; do
    rust=$(scripts/dist/platforms.sh "$platform" library)
    promise=$(scripts/dist/platforms.sh "$platform" wheel)
    # The oldest macOS that Rust's own library is for.
    case "$platform" in
        darwin-amd64) export MACOSX_DEPLOYMENT_TARGET=10.12 ;;
        darwin-arm64) export MACOSX_DEPLOYMENT_TARGET=11.0 ;;
        *) unset MACOSX_DEPLOYMENT_TARGET ;;
    esac
    scripts/dist/build.sh "$rust" maturin --quiet --manifest-path python/Cargo.toml --out "$wheels" --profile "${PROFILE:-dist}" \
        ${promise:+--compatibility "$promise"}
done
said=$("$(scripts/dist/tools.sh)/maturin" sdist --manifest-path python/Cargo.toml --out "$wheels" 2>&1) ||
    { echo "$said" >&2; exit 1; }
(cd "$wheels" && printf '%s\n' *)
