#!/usr/bin/env bash
# Builds, checks and tests the Java binding and the Jenkins library, on the default JDK and on every
# other that Debian's folder for them has. The native library is the one that is shipped.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH="$(scripts/dist/tools.sh):$PATH"
export PATH

target=$(scripts/target-dir.sh)
maven() { mvn --quiet --batch-mode "-Dcargo.target=$target" --file "$@"; }

default=$(readlink -f "$(command -v java)")
maven bindings/java --activate-profiles dist install

library=$target/x86_64-unknown-linux-gnu/dist/libversioner_jni.so
newest=$(objdump -T "$library" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
echo "The native library needs $newest"
[ "$(printf '%s\n' "$newest" GLIBC_2.17 | sort -V | tail -n 1)" = GLIBC_2.17 ] || {
    echo "that is newer than GLIBC_2.17, which manylinux2014 has" >&2
    exit 1
}

maven bindings/jenkins verify
for jvm in $(for each in /usr/lib/jvm/*/bin/java; do readlink -f "$each"; done | sort -u); do
    [ "$jvm" = "$default" ] && continue
    "$jvm" --version | sed -n 1p
    maven bindings/java --activate-profiles dist verify "-Djvm=$jvm"
done
