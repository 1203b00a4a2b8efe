#!/usr/bin/env bash
# Builds the documentation into build/docs, one site of files; only its search wants a web server. Beside
# it stand the references that tools make of a language's source: those that are named, or all.
# Usage: scripts/docs.sh FOLDER_OF_PROGRAMS [all | go|java|python|ruby|rust|node ...]
set -euo pipefail

programs=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
tools=$PWD/build/docs-tools
source=$PWD/build/docs-source
site=$PWD/build/docs

[ -d "$tools" ] || "${PYTHON:-python3}" -m venv "$tools"
# The last one that brings its own theme; younger ones want it as a package of its own.
"$tools/bin/pip" install --quiet --disable-pip-version-check zensical==0.0.73

every="rust go java python ruby"
[ ! -d bindings/javascript ] || every+=" node"
references=$*
[ "$references" != all ] || references=$every

rm -rf "$source" "$site"
mkdir -p "$source/pages"
DOCS_REFERENCES=$references "$tools/bin/python" docs/make/assemble.py "$source/pages" "$programs"
"$tools/bin/zensical" build --strict --config-file "$source/zensical.toml"
mv "$source/site" "$site"
for reference in $references; do
    scripts/docs-reference.sh "$reference" "$site/reference"
done
"$tools/bin/python" docs/make/links.py "$site"
