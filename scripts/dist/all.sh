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

# What both lanes below use is there before they begin.
scripts/dist/tools.sh cargo-auditable >/dev/null
for platform in "${platforms[@]}"; do
    for column in programs library; do
        target=$(scripts/dist/platforms.sh "$platform" "$column")
        [ -z "$target" ] || rustup --quiet target add "${target%.2.*}"
    done
done
cargo run --quiet --package manual -- "$built/manual"

# The servers, each of which keeps one core busy for minutes.
servers() {
    local platform
    for platform in "${platforms[@]}"; do
        scripts/dist/programs.sh "$platform" "$built/programs/$platform" versioner-server
    done
}

# Everything that is small, with another profile, so that neither waits for what the other compiles.
others() {
    local platform
    for platform in "${platforms[@]}"; do
        scripts/dist/programs.sh "$platform" "$built/programs/$platform" versioner
        scripts/dist/library.sh "$platform" "$built/library/$platform"
    done
    scripts/dist/python.sh "$into/python" "${platforms[@]}"
    scripts/dist/java.sh "$into/java" "${platforms[@]}"
    scripts/dist/ruby.sh "$built/library" "$into/ruby" "${platforms[@]}"
    scripts/dist/go.sh "$built/library" "$into/go" "${platforms[@]}"
    scripts/dist/node.sh "$into/node" "${platforms[@]}"
}

# A group of its own, so that its compilers end with it.
set -m
servers &
beside=$!
set +m
trap 'kill -- "-$beside" 2>/dev/null || true' EXIT
others
wait "$beside"
trap - EXIT

for platform in "${platforms[@]}"; do
    scripts/dist/archives.sh "$platform" "$built" "$into"
    [ -z "$(scripts/dist/platforms.sh "$platform" programs)" ] || scripts/dist/sbom.sh "$platform" "$into"
    [ -z "$(scripts/dist/platforms.sh "$platform" debian)" ] || scripts/dist/deb.sh "$platform" "$built" "$into"
done
for program in versioner versioner-server; do
    scripts/dist/image.sh "$program" "$built" "$into" "${platforms[@]}"
done
# For those whom no registry serves, such as a Jenkins without the Internet.
cp "$into"/java/versioner-*[0-9].{jar,pom} "$into/"
scripts/dist/installers.sh "$into"
if [ $# -eq 0 ]; then scripts/dist/github-action.sh "$into" "$into/github-action"; fi
scripts/dist/sign.sh "$into" "${MINISIGN_KEY:-}"
