#!/usr/bin/env bash
# Makes the packages for npm: versioner, and one with the native library for each platform that is named, or
# for all. Usage: scripts/dist/node.sh FOLDER [PLATFORM...]   PROFILE=dev is sooner, to try something
set -euo pipefail

packages=$(realpath --canonicalize-missing "${1:?usage: $0 FOLDER [PLATFORM...]}")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
profile=${PROFILE:-dist}
platforms=("${@:2}")
[ ${#platforms[@]} -gt 0 ] || mapfile -t platforms < <(scripts/dist/platforms.sh --libraries)
nothing=$(scripts/target-dir.sh)/libnode
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
rm -rf "$packages"
mkdir -p "$packages"

pack() { npm pack --silent --ignore-scripts --pack-destination "$packages" "$1" >/dev/null; }

# The library for a platform, as a package that npm installs on that platform only.
native() { # PLATFORM
    local target built name folder=$staging/$1 library libc=null flags=
    target=$(scripts/dist/platforms.sh "$1" library)
    name=$(scripts/dist/platforms.sh "$1" npm)
    built=$(scripts/target-dir.sh)/${target%.2.*}/${profile/#dev/debug}
    case "$1" in
        darwin-*) library=libversioner_javascript.dylib ;;
        windows-*) library=versioner_javascript.dll ;;
        *) library=libversioner_javascript.so ;;
    esac
    case "$name" in
        *-gnu) libc='["glibc"]' ;;
        # A library that brings its own C library along would not fit Node's.
        *-musl) libc='["musl"]' flags='-C target-feature=-crt-static' ;;
    esac
    # All of Node is looked up when the library is loaded; a build script wants something to link all the same.
    if [[ $1 = windows-* ]]; then
        export LIBNODE_PATH=$nothing
        mkdir -p "$nothing"
        touch "$nothing/libnode.dll"
        [ -e "$nothing/libnode.a" ] || x86_64-w64-mingw32-ar rc "$nothing/libnode.a"
    fi
    RUSTFLAGS="${RUSTFLAGS:-} $flags" scripts/dist/build.sh "$target" build --quiet --profile "$profile" \
        --package versioner-javascript
    mkdir "$folder"
    install -m 644 "$built/$library" "$folder/versioner.node"
    install -m 644 LICENSE "$folder/"
    echo "The native library of the package [versioner](https://www.npmjs.com/package/versioner) for $name." \
        >"$folder/README.md"
    # What the package says of itself, and for which system and processor it is.
    jq --arg name "$name" --argjson libc "$libc" '{
        name: ("@versioner/sdk-" + $name), version, description: ("versioner for " + $name), license, homepage,
        repository, engines, main: "versioner.node", files: ["versioner.node"],
        os: [$name | split("-")[0]], cpu: [$name | split("-")[1]]
    } + if $libc then {libc: $libc} else {} end' bindings/javascript/package.json >"$folder/package.json"
    pack "$folder"
}

[ "$(jq -r .version bindings/javascript/package.json)" = "$version" ] ||
    { echo "bindings/javascript/package.json is not version $version" >&2; exit 1; }
jq -e --arg version "$version" 'all(.optionalDependencies[]; . == $version)' bindings/javascript/package.json >/dev/null ||
    { echo "bindings/javascript/package.json wants libraries of another version than $version" >&2; exit 1; }
for platform in "${platforms[@]}"; do native "$platform"; done

[ -d bindings/javascript/tools/node_modules ] ||
    npm ci --prefix bindings/javascript/tools --no-audit --no-fund --loglevel=error
mkdir "$staging/versioner"
bindings/javascript/tools/node_modules/.bin/tsc --project bindings/javascript/tsconfig.build.json \
    --outDir "$staging/versioner/lib"
cp -r bindings/javascript/{bin,package.json,README.md} LICENSE "$staging/versioner/"
pack "$staging/versioner"
