#!/usr/bin/env bash
# Builds the wheel, installs it into new virtual environments outside the tree, and tests it there:
# the package, the Ansible collection with the oldest and the newest Ansible, the Rundeck plugin.
# Usage: scripts/test-python.sh check|test
set -euo pipefail
cd "$(dirname "$0")/../python"

python=${PYTHON:-python3}
# What a source distribution holds; cargo wants the programs that the core's manifest names, too.
source_files='^\./(PKG-INFO|pyproject\.toml|Cargo\.(toml|lock)|LICENSE|README\.md|CHANGELOG\.md|cbindgen\.toml'
source_files+='|(src|include|benches|tests/scripted-server)/.*|python/(src/rust/.*\.rs|Cargo\.toml|LICENSE|README\.md))$'
tools=../build/python/tools
wheels=../build/python/wheels

install_tools() {
    [ -d "$tools" ] || "$python" -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement tests/requirements.txt
}

# A virtual environment with the wheel and what else is named.
environment() { # NAME PACKAGE...
    "${with:-$python}" -m venv "$folder/$1"
    "$folder/$1/bin/pip" install --quiet --disable-pip-version-check "$wheels"/*.whl "${@:2}"
}

minor_version() { "$1" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Every Python on this machine that the wheel is for, of the path and of pyenv, the oldest first.
all_pythons() {
    local candidate version
    for candidate in "$python" $(compgen -c python3. | sort -u) \
        $(command -v pyenv >/dev/null && ls "$(pyenv root)"/versions/*/bin/python3); do
        version=$(minor_version "$candidate") || continue
        [ "${version#3.}" -lt 9 ] || echo "$version $candidate"
    done | sort -s -V -u -k1,1 | cut -d' ' -f2
}

# The oldest and the newest beside the one that everything is tested with.
other_pythons() {
    all_pythons | sed -n '1p;$p' | uniq | while read -r candidate; do
        [ "$(minor_version "$candidate")" = "$(minor_version "$python")" ] || echo "$candidate"
    done
}

test_package() { # NAME
    environment "$1" pytest pydantic
    "$folder/$1/bin/python" --version
    (cd "$folder" && "$1/bin/python" -m pytest -q -c "$here/pyproject.toml" --rootdir "$here" "$here/tests")
}

# The collection is for ansible-core 2.17 and newer.
test_ansible() { # NAME PYTEST-OPTION...
    # One line is asked for: a program that goes on writing to a closed pipe fails.
    "$folder/$1/bin/python" -c \
        'import sys, ansible.release as r; print("ansible-core", r.__version__, "on Python", sys.version.split()[0])'
    "$folder/$1/bin/python" -m pytest -q -p no:cacheprovider ansible/tests "${@:2}"
}

# What is uploaded: its page, what is in the source, and that the source compiles.
test_distributions() {
    local said
    said=$(PATH="$PWD/$tools/bin:$PATH" maturin sdist --out "$folder/sdist" 2>&1) ||
        { echo "$said" >&2; exit 1; }
    "$tools/bin/twine" check --strict "$wheels"/*.whl "$folder"/sdist/*.tar.gz
    # With the time of now: cargo would take what it built of an older source for this one.
    tar -xzmf "$folder"/sdist/*.tar.gz -C "$folder/sdist"
    local source stray
    source=$(echo "$folder"/sdist/versioner-*/)
    stray=$({ cd "$source" && find . -type f; } | { grep -Ev "$source_files" || true; })
    [ -z "$stray" ] || { printf 'not needed in the source:\n%s\n' "$stray" >&2; exit 1; }
    (cd "$source/python" && CARGO_TARGET_DIR="$here/../target" cargo check --quiet)
}

check() {
    install_tools
    "$tools/bin/ruff" check src tests benches
    "$tools/bin/ruff" format --check src tests benches
    # Ansible wants the documentation of a plugin before its imports.
    "$tools/bin/ruff" check --select B,E,F,I,W --per-file-ignores 'ansible/plugins/*/*:E402' ansible rundeck
    "$tools/bin/ruff" format --check ansible rundeck
    "$tools/bin/ruff" check --isolated --line-length 110 --select B,E,F,I,W ../docs ../server/tests/slack
    "$tools/bin/ruff" format --check --isolated --line-length 110 ../docs ../server/tests/slack
    # The types of what is built, because the stubs are for the module.
    PATH="$PWD/$tools/bin:$PATH" VIRTUAL_ENV="$PWD/$tools" maturin develop --quiet --profile dev
    "$tools/bin/mypy"
    "$tools/bin/pyright" --pythonpath "$tools/bin/python"
    # What is published has no symbol without a type, and is when it runs as it is declared.
    said=$(PATH="$PWD/$tools/bin:$PATH" pyright --verifytypes versioner --ignoreexternal) ||
        { echo "$said" >&2; exit 1; }
    "$tools/bin/python" -m mypy.stubtest --allowlist tests/stubtest.txt versioner
}

test_all() {
    install_tools
    rm -rf "$wheels"
    PATH="$PWD/$tools/bin:$PATH" maturin build --quiet --zig --compatibility manylinux2014 --out "$wheels"
    size=$(stat -c %s "$wheels"/*.whl)
    echo "The wheel has $size bytes"
    [ "$size" -le 1800000 ] || { echo "that is more than 1.8 MB" >&2; exit 1; }
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    here=$PWD
    test_distributions
    test_package package
    for with in $(other_pythons); do
        test_package "package-$(minor_version "$with")"
    done
    with=
    environment oldest 'ansible-core==2.17.*' ansible-lint pytest
    test_ansible oldest --ignore ansible/tests/test_publishing.py
    with=$(all_pythons | tail -n 1)
    environment newest ansible-core ansible-lint antsibull-docs galaxy-importer pytest
    with=
    test_ansible newest
    "$folder/package/bin/python" -m pytest -q -p no:cacheprovider rundeck/tests
}

case "${1:-}" in
    check) check ;;
    test) test_all ;;
    *) echo "usage: $0 check|test" >&2; exit 2 ;;
esac
