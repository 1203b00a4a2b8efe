#!/usr/bin/env bash
# What drives a browser, and what looks for barriers, from npm; the browser itself comes from Debian.
set -euo pipefail
cd "$(dirname "$0")/../server/tests/browser"

if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
