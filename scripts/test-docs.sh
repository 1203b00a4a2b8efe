#!/usr/bin/env bash
# Tests the site that scripts/docs.sh has built: its snippets as somebody pastes them, and its pages on a
# phone. Usage: scripts/test-docs.sh FOLDER_OF_PROGRAMS
set -euo pipefail

programs=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

VERSIONER_PROGRAMS=$programs build/docs-tools/bin/python -W error -m unittest discover --start-directory docs/tests
scripts/browser-packages.sh
DOCS=$PWD/build/docs VERSIONER_SERVER=$programs/versioner-server node --test --test-reporter=dot docs/tests/
