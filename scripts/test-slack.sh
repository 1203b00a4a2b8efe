#!/usr/bin/env bash
# Holds the server and the fake Slack of its tests against Slack's own library for Python.
# Usage: scripts/test-slack.sh SERVER
set -euo pipefail
cd "$(dirname "$0")/.."

VERSIONER_SERVER=$(realpath "$1")
FAKE_SLACK=$(dirname "$VERSIONER_SERVER")/examples/fake_slack
export VERSIONER_SERVER FAKE_SLACK
tools=$PWD/build/slack
[ -d "$tools" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check --requirement server/tests/slack/requirements.txt
"$tools/bin/python" -B server/tests/slack/test_slack.py "${@:2}"
