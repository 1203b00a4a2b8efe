#!/usr/bin/env bash
# Builds the command line and the C library once more, from a copy of the source in another folder, and
# compares every byte. Usage: reproducible.sh BUILT PLATFORM
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"

built=$(realpath "$1")
platform=$2
cd "$here/../../.." || exit 1
copy=$PWD/build/dist/again/versioner
rm -rf "$copy"
mkdir -p "$copy/build"
trap 'rm -rf "${copy%/*}"' EXIT
git ls-files -z | xargs -0 cp --parents --target-directory "$copy"
# What compiles is the same; what is compiled is not.
for tool in zig cargo-auditable; do ln -s "$PWD/build/$tool" "$copy/build/$tool"; done
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export SOURCE_DATE_EPOCH

same_bytes() {
    local target profile
    target=$(scripts/dist/platforms.sh "$platform" programs)
    profile=${PROFILE:-dist}
    (cd "$copy" && AUDITABLE=1 CARGO_TARGET_DIR=$copy/other-target scripts/dist/build.sh "$target" build --quiet \
        --profile "$profile" --package versioner --bin versioner) || return 1
    cmp "$copy/other-target/$target/${profile/#dev/debug}/versioner" "$built/programs/$platform/versioner"
}

same_archive() {
    local archive
    archive=$(basename "$(echo dist/versioner-[0-9]*-"$platform".tar.gz)")
    mkdir -p "$copy/dist"
    "$copy/scripts/dist/archives.sh" "$platform" "$built" "$copy/dist" && cmp "$copy/dist/$archive" "dist/$archive"
}

case_of "$platform: the same bytes from another folder" same_bytes
case_of "$platform: the same archive" same_archive
