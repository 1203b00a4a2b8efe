#!/usr/bin/env bash
# Builds, checks and tests the Java binding and the Jenkins library, on the default JDK and on every
# other that Debian's folder for them has.
set -euo pipefail
cd "$(dirname "$0")/.."

maven() { mvn --quiet --batch-mode --file "$@"; }

default=$(readlink -f "$(command -v java)")
maven bindings/java install
maven bindings/jenkins verify
for jvm in $(for each in /usr/lib/jvm/*/bin/java; do readlink -f "$each"; done | sort -u); do
    [ "$jvm" = "$default" ] && continue
    "$jvm" -version 2>&1 | head -1
    maven bindings/java verify "-Djvm=$jvm"
done
