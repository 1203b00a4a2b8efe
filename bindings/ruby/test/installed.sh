#!/usr/bin/env bash
# Builds the gem, installs it into a folder of its own, and runs the tests against that.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gem build --strict --quiet --output "$folder/versioner.gem" versioner.gemspec >/dev/null
# Its dependency comes from the system's packages.
gem install --quiet --local --ignore-dependencies --install-dir "$folder/gems" "$folder/versioner.gem" >/dev/null
cmp ../../LICENSE "$folder"/gems/gems/versioner-*/LICENSE
library=("$folder"/gems/gems/versioner-*/lib)
for test in test/test_*.rb; do
    ruby -W -I "${library[0]}" -I test "$test"
done
