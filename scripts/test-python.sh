#!/usr/bin/env bash
# Builds the wheel, installs it into new virtual environments outside the tree, and tests it there:
# the package, the Ansible collection with the oldest and the newest Ansible, the Rundeck plugin.
# Usage: scripts/test-python.sh check|test
set -euo pipefail
cd "$(dirname "$0")/../python"

python=${PYTHON:-python3}
# The oldest ansible-core that the collection is for, and the newest that this Python runs.
ansible_versions=('ansible-core==2.17.*' 'ansible-core')
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

minor_version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# The oldest and the newest other Python on this machine that the wheel is for, of the path and of
# pyenv.
other_pythons() {
    local candidate version
    for candidate in $(compgen -c python3. | sort -u) \
        $(command -v pyenv >/dev/null && ls "$(pyenv root)"/versions/*/bin/python3); do
        version=$(minor_version "$candidate") || continue
        [ "$version" = "$(minor_version "$python")" ] && continue
        [ "${version#3.}" -ge 9 ] && echo "$version $candidate"
    done | sort -V | sort -u -V -k1,1 | sed -n '1p;$p' | uniq | cut -d' ' -f2
}

test_package() { # NAME
    environment "$1" pytest pydantic
    "$folder/$1/bin/python" --version
    (cd "$folder" && "$1/bin/python" -m pytest -q -c "$here/pyproject.toml" --rootdir "$here" "$here/tests")
}

check() {
    install_tools
    "$tools/bin/ruff" check src tests benches
    "$tools/bin/ruff" format --check src tests benches
    "$tools/bin/ruff" check --select B,E,F,I,W ansible rundeck
    "$tools/bin/ruff" format --check ansible rundeck
    # The types of what is built, because the stubs are for the module.
    PATH="$PWD/$tools/bin:$PATH" VIRTUAL_ENV="$PWD/$tools" maturin develop --quiet --profile dev
    "$tools/bin/mypy"
    "$tools/bin/pyright" --pythonpath "$tools/bin/python"
    # What is published has no symbol without a type, and is when it runs as it is declared.
    PATH="$PWD/$tools/bin:$PATH" pyright --verifytypes versioner --ignoreexternal
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
    test_package package
    for with in $(other_pythons); do
        test_package "package-$(minor_version "$with")"
    done
    with=
    for version in "${ansible_versions[@]}"; do
        environment "$version" "$version" ansible-lint pytest
        # One line is asked for: a program that goes on writing to a closed pipe fails.
        "$folder/$version/bin/python" -c 'import ansible.release as r; print("ansible-core", r.__version__)'
        "$folder/$version/bin/python" -m pytest -q -p no:cacheprovider ansible/tests
    done
    "$folder/package/bin/python" -m pytest -q -p no:cacheprovider rundeck/tests
}

case "${1:-}" in
    check) check ;;
    test) test_all ;;
    *) echo "usage: $0 check|test" >&2; exit 2 ;;
esac
