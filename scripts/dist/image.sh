#!/usr/bin/env bash
# Makes the container image of a program for those of the platforms that containers run on.
# Usage: scripts/dist/image.sh PROGRAM BUILT INTO PLATFORM...
set -euo pipefail

program=${1:?usage: $0 PROGRAM BUILT INTO PLATFORM...}
built=$2 into=$3
here=$(dirname "$0")
version=$(cd "$here/../.." && . scripts/library-files.sh && project_version)
binaries=()
for platform in "${@:4}"; do
    architecture=$("$here/platforms.sh" "$platform" debian)
    [ -z "$architecture" ] || binaries+=("$architecture=$built/programs/$platform/$program")
done
[ ${#binaries[@]} -eq 0 ] || python3 "$here/image.py" "$program" "$version" \
    "${SOURCE_DATE_EPOCH:-$("$here/epoch.sh")}" "$into/$program-$version-oci.tar" "${binaries[@]}"
