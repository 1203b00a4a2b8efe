#!/usr/bin/env bash
# Writes what is in a program, as CycloneDX: its crates with versions and licences.
# Usage: scripts/dist/sbom.sh PLATFORM INTO
set -euo pipefail

platform=${1:?usage: $0 PLATFORM INTO}
into=$(realpath "$2")
cd "$(dirname "$0")/../.."
target=$(scripts/dist/platforms.sh "$platform" programs)
PATH="$(scripts/dist/tools.sh cargo-cyclonedx):$PATH"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export PATH SOURCE_DATE_EPOCH

# It writes beside each manifest of the workspace, for programs and for libraries.
trap 'git ls-files -z --others --ignored --exclude="*.cdx.json" -- ":!build" ":!dist" ":!target" | xargs -0r rm -f' EXIT
cargo cyclonedx --quiet --format json --describe binaries --target "$target" --spec-version 1.5
mv versioner_bin.cdx.json "$into/versioner-$platform.cdx.json"
mv server/versioner-server_bin.cdx.json "$into/versioner-server-$platform.cdx.json"
