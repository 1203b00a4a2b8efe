#!/usr/bin/env bash
# Installs what a make target needs: Debian packages with apt, Rust with rustup. Says what it
# does; does nothing if all is there. Usage: scripts/setup.sh demo|test|bench|dist [postgres]
set -euo pipefail

readonly RUST_MINIMUM=1.89
readonly NODE_MINIMUM=18

# Debian packages; what each is for stands in CONTRIBUTING.md.
purpose=${1:-}
packages=(build-essential ca-certificates curl jq openssl)
[ "${2:-}" != postgres ] || packages+=(postgresql)
case "$purpose" in
    demo) ;;
    test | bench)
        packages+=(
            tinyproxy valgrind strace pkg-config libcurl4-openssl-dev shellcheck
            python3 python3-venv
            golang-go
            ruby ruby-ffi ruby-minitest rubocop capistrano jruby
            default-jdk-headless maven
            postgresql
            nodejs npm chromium libfaketime
        )
        ;;
    dist)
        packages+=(
            python3 python3-venv
            gcc-mingw-w64-x86-64 minisign musl-tools pkg-config unzip zip
            busybox dash mksh llvm mmdebstrap qemu-user-static wine wine64
            file
            golang-go
            ruby ruby-ffi jruby
            default-jdk-headless maven
            nodejs npm
        )
        ;;
    *)
        echo "usage: $0 demo|test|bench|dist [postgres]" >&2
        exit 2
        ;;
esac

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# A tool from elsewhere (a newer Go, say) counts as much as its package.
is_present() {
    case "$1" in
        golang-go) command -v go ;;
        nodejs) command -v node ;;
        npm) command -v npm ;;
        default-jdk-headless) command -v javac ;;
        maven) command -v mvn ;;
        python3 | ruby | jruby | curl | jq | openssl | tinyproxy | valgrind | strace | rubocop) command -v "$1" ;;
        *) [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ] ;;
    esac >/dev/null 2>&1
}

install_packages() {
    local missing=() package
    for package in "${packages[@]}"; do
        is_present "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if ! command -v apt-get >/dev/null; then
        echo "Missing, and there is no apt-get to install them with: ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing Debian packages: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

rust_is_new_enough() {
    local version
    version=$(rustc --version 2>/dev/null | cut -d' ' -f2) || return 1
    printf '%s\n' "$RUST_MINIMUM" "$version" | sort --version-sort --check=quiet
}

install_rust() {
    if ! { command -v cargo >/dev/null && rust_is_new_enough; }; then
        if ! command -v rustup >/dev/null && apt-cache show rustup >/dev/null 2>&1; then
            echo "Installing the Debian package rustup"
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rustup >/dev/null
        fi
        if ! command -v rustup >/dev/null; then
            # Debian 12 has neither rustup nor a Rust that is new enough.
            cat >&2 <<TEXT
Rust $RUST_MINIMUM or newer is needed, found: $(rustc --version 2>/dev/null || echo none).
This installs it into your home, with the installer of the Rust project; then run make again:

    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal
TEXT
            exit 1
        fi
        echo "Installing the stable Rust toolchain with rustup"
        rustup toolchain install stable --profile minimal
        rustup default stable
    fi
    if [ "$purpose" != demo ]; then
        if ! { cargo clippy --version && cargo fmt --version; } >/dev/null 2>&1; then
            rustup component add clippy rustfmt
        fi
    fi
}

# What drives the browser needs it; Debian has it since 12.
check_node() {
    local version
    [ "$purpose" != demo ] || return 0
    version=$(node --version)
    printf '%s\n' "$NODE_MINIMUM" "${version#v}" | sort --version-sort --check=quiet && return
    echo "Node $NODE_MINIMUM or newer is needed for the tests in a browser, found: $version." >&2
    echo "Install it from https://nodejs.org, or use Debian 12 or newer; then run make again." >&2
    exit 1
}

install_packages
install_rust
check_node
