#!/usr/bin/env bash
# Makes the Go module that carries the library for every platform, in the layout of a module proxy.
# Usage: scripts/dist/go.sh LIBRARIES PROXY [PLATFORM...]
#
# LIBRARIES has a prefix of the C library for each platform, under the names of platforms.sh. The module is its own repository's content, too: what the zip file holds, less the
# folder that bears the version, is what is committed there and tagged vX.Y.Z.
set -euo pipefail

libraries=$(realpath "${1:?usage: $0 LIBRARIES PROXY [PLATFORM...]}")
proxy=$(realpath --canonicalize-missing "${2:?usage: $0 LIBRARIES PROXY [PLATFORM...]}")
cd "$(dirname "$0")/../.."
shift 2
[ $# -gt 0 ] || mapfile -t all < <(scripts/dist/platforms.sh --libraries)
[ $# -gt 0 ] || set -- "${all[@]}"

# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=v$(project_version)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
module=$folder/module
mkdir "$module"
path=$(sed -n 's/^module //p' bindings/go/go.mod)

# What somebody else compiles: no tests, no programs of ours, no pkg-config.
(
    cd bindings/go
    git ls-files | grep -vE '^internal/|^link.*\.go$|_test\.go$' >"$folder/files"
    echo example_test.go >>"$folder/files"
    tar -c --files-from "$folder/files" | tar -x -C "$module"
)
cp LICENSE include/versioner.h "$module/"

link() { # PLATFORM
    local system architecture variant name constraint check
    IFS=- read -r system architecture variant <<<"$1"
    name=${system}_$architecture${variant:+_$variant}
    constraint="$system && $architecture"
    # Go knows one Linux, and each of the two C libraries has another.
    check=
    case "$system $variant" in
        'linux ')
            constraint+=' && !musl'
            check='// #include <features.h>
// #ifndef __GLIBC__
// #error "this C library is musl, as on Alpine: build with -tags musl"
// #endif
'
            ;;
        'linux musl')
            constraint+=' && musl'
            check='// #include <features.h>
// #ifdef __GLIBC__
// #error "this C library is glibc: build without -tags musl, or with CC=musl-gcc"
// #endif
'
            ;;
    esac
    constraints+=("($constraint)")
    mkdir -p "$module/lib/$name"
    cp "$libraries/$1/lib/libversioner.a" "$module/lib/$name/"
    local libs
    libs=$(sed -n 's#^Libs: ${libdir}/libversioner.a *##p' "$libraries/$1/lib/pkgconfig/versioner-static.pc")
    # What unwinds comes along, because the one of a compiler for glibc, which musl-gcc takes, does not
    # fit: Rust's own for programs that are static.
    if [ "$variant" = musl ]; then
        cp "$(rustc --print sysroot)/lib/rustlib/$(scripts/dist/platforms.sh "$1" library)/lib/self-contained/libunwind.a" \
            "$module/lib/$name/"
        libs=${libs/-lgcc_eh/\$\{SRCDIR\}/lib/$name/libunwind.a}
    fi
    cat >"$module/lib/$name/lib.go" <<GO
// Package lib is there for its files, which \`go mod vendor\` takes along with it.
package lib
GO
    cat >"$module/link_$name.go" <<GO
//go:build $constraint

package versioner

${check}// #cgo CFLAGS: -I\${SRCDIR}
// #cgo LDFLAGS: \${SRCDIR}/lib/$name/libversioner.a $libs
import "C"

import _ "$path/lib/$name"
GO
}

constraints=()
for platform in "$@"; do link "$platform"; done
none=$(printf ' || %s' "${constraints[@]}")
cat >"$module/link_others.go" <<GO
//go:build !(${none# || })

package versioner

// #cgo CFLAGS: -I\${SRCDIR}
// #error "versioner has no library for this system: build one from a clone of github.com/versioner-io/libversioner"
import "C"
GO
gofmt -w "$module"/link_*.go

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export SOURCE_DATE_EPOCH
(cd scripts/dist/gomodule && go run . "$module" "$version" "$proxy")
echo "Go module $path $version for $(printf '%s\n' "$module"/lib/* | xargs -n 1 basename | paste -sd ' ')"
