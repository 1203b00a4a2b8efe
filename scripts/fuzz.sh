#!/usr/bin/env bash
# Feeds the core and the server with odd input, a while for each target, beginning with the test vectors and
# with what others send.
# Usage: scripts/fuzz.sh SECONDS [TARGET...]   a finding stays below fuzz/artifacts
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
if [ $# -gt 0 ]; then
    targets=("$@")
else
    targets=(answers metadata config environment proxies arguments capi deliveries signatures slack)
fi
tools=$PWD/build/fuzz
cargo install --quiet --locked --root "$tools" cargo-fuzz
python3 fuzz/seed.py fuzz/corpus

# The sanitizer and the counters are options of the compiler that a stable one has, but guards.
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=$PWD/build/fuzz/target
fuzz=("$tools/bin/cargo-fuzz" fuzz)
"${fuzz[@]}" build
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1)
    # What the command line prints is not looked at, and would fill the terminal.
    if [ "$target" = arguments ]; then options+=(-close_fd_mask=3); fi
    # Nothing but what is needed: the command line reads its process's own variables.
    env -i PATH="$PATH" HOME="$HOME" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" \
        CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" CARGO_TARGET_DIR="$CARGO_TARGET_DIR" RUSTC_BOOTSTRAP=1 \
        VERSIONER_API_KEY=sk_test_k1_secretsecret VERSIONER_API_URL=http://127.0.0.1:1 VERSIONER_MAX_RETRIES=0 \
        "${fuzz[@]}" run "$target" -- "${options[@]}" >"$tools/$target.log" 2>&1 || {
        tail -n 60 "$tools/$target.log" >&2
        echo "$target: a finding, see fuzz/artifacts/$target and $tools/$target.log" >&2
        exit 1
    }
    grep -E 'DONE|stat::number_of_executed_units' "$tools/$target.log"
done
