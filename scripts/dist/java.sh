#!/usr/bin/env bash
# Makes the jar that carries the native library for every platform, and what Maven Central wants beside
# it. Usage: scripts/dist/java.sh FOLDER [PLATFORM...]
#
# PROFILE=dev is done sooner and large.
set -euo pipefail

jars=$(realpath --canonicalize-missing "${1:?usage: $0 FOLDER [PLATFORM...]}")
cd "$(dirname "$0")/../.."
shift
[ $# -gt 0 ] || mapfile -t all < <(scripts/dist/platforms.sh --libraries)
[ $# -gt 0 ] || set -- "${all[@]}"

target=$(scripts/target-dir.sh)
profile=${PROFILE:-dist}
natives=$target/dist/java
rm -rf "$natives" "$jars"
for platform in "$@"; do
    rust=$(scripts/dist/platforms.sh "$platform" library)
    flags=
    # A library that brings its own C library along would not fit the virtual machine's.
    [[ $platform != *-musl ]] || flags='-C target-feature=-crt-static'
    RUSTFLAGS=$flags scripts/dist/build.sh "$rust" build --quiet --profile "$profile" --package versioner-jni
    case "$platform" in
        linux-*) file=libversioner_jni.so ;;
        darwin-*) file=libversioner_jni.dylib ;;
        windows-*) file=versioner_jni.dll ;;
    esac
    install -D "$target/${rust%.2.*}/${profile/#dev/debug}/$file" "$natives/$(scripts/dist/platforms.sh "$platform" java)/$file"
done

# Its files have the time that the project file names, whenever they are made.
mvn --quiet --batch-mode --file bindings/java --activate-profiles all-platforms "-Dnative.folder=$natives" \
    "-Dcargo.target=$target" -Dmaven.test.skip clean package
mkdir -p "$jars"
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
for kind in '' -sources -javadoc; do
    cp "bindings/java/target/versioner-$version$kind.jar" "$jars/"
done
cp bindings/java/pom.xml "$jars/versioner-$version.pom"
scripts/dist/maven-bundle.sh "$jars"
echo "versioner-$version.jar for $(find "$natives" -type f -printf '%P\n' | xargs dirname | sort | paste -sd ' ')"
