#!/usr/bin/env bash
# Checks every shell script with shellcheck and every text for spelling mistakes.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=build/text-tools
[ -d "$tools" ] || "${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check 'typos==1.*'

scripts=$(git ls-files '*.sh' .ci/run)
# shellcheck disable=SC2086
shellcheck $scripts
"$tools/bin/typos"
