#!/usr/bin/env bash
# Does what SECURITY.md tells somebody who has downloaded one program, but for what asks GitHub; then
# the same with a program and with sums that somebody has changed. Usage: verify.sh FOLDER PUBLIC-KEY
set -euo pipefail

dist=$(realpath "${1:?usage: $0 FOLDER PUBLIC-KEY}")
key=$(realpath "${2:?usage: $0 FOLDER PUBLIC-KEY}")
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
commands=$(sed -n '/^## Verify a download$/,/^## What you can check$/p' SECURITY.md | sed -n '/^```sh$/,/^```$/p' |
    grep -vE '^(```|gh attestation verify )')
[ "$(wc -l <<<"$commands")" -eq 2 ] || { echo "SECURITY.md has other commands: $commands" >&2; exit 1; }

# The first of the programs that were made.
for program in "$dist"/versioner-{linux,darwin,windows}-*; do [ ! -f "$program" ] || break; done
name=$(basename "$program")

download() { # INTO
    mkdir "$1"
    cp "$program" "$dist/SHA256SUMS" "$dist/SHA256SUMS.minisig" "$1/"
    cp "$key" "$1/minisign.pub"
}

verifies() { (cd "$1" && bash -e -c "$commands") >"$work/said" 2>&1; }

refuses() { # FOLDER WHAT
    ! verifies "$1" || { echo "$2 passes: $(cat "$work/said")" >&2; exit 1; }
}

download "$work/whole"
verifies "$work/whole" || { echo "it does not verify: $(cat "$work/said")" >&2; exit 1; }
grep -qx "$name: OK" "$work/said" || { echo "$name is not checked: $(cat "$work/said")" >&2; exit 1; }

download "$work/changed"
printf x >>"$work/changed/$name"
refuses "$work/changed" 'a changed program'

download "$work/sums"
printf x >>"$work/sums/$name"
(cd "$work/sums" && sha256sum "$name" >SHA256SUMS)
refuses "$work/sums" 'a changed program with sums that fit it'

download "$work/nothing"
rm "$work/nothing/$name"
refuses "$work/nothing" 'a folder without a file of the release'
