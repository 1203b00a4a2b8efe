#!/usr/bin/env bash
# Prints what the changelog says of the version that a tag names, for people who look at the release.
# Fails if the tag is of another version than the manifests, or the changelog still calls it unreleased.
# Usage: scripts/dist/notes.sh TAG
set -euo pipefail

tag=${1:?usage: $0 TAG}
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh

version=$(project_version)
if [ "$tag" != "v$version" ]; then
    echo "The tag is $tag, and Cargo.toml has the version $version: scripts/dist/versions.sh set VERSION" >&2
    exit 1
fi
if grep -q "^## $version (unreleased)\$" CHANGELOG.md; then
    echo "CHANGELOG.md still calls $version unreleased: write the day of the release there, and tag anew" >&2
    exit 1
fi
notes=$(awk -v heading="## $version" '
    /^## / { inside = $0 == heading || index($0, heading " ") == 1; next }
    inside' CHANGELOG.md)
[ -n "$notes" ] || { echo "CHANGELOG.md says nothing of $version" >&2; exit 1; }
printf '%s\n' "$notes"
