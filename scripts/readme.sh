#!/usr/bin/env bash
# Pastes the README's shell blocks, one after the other, into one shell that stops at the first
# failure. The binaries are the ones given, and the server gets a free port, so that nobody's own
# is disturbed. Usage: scripts/readme.sh DIRECTORY_OF_BINARIES
set -euo pipefail

binaries=$(cd "$1" && pwd)
readme=$(cd "$(dirname "$0")/.." && pwd)/README.md
folder=$(mktemp -d)
trap 'kill $(jobs -p); rm -rf "$folder"' EXIT
export HOME="$folder"
cd "$folder"

sed -n '/^```sh$/,/^```$/p' "$readme" | grep -v '^```' |
    sed -e '/^cargo build/d' \
        -e "s#^export PATH=.*#export PATH=\"$binaries:\$PATH\"#" \
        -e 's#^versioner-server #&--listen 127.0.0.1:0 #' \
        -e 's#http://127.0.0.1:8420#$(sed -n "s/^Listening on //p" server.log)#' >pasted.sh
[ "$(wc -l <pasted.sh)" -ge 10 ] || { echo "README.md has lost its shell blocks" >&2; exit 1; }
set -x
# shellcheck disable=SC1091
. ./pasted.sh
