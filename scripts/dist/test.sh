#!/usr/bin/env bash
# Proves what all.sh made in dist/, as far as one Linux machine can, and says what was run on what.
# Usage: scripts/dist/test.sh [PLATFORM...]; the same platforms as all.sh's.
set -euo pipefail
cd "$(dirname "$0")/../.."

built=build/dist/${PROFILE:-release}
dist=dist
platforms=("$@")
[ $# -ne 0 ] || mapfile -t platforms < <(scripts/dist/platforms.sh --libraries)
[ -e "$dist/SHA256SUMS" ] || { echo "$dist has no release: make dist" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RESULTS=$work/results TABLE=$work/table
: >"$RESULTS"
: >"$TABLE"

# Signed once more, by a key that is thrown away, whoever signed it before.
minisign -G -W -p "$work/key.pub" -s "$work/key" >/dev/null
cp -r "$dist" "$work/dist"
scripts/dist/sign.sh "$work/dist" "$work/key"
scripts/dist/test/files.sh "$work/dist" "$work/key.pub" "${platforms[@]}"

scripts/dist/test/programs.sh "$dist" "${platforms[@]}"
for platform in "${platforms[@]}"; do
    [ "$platform" = linux-amd64 ] || continue
    scripts/dist/test/install.sh "$dist" "$platform"
    scripts/dist/test/debian.sh "$dist" "$platform"
    scripts/dist/test/image.sh "$dist"
    scripts/dist/test/reproducible.sh "$built" "$platform"
done
# The packages of the languages that were made, each in a place that has nothing else of this.
for language in python java ruby go node; do
    [ -d "$dist/$language" ] || continue
    scripts/dist/test/packages.sh "$dist" "$language"
done

echo
{ printf 'file\tbytes\trun on\n'; sort "$TABLE"; } | column -t -s $'\t'
echo
failed=$(grep -c failed "$RESULTS" || true)
echo "$(grep -c passed "$RESULTS" || true) passed, $failed failed"
[ "$failed" -eq 0 ]
