#!/usr/bin/env bash
# Pastes the shell blocks of the server's README, one after the other, into one shell that stops at the
# first request or command that fails. The binaries are the ones given; the server gets a free port.
# Usage: scripts/readme-server.sh DIRECTORY_OF_BINARIES
set -euo pipefail

binaries=$(cd "$1" && pwd)
readme=$(cd "$(dirname "$0")/.." && pwd)/server/README.md
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
export HOME="$folder" PATH="$binaries:$PATH"
cd "$folder"

# The program is built, started and asked for its key here.
sed -n '/^```sh$/,/^```$/p' "$readme" | grep -v '^```' |
    sed -e '/^cargo build/d' \
        -e '/^target\/release\/versioner-server/d' \
        -e '/^export VERSIONER_API_/d' \
        -e 's#curl -sS#curl -sS --fail-with-body#' -e 's#"\$@"; echo#"$@" \&\& echo#' >pasted.sh
[ "$(wc -l <pasted.sh)" -ge 60 ] || { echo "server/README.md has lost its shell blocks" >&2; exit 1; }
versioner-server --data ./versioner-data --listen 127.0.0.1:0 >server.log 2>server.err &
until grep -q Listening server.log; do sleep 0.1; done
VERSIONER_API_URL=$(sed -n 's/^Listening on //p' server.log)
VERSIONER_API_KEY=$(grep -o 'sk_local_[^ ]*' server.log)
export VERSIONER_API_URL VERSIONER_API_KEY
# The account that is removed is named once more.
bash -e -o pipefail -x ./pasted.sh >pasted.log 2>&1 <<<shop || { tail -n 20 pasted.log >&2; exit 1; }
echo "The server's README runs"
