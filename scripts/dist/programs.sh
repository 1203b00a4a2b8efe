#!/usr/bin/env bash
# Builds the command line and the server for a platform, each with the list of crates in it, into a
# folder. Usage: scripts/dist/programs.sh PLATFORM FOLDER
# With PROFILE=dev it is done sooner and the files are large: to try something.
set -euo pipefail

platform=${1:?usage: $0 PLATFORM FOLDER}
folder=$(realpath --canonicalize-missing "${2:?usage: $0 PLATFORM FOLDER}")
cd "$(dirname "$0")/../.."

target=$(scripts/dist/platforms.sh "$platform" programs)
suffix=$(scripts/dist/platforms.sh "$platform" suffix)
[ -n "$target" ] || { echo "$0: $platform has no programs of its own" >&2; exit 2; }
built=$(scripts/target-dir.sh)/$target
export AUDITABLE=1

# The command line is small, because it is downloaded again and again; the server is fast.
build() { # PACKAGE PROFILE
    local profile=${PROFILE:-$2}
    scripts/dist/build.sh "$target" build --quiet --profile "$profile" --package "$1" --bin "$1"
    install -D -m 755 "$built/${profile/#dev/debug}/$1$suffix" "$folder/$1$suffix"
}
build versioner dist
build versioner-server release
echo "$platform: the programs, below $folder"
