#!/usr/bin/env bash
# Plays the story with the programs of a platform on a machine of that platform: what one Linux machine
# cannot do for macOS, and for Windows only by Wine. Usage: scripts/dist/test/native.sh PLATFORM [FOLDER]
#
# FOLDER has a release. Without it the programs are those that this machine's own compiler and linker make.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"
# shellcheck source=scripts/dist/test/story.sh
. "$here/story.sh"

platform=${1:?usage: $0 PLATFORM [FOLDER]}
suffix=$("$here/../platforms.sh" "$platform" suffix)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RESULTS=$work/results

if [ $# -eq 1 ]; then
    cd "$here/../../.." || exit 1
    cargo build --locked --package versioner --package versioner-server || exit 1
    built=${CARGO_TARGET_DIR:-target}/debug
fi
for program in versioner versioner-server; do
    cp "${2-$built}/$program${2:+-$platform}$suffix" "$work/$program$suffix" || exit 1
    chmod 755 "$work/$program$suffix"
done
cd "$work" || exit 1
# shellcheck disable=SC2034 # story.sh takes both
client=("./versioner$suffix") server=("./versioner-server$suffix")
case_of "$platform: the story on $(uname -sm)" story data log
grep -qx passed "$RESULTS"
