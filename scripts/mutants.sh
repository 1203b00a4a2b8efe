#!/usr/bin/env bash
# Changes the sources in small ways, one at a time, and shows each change that no test notices.
# The core's quick tests see most of them; what they miss goes to all tests of the package.
# Usage: scripts/mutants.sh [FILE...]   without files: a random tenth of the core's
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/build/mutants
cargo install --quiet --locked --root "$tools" cargo-mutants
quick=()
if [ $# -gt 0 ]; then
    chosen=()
    for file; do chosen+=(--file "$file"); done
else
    shard=$((RANDOM % 10))
    echo "Shard $shard of 10"
    chosen=(--package versioner --file 'src/**' --shard "$shard/10")
    quick=(--lib --test vectors)
fi

# Fails if some are missed. One that hangs counts as caught.
mutants() {
    local code=0
    "$tools/bin/cargo-mutants" mutants --output "$tools" --baseline skip --timeout 300 "$@" || code=$?
    case $code in
        0 | 3) return 0 ;;
        2) return 1 ;;
        *) exit "$code" ;;
    esac
}

rm -rf "$tools/mutants.out"
if [ ${#quick[@]} -gt 0 ]; then
    if mutants "${chosen[@]}" -- "${quick[@]}"; then exit 0; fi
fi
mutants --iterate "${chosen[@]}"
