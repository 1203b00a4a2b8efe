#!/usr/bin/env bash
# Commits a version of the Go module to the repository that bears its name, and tags it: what the go
# command takes from there is, byte for byte, what scripts/dist/go.sh packed and the tests tried.
# Usage: scripts/dist/publish-go.sh PROXY REPOSITORY
#
# REPOSITORY is anything that git can push to. A version that is there already is not changed: the go
# command's checksum database would call another one an attack.
set -euo pipefail

proxy=$(realpath "${1:?usage: $0 PROXY REPOSITORY}")
repository=${2:?usage: $0 PROXY REPOSITORY}
cd "$(dirname "$0")/../.."
path=$(sed -n 's/^module //p' bindings/go/go.mod)
archive=$(ls "$proxy/$path"/@v/*.zip)
version=$(basename "$archive" .zip)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export GIT_AUTHOR_DATE="@$SOURCE_DATE_EPOCH +0000" GIT_COMMITTER_DATE="@$SOURCE_DATE_EPOCH +0000"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet "$repository" "$folder/clone" 2>/dev/null
cd "$folder/clone"
if git rev-parse --quiet --verify "refs/tags/$version" >/dev/null; then
    echo "$repository has $version already, and a version is never changed" >&2
    exit 1
fi
git checkout --quiet -B main
git rm --quiet -r --ignore-unmatch .
unzip -q "$archive" -d "$folder"
cp -a "$folder/$path@$version/." .
# As it is packed, whatever git's settings say of ends of lines.
echo '* -text' >.git/info/attributes
git add --force --all
git -c user.name=Versioner -c user.email=releases@versioner.io commit --quiet --message "$version"
git -c tag.gpgSign=false tag "$version"
git push --quiet --atomic origin main "$version"
echo "$path $version is in $repository"
