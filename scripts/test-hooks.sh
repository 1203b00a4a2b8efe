#!/usr/bin/env bash
# Sends the server what the libraries of GitHub, Standard Webhooks and CloudEvents write and sign.
# Usage: scripts/test-hooks.sh VERSIONER_SERVER
set -euo pipefail

server=$(realpath "$1")
cd "$(dirname "$0")/.."
(cd tests/hooks && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
"$server" --data "$folder/data" --listen 127.0.0.1:0 >"$folder/server" 2>"$folder/log" &
until grep -q Listening "$folder/server"; do sleep 0.1; done
url=$(sed -n 's/^Listening on //p' "$folder/server")
key=$(grep -o 'sk_local_[^ ]*' "$folder/server")
node tests/hooks/send.mjs "$url" "$key" || { cat "$folder/log" >&2; exit 1; }
