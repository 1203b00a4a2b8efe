#!/usr/bin/env bash
# Proves that the Go module is all that a program needs: in a module of somebody else's, with a cache of
# its own, from a proxy that has nothing else. Usage: scripts/dist/test-go.sh PROXY
set -euo pipefail

proxy=$(realpath "${1:?usage: $0 PROXY}")
cd "$(dirname "$0")/../.."
path=$(sed -n 's/^module //p' bindings/go/go.mod)
version=$(basename "$proxy/$path"/@v/*.zip .zip)
example=$PWD/bindings/go/examples/deploy/main.go
. scripts/dist/service.sh
start_service

cache=$(go env GOCACHE)
own=$folder/own
go_bare() { # [VARIABLE=VALUE...] ARGUMENT...
    local variables=()
    while [[ $1 == *=* ]]; do variables+=("$1"); shift; done
    (cd "$own" && env -i PATH="$PATH" HOME="$folder" LANG=C.UTF-8 GOCACHE="$cache" GOTOOLCHAIN=local \
        GOMODCACHE="$folder/modules" GOPROXY="file://$proxy" GONOSUMDB="$path" "${variables[@]}" go "$@")
}
refused() { # TEXT [VARIABLE=VALUE...] ARGUMENT...
    local said
    if said=$(go_bare "${@:2}" 2>&1) || [[ $said != *"$1"* ]]; then
        fail "go ${*:2} does not say \"$1\": $said"
    fi
}

# What the library is linked for, as the module's folders have it.
platforms=$(unzip -Z1 "$proxy/$path/@v/$version.zip" | sed -n 's#.*/lib/\(.*\)/libversioner.a$#\1#p')
has() { grep -qx "$1" <<<"$platforms"; }
has linux_amd64 || fail "the module has no library for linux_amd64"

mkdir "$own"
cp "$example" "$own/"
go_bare mod init example.org/deploy 2>/dev/null
install=$(sed -n '/^```bash$/,/^```$/p' bindings/go/README.md | grep -v '^```' |
    sed "s#file:///path/to/libversioner/dist/go#file://$proxy#")
(cd "$own" && env -i PATH="$PATH" HOME="$folder" GOMODCACHE="$folder/modules" GOTOOLCHAIN=local \
    sh -ec "$install") 2>"$folder/said" || fail "$install: $(cat "$folder/said")"
grep -q "$path $version" "$own/go.mod" || fail "the README installs another version"
go_bare build -o dynamic .
if ldd "$own/dynamic" | grep -q versioner; then fail "a program needs a libversioner beside it"; fi
deploys "$own/dynamic"
proved "linux_amd64: \`go get\` and \`go build\` are enough; a deployment is told, a rejection stops"

go_bare test "$path" >/dev/null
proved "linux_amd64: the module's own examples pass where it is installed"

go_bare mod vendor
go_bare GOPROXY=off GOMODCACHE="$folder/none" build -mod=vendor -o vendored .
deploys "$own/vendored"
rm -r "$own/vendor"
proved "linux_amd64: works vendored, too"

refused versioner_needs_cgo__set_CGO_ENABLED_1_and_install_gcc CGO_ENABLED=0 build .
# As it is published: to a repository, which the go command then asks itself.
git init --quiet --bare --initial-branch main "$folder/repository"
scripts/dist/publish-go.sh "$proxy" "$folder/repository" >/dev/null
scripts/dist/publish-go.sh "$proxy" "$folder/repository" >/dev/null 2>&1 && fail 'a version is published twice'
sums=$(cat "$own/go.sum")
rm "$own/go.sum"
go_bare GOPROXY=direct GOMODCACHE="$folder/direct" GIT_CONFIG_COUNT=1 \
    GIT_CONFIG_KEY_0="url.file://$folder/repository.insteadOf" GIT_CONFIG_VALUE_0="https://$path" \
    mod download "$path@$version"
go_bare GOPROXY=off GOMODCACHE="$folder/direct" mod tidy
[ "$(cat "$own/go.sum")" = "$sums" ] || fail "the repository has another $version: $(cat "$own/go.sum")"
proved "published to a repository and tagged, it has the same checksum"

! has linux_amd64_musl || refused 'build without -tags musl' build -tags musl .
[ "$(go_bare GOOS=freebsd CGO_ENABLED=1 list -f '{{range .CgoFiles}}{{println .}}{{end}}' "$path" |
    grep '^link_')" = link_others.go ] || fail "a system without a library is not told so"
proved "without cgo, for the other C library, for another system: one sentence says what to do"

static=(-ldflags '-linkmode external -extldflags -static')
if has linux_amd64_musl; then
    refused 'build with -tags musl' CC=musl-gcc build .
    go_bare CC=musl-gcc build -tags musl "${static[@]}" -o static .
    mkdir "$folder/empty"
    cp "$own/static" "$folder/empty/"
    deploys chroot "$folder/empty" /static
    proved "linux_amd64, musl: a static program works in an empty root"
fi

zig() { # NAME TARGET: a compiler for another system
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nexec "%s/python" -m ziglang cc -target %s "$@"\n' "$(scripts/dist/tools.sh)" "$2" >"$folder/$1"
    chmod +x "$folder/$1"
}
if has linux_arm64; then
    zig cc-arm64 aarch64-linux-gnu.2.17
    go_bare GOARCH=arm64 CGO_ENABLED=1 CC="$folder/cc-arm64" build -o arm64 .
    root=$(scripts/dist/arm64-root.sh)
    inside=$(mktemp -d "$root/tmp/XXXXXX")
    cp "$own/arm64" "$inside/"
    deploys chroot "$root" /usr/bin/qemu-aarch64-static "/tmp/$(basename "$inside")/arm64"
    rm -r "$inside"
    proved "linux_arm64: works, by qemu-user, and needs $(newest_glibc "$own/arm64")"
fi
if has linux_arm64_musl; then
    zig cc-arm64-musl aarch64-linux-musl
    go_bare GOARCH=arm64 CGO_ENABLED=1 CC="$folder/cc-arm64-musl" build -tags musl "${static[@]}" -o arm64-musl .
    deploys qemu-aarch64-static "$own/arm64-musl"
    proved "linux_arm64, musl: a static program works, by qemu-user"
fi
if has windows_amd64; then
    go_bare GOOS=windows CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc build -o deploy.exe .
    deploys env WINEDEBUG=-all WINEPREFIX="$(scripts/dist/wine-prefix.sh)" wine "$own/deploy.exe"
    proved "windows_amd64: works, by Wine"
fi
# Libraries that every macOS has, and zig has no names of: Go's own code and Rust's name them.
for library in iconv.2 resolv.9; do
    cat >"$folder/lib${library%.*}.tbd" <<TBD
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/usr/lib/lib$library.dylib'
...
TBD
done
for darwin in darwin_amd64 darwin_arm64; do
    has "$darwin" || continue
    architecture=${darwin#*_}
    zig "cc-$darwin" "$(sed 's/amd64/x86_64/; s/arm64/aarch64/' <<<"$architecture")-macos"
    go_bare GOOS=darwin GOARCH="$architecture" CGO_ENABLED=1 \
        CC="$folder/cc-$darwin -F$PWD/scripts/dist/macos -L$folder" build -ldflags=-w -o "$darwin" .
    proved "$darwin: links: $(file -b "$own/$darwin" | cut -d, -f1)"
done
