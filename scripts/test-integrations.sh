#!/usr/bin/env bash
# Tests the GitHub Action and the GitLab components with the real program and server.
# Usage: scripts/test-integrations.sh check|test
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    # With the tools of the npm package, which scripts/test-javascript.sh installs.
    check) cd integrations && ../bindings/javascript/tools/node_modules/.bin/biome ci --error-on-warnings . ;;
    test)
        VERSIONER_PROGRAM=$(scripts/target-dir.sh)/debug/versioner
        export VERSIONER_PROGRAM
        node --test --test-reporter=dot integrations/*/test/*.test.mjs
        ;;
    *)
        echo "usage: $0 check|test" >&2
        exit 2
        ;;
esac
