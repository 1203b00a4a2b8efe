#!/usr/bin/env bash
# Builds a program for a platform, with the list of crates in it, into a folder; nothing for a platform
# without programs of its own. Usage: scripts/dist/programs.sh PLATFORM FOLDER versioner|versioner-server
# With PROFILE=dev it is done sooner and the files are large: to try something.
set -euo pipefail

platform=${1:?usage: $0 PLATFORM FOLDER PROGRAM}
folder=$(realpath --canonicalize-missing "${2:?usage: $0 PLATFORM FOLDER PROGRAM}")
program=${3:?usage: $0 PLATFORM FOLDER PROGRAM}
cd "$(dirname "$0")/../.."

target=$(scripts/dist/platforms.sh "$platform" programs)
suffix=$(scripts/dist/platforms.sh "$platform" suffix)
[ -n "$target" ] || exit 0
export AUDITABLE=1

case "$program" in
    # Small, because it is downloaded again and again.
    versioner) profile=${PROFILE:-dist} ;;
    # Fast.
    versioner-server) profile=${PROFILE:-release} ;;
esac
scripts/dist/build.sh "$target" build --quiet --profile "$profile" --package "$program" --bin "$program"
install -D -m 755 "$(scripts/target-dir.sh)/$target/${profile/#dev/debug}/$program$suffix" "$folder/$program$suffix"
echo "$platform: $program, below $folder"
