#!/usr/bin/env bash
# Packs what was built for a platform: each program alone under its name, and with licence, manual and
# completions; the C library. Usage: scripts/dist/archives.sh PLATFORM BUILT INTO
#
# BUILT has programs/PLATFORM, library/PLATFORM and manual, as programs.sh, library.sh and manual make them.
set -euo pipefail

platform=${1:?usage: $0 PLATFORM BUILT INTO}
built=$(realpath "$2")
into=$(realpath "$3")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh

version=$(project_version)
archive=$(scripts/dist/platforms.sh "$platform" archive)
suffix=$(scripts/dist/platforms.sh "$platform" suffix)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pack_program() { # PROGRAM DOCUMENT...
    local name=$1-$version-$platform
    local folder=$work/$name
    install -D -m 755 "$built/programs/$platform/$1$suffix" "$folder/$1$suffix"
    install -m 644 LICENSE "${@:2}" "$folder/"
    cp -r "$built/manual/$1/completions" "$folder/"
    install -D -m 644 -t "$folder/man/man1" "$built/manual/$1"/man/*.1
    scripts/dist/pack.sh "$folder" "$into/$name.$archive"
    install -m 755 "$folder/$1$suffix" "$into/$1-$platform$suffix"
}

if [ -n "$(scripts/dist/platforms.sh "$platform" programs)" ]; then
    pack_program versioner README.md CHANGELOG.md
    pack_program versioner-server server/README.md server/OPERATIONS.md
fi
name=libversioner-$version-$platform
cp -a "$built/library/$platform" "$work/$name"
install -m 644 LICENSE "$work/$name/"
scripts/dist/pack.sh "$work/$name" "$into/$name.$archive"
