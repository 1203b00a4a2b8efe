#!/usr/bin/env bash
# Tests the web pages of versioner-server in Debian's chromium, or draws pictures of them.
# Usage: scripts/test-browser.sh PROGRAM [FOLDER]   with a folder: pictures, into it, and the few that
# READMEs show into docs/pages/assets/pictures
set -euo pipefail

server=$(realpath "$1")
pictures=${2:+$(realpath -m "$2")}
cd "$(dirname "$0")/.."

scripts/browser-packages.sh
cd server/tests/browser
export VERSIONER_SERVER=$server
if [ -n "$pictures" ]; then exec node screenshots.mjs "$pictures"; fi
node --test --test-reporter=dot .
