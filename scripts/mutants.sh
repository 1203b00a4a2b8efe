#!/usr/bin/env bash
# Changes the sources in small ways, one at a time, and shows each change that no test notices.
# Usage: scripts/mutants.sh [FILE...]   without files: a random tenth of the core's
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/build/mutants
cargo install --quiet --locked --root "$tools" cargo-mutants
if [ $# -gt 0 ]; then
    chosen=()
    for file; do chosen+=(--file "$file"); done
else
    shard=$((RANDOM % 10))
    echo "Shard $shard of 10"
    chosen=(--package versioner --file 'src/**' --shard "$shard/10")
fi
"$tools/bin/cargo-mutants" mutants --output "$tools" --baseline skip --timeout 120 "${chosen[@]}"
