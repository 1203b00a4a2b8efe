#!/usr/bin/env bash
# Signs what java.sh has packed for Maven Central, and publishes it there, which nobody can take back.
# Usage: scripts/dist/publish-java.sh FOLDER_OF_JARS
#
# MAVEN_GPG_KEY is the secret key, in ASCII armour and without a password; its public half must be on a server of
# keys. MAVEN_CENTRAL_TOKEN is a user token of the Central Portal, NAME:PASSWORD. CENTRAL_URL is another portal, to
# try this, and CENTRAL_PAUSE the seconds between two questions how far it is.
set -euo pipefail

jars=$(realpath "${1:?usage: $0 FOLDER_OF_JARS}")
: "${MAVEN_GPG_KEY:?is the secret key that signs}" "${MAVEN_CENTRAL_TOKEN:?is a user token of the Central Portal}"
portal=${CENTRAL_URL:-https://central.sonatype.com}/api/v1/publisher
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
staging=$(mktemp -d)
export GNUPGHOME=$staging/keys
trap 'gpgconf --kill all; rm -rf "$staging"' EXIT

mkdir -m 700 "$GNUPGHOME" "$staging/bundle"
gpg --batch --quiet --import <<<"$MAVEN_GPG_KEY"
unzip -q "$jars/versioner-$version-bundle.zip" -d "$staging/bundle"
for file in "$staging/bundle/io/versioner/versioner/$version"/*.{jar,pom}; do
    gpg --batch --quiet --armor --detach-sign "$file"
done
bundle=$staging/versioner-$version.zip
(cd "$staging/bundle" && zip -q -r -X "$bundle" io)

# The token stands in no list of processes.
central() { # CURL-ARGUMENT...
    curl --silent --show-error --fail-with-body --max-time 600 \
        --header @<(printf 'Authorization: Bearer %s' "$(printf %s "$MAVEN_CENTRAL_TOKEN" | base64 -w 0)") "$@"
}

deployment=$(central --form "bundle=@$bundle;type=application/octet-stream" \
    "$portal/upload?name=versioner-$version&publishingType=AUTOMATIC")
for ((asked = 0; asked < 180; asked += 1)); do
    said=$(central --request POST "$portal/status?id=$deployment")
    state=$(jq -r .deploymentState <<<"$said")
    case "$state" in
        PENDING | VALIDATING | VALIDATED) sleep "${CENTRAL_PAUSE:-10}" ;;
        # Nothing can go wrong any more; all mirrors have it an hour later.
        PUBLISHING | PUBLISHED)
            echo "io.versioner:versioner:$version is published, as deployment $deployment"
            exit
            ;;
        *)
            echo "Maven Central does not take io.versioner:versioner:$version ($state): $said" >&2
            exit 1
            ;;
    esac
done
echo "Maven Central has not judged deployment $deployment yet: see https://central.sonatype.com/publishing" >&2
exit 1
