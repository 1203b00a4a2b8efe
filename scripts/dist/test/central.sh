#!/usr/bin/env bash
# Looks at what Maven Central would get, and publishes it to a portal of its own, signed with a key that is
# thrown away. Usage: central.sh FOLDER_OF_JARS
set -euo pipefail

jars=$(realpath "${1:?usage: $0 FOLDER_OF_JARS}")
cd "$(dirname "$0")/../../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
work=$(mktemp -d)
portal=
export GNUPGHOME=$work/keys
stop() {
    [ -z "$portal" ] || kill "$portal"
    gpgconf --kill all
    rm -rf "$work"
}
trap stop EXIT

fail() {
    echo "$0: $1" >&2
    exit 1
}

# A key in the form of a secret of the workflow.
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'A release <release@example.com>' ed25519 sign never 2>/dev/null
MAVEN_GPG_KEY=$(gpg --batch --quiet --armor --export-secret-keys)
export MAVEN_GPG_KEY MAVEN_CENTRAL_TOKEN=name:password CENTRAL_PAUSE=0

publish() { # VERDICT
    rm -f "$work/address"
    python3 scripts/dist/test/central.py "$MAVEN_CENTRAL_TOKEN" "$work" "$1" >"$work/address" &
    portal=$!
    until [ -s "$work/address" ]; do
        kill -0 "$portal" 2>/dev/null || fail 'the portal did not start'
        sleep 0.1
    done
    local code=0
    CENTRAL_URL=$(cat "$work/address") scripts/dist/publish-java.sh "$jars" >"$work/said" 2>&1 || code=$?
    kill "$portal"
    wait "$portal" 2>/dev/null || true
    portal=
    return "$code"
}

publish PUBLISHING || fail "it cannot be published: $(cat "$work/said")"
unzip -q "$work/bundle.zip" -d "$work/unpacked"
cd "$work/unpacked/io/versioner/versioner/$version"
for file in "versioner-$version"{.jar,-sources.jar,-javadoc.jar,.pom}; do
    cmp "$jars/$file" "$file"
    gpg --batch --quiet --verify "$file.asc" "$file" 2>/dev/null || fail "the signature of $file is wrong"
    for sum in md5 sha1 sha256 sha512; do
        echo "$(cat "$file.$sum")  $file" | "${sum}sum" --check --strict --quiet
    done
done
count=$(find "$work/unpacked" -type f | wc -l)
[ "$count" -eq 24 ] || fail "the bundle has $count files, and not 24: $(find . -type f)"
unzip -Z1 "versioner-$version-sources.jar" io/versioner/Client.java >/dev/null || fail 'there are no sources'
unzip -Z1 "versioner-$version-javadoc.jar" io.versioner/io/versioner/Client.html >/dev/null || fail 'there is no Javadoc'
python3 - "versioner-$version.pom" "$version" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

project = tree.parse(sys.argv[1]).getroot()
wanted = "groupId artifactId version name description url licenses/*/name licenses/*/url developers/*/name scm/connection scm/url"
said = {}
for path in wanted.split():
    found = project.find("/".join(f"{{*}}{step}" if step != "*" else step for step in path.split("/")))
    assert found is not None and found.text.strip(), f"the project file has no {path}"
    said[path] = found.text
assert (said["groupId"], said["artifactId"], said["version"]) == ("io.versioner", "versioner", sys.argv[2]), said
PYTHON
cd - >/dev/null

if publish FAILED; then fail 'what Maven Central does not take counts as published'; fi
grep -q 'does not take io.versioner:versioner.*FAILED.*why' "$work/said" || fail "it says $(cat "$work/said")"
if MAVEN_CENTRAL_TOKEN='' publish PUBLISHED; then fail 'it publishes without a token'; fi
if grep -q password "$work/said"; then fail 'the token is shown'; fi
