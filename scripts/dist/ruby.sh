#!/usr/bin/env bash
# Makes the gems: for each platform one that carries its library, one that carries all of them for JRuby,
# and the source gem, which carries none.
# Usage: scripts/dist/ruby.sh LIBRARIES FOLDER [PLATFORM...]
#
# LIBRARIES has a prefix of the C library for each platform, under the names of platforms.sh.
set -euo pipefail

libraries=$(realpath "${1:?usage: $0 LIBRARIES FOLDER [PLATFORM...]}")
gems=$(realpath --canonicalize-missing "${2:?usage: $0 LIBRARIES FOLDER [PLATFORM...]}")
cd "$(dirname "$0")/../.."
shift 2
[ $# -gt 0 ] || mapfile -t all < <(scripts/dist/platforms.sh --libraries)
[ $# -gt 0 ] || set -- "${all[@]}"

# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
# RubyGems takes it as the time of what it packs.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export SOURCE_DATE_EPOCH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
rm -rf "$gems"
mkdir -p "$gems"

# The name tells the platform, whatever the RubyGems of this machine takes for its own.
pack() { # NAME PLATFORM...
    local source=$folder/gem-$1 platform native shared
    mkdir "$source"
    git -C bindings/ruby ls-files -z | tar -C bindings/ruby -c --null --files-from - | tar -C "$source" -x
    for platform in "${@:2}"; do
        native=$source/lib/versioner/native/$(scripts/dist/platforms.sh "$platform" ruby)
        mkdir -p "$native"
        for shared in lib/libversioner.so lib/libversioner.dylib bin/versioner.dll; do
            [ ! -e "$libraries/$platform/$shared" ] || cp --dereference "$libraries/$platform/$shared" "$native/"
        done
        [ -n "$(ls "$native")" ] || { echo "$libraries/$platform has no shared library" >&2; exit 1; }
    done
    (cd "$source" && gem build --strict --quiet --output "$gems/versioner-$version${1:+-$1}.gem" versioner.gemspec \
        >/dev/null)
}

for platform in "$@"; do
    pack "$(scripts/dist/platforms.sh "$platform" ruby)" "$platform"
done
[ $# -eq 1 ] || pack java "$@"
pack ''
(cd "$gems" && printf '%s\n' *.gem)
