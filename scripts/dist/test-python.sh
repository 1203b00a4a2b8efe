#!/usr/bin/env bash
# Proves that a wheel is all that a program needs: installed from a folder, without the Internet, by a user
# who has neither this repository nor Rust; and that the source compiles.
# Usage: scripts/dist/test-python.sh FOLDER_OF_WHEELS
set -euo pipefail

wheels=$(realpath "${1:?usage: $0 FOLDER_OF_WHEELS}")
cd "$(dirname "$0")/../.."
readme=$PWD/python/README.md
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
# shellcheck source=scripts/dist/service.sh
. scripts/dist/service.sh
start_service

# Cargo wants the programs that the core's manifest names, too.
source_files='(PKG-INFO|pyproject\.toml|Cargo\.(toml|lock)|LICENSE|README\.md|CHANGELOG\.md|cbindgen\.toml'
source_files+='|(src|include|benches|tests/scripted-server)/.*|python/(src/rust/.*\.rs|Cargo\.toml|LICENSE|README\.md))$'

cat >"$folder/deploy.py" <<'PYTHON'
import sys

import versioner

product, environment, version = sys.argv[1:]
try:
    with versioner.deployment(product=product, environment=environment, version=version):
        print("deploying")
except versioner.RejectedError as error:
    sys.exit((print(error.text), error.code)[1])
PYTHON

install=$(sed -n '/^```bash$/,/^```$/p' "$readme" | sed -n 's/^pip install //p' |
    sed "s#/path/to/libversioner/dist/python#$wheels#")
[ -n "$install" ] || fail "$readme does not say how it is installed"

python3 -m venv "$folder/venv"
# shellcheck disable=SC2086
bare "$folder/venv/bin/pip" --disable-pip-version-check install --quiet $install || fail "pip install $install failed"
deploys "$folder/venv/bin/python" deploy.py
# shellcheck disable=SC2016
deploys sh -c '"$0" run deployment --product "$1" --environment "$2" --version "$3" -- echo deploying' \
    "$folder/venv/bin/versioner"
proved "$(uname -m), glibc: \`pip install\` is enough for the package and the command; a rejection stops"

if ls "$wheels"/*manylinux*aarch64.whl >/dev/null 2>&1; then
    root=$(scripts/dist/arm64-root.sh)
    inside=$(mktemp -d "$root/tmp/XXXXXX")
    cp "$folder/deploy.py" "$wheels"/*.whl "$inside/"
    work=/tmp/$(basename "$inside")
    arm64() { chroot "$root" /usr/bin/qemu-aarch64-static -E "PYTHONPATH=$1" /usr/bin/python3 "${@:2}"; }
    # It takes the wheel that fits by itself, with its own idea of what this machine is.
    arm64 "$(cd "$root" && echo usr/share/python-wheels/pip-*.whl)" -m pip --disable-pip-version-check install \
        --quiet --no-index --find-links "$work" --target "$work/installed" versioner 2>"$folder/said" ||
        fail "pip install under qemu-user: $(cat "$folder/said")"
    deploys chroot "$root" /usr/bin/qemu-aarch64-static -E "PYTHONPATH=$work/installed" /usr/bin/python3 \
        "$work/deploy.py"
    rm -r "$inside"
    proved 'aarch64, glibc: the same, by qemu-user'
fi

# The source, without the Internet: with what compiles it at hand, it needs the crates alone. Unoptimised,
# because it is what the wheels were made of.
sdist=$wheels/versioner-$version.tar.gz
stray=$(tar -tzf "$sdist" | grep -Ev "^versioner-$version/$source_files" || true)
[ -z "$stray" ] || fail "not needed in the source: $stray"
tools=$(scripts/dist/tools.sh)
PATH="$tools:$PATH" CARGO_TARGET_DIR=$(scripts/target-dir.sh) MATURIN_PEP517_ARGS='--profile=dev' \
    "$tools/pip" wheel --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation \
    --wheel-dir "$folder/built" "$sdist" 2>"$folder/said" || fail "the source does not compile: $(cat "$folder/said")"
python3 -m venv "$folder/source"
"$folder/source/bin/pip" install --quiet --disable-pip-version-check --no-index "$folder"/built/*.whl
deploys "$folder/source/bin/python" deploy.py
proved "source: has what it needs and nothing else, and compiles to the same"

# What each says of itself, and whether it is so.
python3 -m venv "$folder/auditwheel"
"$folder/auditwheel/bin/pip" install --quiet --disable-pip-version-check auditwheel twine abi3audit
"$folder/auditwheel/bin/twine" check --strict "$wheels"/* >/dev/null || fail 'PyPI would refuse the page'
for wheel in "$wheels"/*.whl; do
    name=$(basename "$wheel")
    case "$name" in
        "versioner-$version-cp39-abi3-"*) ;;
        *) fail "$name is not for every Python from 3.9 on" ;;
    esac
    case "$name" in
        *manylinux*)
            "$folder/auditwheel/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q '"manylinux_2_17_' ||
                fail "$name needs more than manylinux2014 has"
            ;;
    esac
    mkdir "$folder/wheel"
    unzip -q "$wheel" -d "$folder/wheel"
    library=("$folder"/wheel/versioner/_native*)
    is=$(file --brief "${library[0]}")
    # auditwheel looks for the C library of musl on this machine, and finds what is not one.
    if [[ $name == *musllinux* ]]; then
        needs=$(objdump -p "${library[0]}" | sed -n 's/^ *NEEDED *//p' | paste -sd ' ')
        [ "$needs" = libc.so ] || fail "$name needs more than musl has: $needs"
    fi
    case "$name $is" in
        *linux*_x86_64.whl\ ELF*x86-64* | *linux*_aarch64.whl\ ELF*aarch64* | *macosx*_x86_64.whl\ Mach-O*x86_64* | \
            *macosx*_arm64.whl\ Mach-O*arm64* | *win_amd64.whl\ PE32+*x86-64*) ;;
        *) fail "$name has the library $is" ;;
    esac
    "$folder/auditwheel/bin/abi3audit" --strict "$wheel" >/dev/null 2>"$folder/said" ||
        fail "$name needs what not every Python has: $(cat "$folder/said")"
    rm -r "$folder/wheel"
    proved "$name: $(stat -c %s "$wheel") bytes, what it promises is so"
done
