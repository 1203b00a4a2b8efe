#!/usr/bin/env bash
# Builds the npm package in its folder, with the native half for this machine, and checks or tests it.
# Usage: scripts/test-javascript.sh check | test [NAME...] | release FOLDER
# With names only these files are tested; what is measured is built into a folder.
set -euo pipefail
cd "$(dirname "$0")/../bindings/javascript"

tools=tools/node_modules/.bin
target=$(../../scripts/target-dir.sh)

install_tools() {
    if [ tools/package-lock.json -nt tools/node_modules/.package-lock.json ]; then
        npm ci --prefix tools --no-audit --no-fund --loglevel=error
    fi
}

# The library of Rust, under the name that the package looks for in its own folder.
build() { # [release]
    local library platform
    if [ "${1:-}" = release ]; then
        cargo build --quiet --package versioner-javascript --release
    else
        # Together with the tests' programs, as the Makefile builds them.
        cargo build --quiet --workspace --lib --bins --examples
    fi
    library=$target/${1:-debug}/libversioner_javascript.so
    [ -e "$library" ] || library=${library%.so}.dylib
    platform=$(node -p '`${process.platform}-${process.arch}`')
    case $platform in
        linux-*) if [ -e /lib/ld-musl-"$(uname -m)".so.1 ]; then platform+=-musl; else platform+=-gnu; fi ;;
    esac
    # Not over one that a process has loaded.
    rm -f versioner.*.node
    cp "$library" "versioner.$platform.node"
    rm -rf lib
    "$tools/tsc" --project tsconfig.build.json
}

node_is_at_least() { node -e "process.exit(parseInt(process.versions.node) < $1 ? 1 : 0)"; }

check() {
    "$tools/biome" ci --error-on-warnings .
    "$tools/tsc"
    build
    "$tools/publint" --strict
    # Reads archives in a way that Node 18 cannot.
    if node_is_at_least 20; then "$tools/attw" --pack --quiet .; fi
}

run_tests() {
    local files=("$@")
    [ ${#files[@]} -gt 0 ] || files=(test/*.test.mjs)
    node --test --test-reporter=dot "${files[@]}"
}

install_tools
case "${1:-}" in
    check) check ;;
    release)
        build release
        mkdir -p "${2:?a folder}"
        cp -r lib package.json versioner.*.node "$2/"
        ;;
    test)
        build
        run_tests "${@:2}"
        ;;
    *)
        echo "usage: $0 check | test [NAME...] | release FOLDER" >&2
        exit 2
        ;;
esac
