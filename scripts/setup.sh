#!/usr/bin/env bash
# Installs what a make target needs: Debian packages with apt, Rust with rustup. Says what it
# does; does nothing where all is there. Usage: scripts/setup.sh demo|test|bench
set -euo pipefail

readonly RUST_MINIMUM=1.89

# Debian packages; what each is for stands in CONTRIBUTING.md.
packages=(build-essential ca-certificates curl jq)
case "${1:-}" in
    demo) ;;
    test | bench)
        packages+=(
            tinyproxy valgrind pkg-config libcurl4-openssl-dev
            python3 python3-venv
            golang-go
            ruby ruby-ffi ruby-minitest rubocop capistrano jruby
            default-jdk-headless maven
        )
        ;;
    *)
        echo "usage: $0 demo|test|bench" >&2
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
        default-jdk-headless) command -v javac ;;
        maven) command -v mvn ;;
        python3 | ruby | jruby | curl | jq | tinyproxy | valgrind | rubocop) command -v "$1" ;;
        *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed' ;;
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
    [ "$(printf '%s\n%s\n' "$RUST_MINIMUM" "$version" | sort -V | head -1)" = "$RUST_MINIMUM" ]
}

install_rust() {
    command -v cargo >/dev/null && rust_is_new_enough && return
    if ! command -v rustup >/dev/null && apt-cache show rustup >/dev/null 2>&1; then
        echo "Installing the Debian package rustup"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rustup >/dev/null
    fi
    if command -v rustup >/dev/null; then
        echo "Installing the stable Rust toolchain with rustup"
        rustup toolchain install stable --profile minimal --component clippy --component rustfmt
        rustup default stable
        return
    fi
    echo "Rust $RUST_MINIMUM or newer is needed, found: $(rustc --version 2>/dev/null || echo none)." \
        "Install it from https://rustup.rs and try again." >&2
    exit 1
}

install_packages
install_rust
