#!/usr/bin/env bash
# Tests the web pages of versioner-server in Debian's chromium. Usage: scripts/test-browser.sh PROGRAM
set -euo pipefail

server=$(realpath "$1")
cd "$(dirname "$0")/../server/tests/browser"

# A browser comes from Debian; what drives it, and what looks for barriers, from npm.
if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
VERSIONER_SERVER=$server node --test --test-reporter=dot .
