#!/bin/sh
# Prints the folder that cargo builds into, whether CARGO_TARGET_DIR, build.target-dir of a
# configuration file, or neither says so.
set -eu
cd "$(dirname "$0")/.."
metadata=$(cargo metadata --format-version 1 --no-deps --offline)
printf '%s\n' "$metadata" | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
