#!/usr/bin/env bash
# Lays the GitHub Action out as it is released: with the checksums of the programs of this version in it.
# Usage: scripts/dist/github-action.sh FOLDER_OF_PROGRAMS FOLDER
# The programs have their plain names, such as versioner-linux-amd64.
set -euo pipefail

programs=$(realpath "${1:?usage: $0 FOLDER_OF_PROGRAMS FOLDER}")
action=$(realpath --canonicalize-missing "${2:?usage: $0 FOLDER_OF_PROGRAMS FOLDER}")
cd "$(dirname "$0")/../.."
root=$PWD
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)

rm -rf "$action"
mkdir -p "$action"
cp -r integrations/github-action/{action.yml,main.js,post.js,lib,README.md} LICENSE "$action/"
cd "$programs"
for platform in $("$root/scripts/dist/platforms.sh"); do
    sha256sum "versioner-$platform$("$root/scripts/dist/platforms.sh" "$platform" suffix)"
done | jq --raw-input --slurp --arg version "$version" \
    '{version: $version, files: [split("\n")[] | select(. != "") | split("  ") | {key: .[1], value: .[0]}] | from_entries}' \
    >"$action/checksums.json"
