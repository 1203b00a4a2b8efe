#!/usr/bin/env bash
# Makes everything that is released, into dist/. Usage: scripts/dist/all.sh [PLATFORM...]
#
# Without platforms, all of them. PROFILE=dev is done sooner and large; MINISIGN_KEY names the secret key
# that SHA256SUMS is signed with.
set -euo pipefail
cd "$(dirname "$0")/../.."

built=build/dist/${PROFILE:-release}
into=dist
platforms=("$@")
[ $# -ne 0 ] || mapfile -t platforms < <(scripts/dist/platforms.sh --libraries)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export SOURCE_DATE_EPOCH

scripts/dist/versions.sh
rm -rf "$into"
mkdir -p "$into" "$built"

cargo run --quiet --package manual -- "$built/manual"
for platform in "${platforms[@]}"; do
    programs=$(scripts/dist/platforms.sh "$platform" programs)
    [ -z "$programs" ] || scripts/dist/programs.sh "$platform" "$built/programs/$platform"
    scripts/dist/library.sh "$platform" "$built/library/$platform"
    scripts/dist/archives.sh "$platform" "$built" "$into"
    [ -z "$programs" ] || scripts/dist/sbom.sh "$platform" "$into"
    [ -z "$(scripts/dist/platforms.sh "$platform" debian)" ] || scripts/dist/deb.sh "$platform" "$built" "$into"
done
for program in versioner versioner-server; do
    scripts/dist/image.sh "$program" "$built" "$into" "${platforms[@]}"
done
scripts/dist/python.sh "$into/python" "${platforms[@]}"
scripts/dist/java.sh "$into/java" "${platforms[@]}"
# For those whom no registry serves, such as a Jenkins without the Internet.
cp "$into"/java/versioner-*[0-9].{jar,pom} "$into/"
scripts/dist/ruby.sh "$built/library" "$into/ruby" "${platforms[@]}"
scripts/dist/go.sh "$built/library" "$into/go" "${platforms[@]}"
scripts/dist/node.sh "$into/node" "${platforms[@]}"
scripts/dist/installers.sh "$into"
if [ $# -eq 0 ]; then scripts/dist/github-action.sh "$into" "$into/github-action"; fi
scripts/dist/sign.sh "$into" "${MINISIGN_KEY:-}"
