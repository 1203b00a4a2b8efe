#!/usr/bin/env bash
# Packs the jars and the project file of a folder as Maven Central takes them: in the folders of a repository,
# with their sums. The signatures are missing, because only a release has their key (publish-java.sh).
# Usage: scripts/dist/maven-bundle.sh FOLDER_OF_JARS
set -euo pipefail

jars=$(realpath "${1:?usage: $0 FOLDER_OF_JARS}")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT

folder=$staging/io/versioner/versioner/$version
mkdir -p "$folder"
for file in "versioner-$version"{.jar,-sources.jar,-javadoc.jar,.pom}; do
    cp "$jars/$file" "$folder/"
    for sum in md5 sha1 sha256 sha512; do
        "${sum}sum" <"$jars/$file" | cut -d ' ' -f 1 >"$folder/$file.$sum"
    done
done
scripts/dist/pack.sh "$staging/io" "$jars/versioner-$version-bundle.zip"
