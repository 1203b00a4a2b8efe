#!/usr/bin/env bash
# Holds a running server against its own description, with answers to what a generator makes of it.
# Usage: scripts/schemathesis.sh SERVER [EXAMPLES]
set -euo pipefail
cd "$(dirname "$0")/.."

server=$(realpath "$1")
examples=${2:-5}
tools=$PWD/build/schemathesis
config=$PWD/scripts/schemathesis.toml
[ -d "$tools" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check --requirement scripts/schemathesis.txt

folder=$(mktemp -d)
# What the requests make must call nobody.
coproc { exec "$server" --outgoing-proxy http://127.0.0.1:9 --listen 127.0.0.1:0 --data "$folder/data" --first-key-file "$folder/key" \
    2>"$folder/log"; }
pid=$COPROC_PID
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
url=
while [ -z "$url" ] && read -r line <&"${COPROC[0]}"; do
    case $line in "Listening on "*) url=${line#Listening on } ;; esac
done
[ -n "$url" ] || { cat "$folder/log" >&2; exit 1; }

# The same examples each time. What a schema cannot say (names without invisible characters, times in
# their order, environments that exist) is refused although it fits the schema, and what an end holds
# besides is forgiven although it does not fit.
cd "$folder" # It leaves a cache.
VERSIONER_KEY=$(cat key) "$tools/bin/schemathesis" --config-file "$config" run "$url/openapi.json" \
    --max-examples "$examples" --seed 1 --generation-deterministic --no-color
