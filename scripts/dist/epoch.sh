#!/usr/bin/env bash
# Prints the time that everything in a release bears: that of its commit.
set -euo pipefail
cd "$(dirname "$0")/../.."
git log -1 --format=%ct 2>/dev/null || date --reference CHANGELOG.md +%s
