#!/usr/bin/env bash
# Checks that everything that bears a version bears that of the workspace in Cargo.toml.
# Usage: scripts/dist/versions.sh [set VERSION]: with set, writes it everywhere first.
set -euo pipefail
cd "$(dirname "$0")/../.."

# A file and the line in it, with @ in place of the version; the line comes once or every time as that.
places() {
    cat <<'PLACES'
bindings/java/pom.xml                      ^  <version>@</version>$
bindings/java/README.md                    ^  <version>@</version>$
bindings/jenkins/pom.xml                   ^  <version>@</version>$
bindings/jenkins/src/io/versioner/jenkins/Calls.groovy   ^@Grab('io.versioner:versioner:@')$
bindings/java/README.md                    -Dfile=versioner-@.jar
bindings/java/README.md                    -DpomFile=versioner-@.pom$
bindings/ruby/README.md                    gem install versioner-@.gem
bindings/ruby/README.md                    /dist/ruby/versioner-@-x86_64-linux.gem
bindings/ruby/README.md                    JRuby takes `versioner-@-java.gem`
bindings/go/README.md                      versioner-go.v@$
bindings/ruby/lib/versioner/header.rb      ^    VERSION = '@'$
bindings/javascript/package.json           ^  "version": "@",$
bindings/javascript/package.json           /sdk-[a-z0-9-]*": "@"
integrations/github-action/checksums.json  "version": "@"
integrations/github-action/README.md       github-action.v@$
integrations/gitlab/templates/track.yml    ^      default: "@"$
integrations/gitlab/templates/deployment.yml   ^      default: "@"$
integrations/gitlab/README.md              /track.@$
integrations/gitlab/README.md              /deployment.@$
python/ansible/galaxy.yml                  ^version: @$
python/ansible/README.md                   versioner-tracking-@.tar.gz
python/rundeck/plugin.yaml                 ^version: @$
python/rundeck/README.md                   versioner-rundeck-@.zip
PLACES
}
# Any version, as Semantic Versioning has it.
readonly ANY='[0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\(-[0-9A-Za-z.-]*[0-9A-Za-z]\)\{0,1\}'

manifest() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml; }

if [ "${1:-}" = set ]; then
    new=${2:?usage: $0 [set VERSION]}
    grep -qx "$ANY" <<<"$new" || { echo "$0: \"$new\" is no version like 1.2.3" >&2; exit 2; }
    sed -i "/^\[workspace.package\]/,/^\[/s/^version = \".*\"\$/version = \"$new\"/" Cargo.toml
    places | while read -r file line; do
        [ -e "$file" ] || continue
        before=${line%%@[!G]*} after=${line##*@}
        sed -i "s#\(${before}\)$ANY\($after\)#\1$new\3#" "$file"
    done
    cargo update --quiet --offline --workspace
elif [ $# -ne 0 ]; then
    echo "usage: $0 [set VERSION]" >&2
    exit 2
fi

version=$(manifest)
wrong=0
complain() {
    echo "$1" >&2
    wrong=1
}
while read -r file line; do
    # A binding may not be there yet.
    [ -e "$file" ] || continue
    before=${line%%@[!G]*} after=${line##*@}
    found=$(sed -n "s#.*\(${before}\)\($ANY\)\(${after}\).*#\2#p" "$file" | sort -u | tr '\n' ' ')
    [ "${found% }" = "$version" ] || complain "$file: has the version ${found:-none }where Cargo.toml has $version"
done < <(places)
for file in CHANGELOG.md python/ansible/CHANGELOG.md; do
    grep -q "^## $version\( \|\$\)" "$file" || complain "$file: has no section of $version"
done
locked=$(sed -n '/^name = "versioner"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
[ "$locked" = "$version" ] || complain "Cargo.lock: has $locked where Cargo.toml has $version; run cargo check"
if [ "$wrong" -ne 0 ]; then
    echo "scripts/dist/versions.sh set $version writes it everywhere but into the changelogs" >&2
    exit 1
fi
