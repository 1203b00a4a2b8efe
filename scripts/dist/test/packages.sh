#!/usr/bin/env bash
# Runs the test of the packages of a language, and shows what it proved.
# Usage: packages.sh FOLDER python|java|ruby|go|node
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"

dist=$(realpath "$1")
language=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The server of the release itself is told.
export VERSIONER_SERVER=$dist/versioner-server-linux-amd64

proves() { "$here/../test-$language.sh" "$dist/$language" 2>&1 | tee "$work/said"; }

case_of "the packages of $language" proves
sed 's/^/          /' "$work/said"
find "$dist/$language" -type f \( -name '*.whl' -o -name '*.gem' -o -name '*[0-9].jar' -o -name '*.tgz' -o -name '*.zip' \
    -o -name '*.tar.gz' \) | sort | while read -r file; do
    ran "$file" "see the packages of $language above"
done
