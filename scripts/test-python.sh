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
    "$python" -m venv "$folder/$1"
    "$folder/$1/bin/pip" install --quiet --disable-pip-version-check "$wheels"/*.whl "${@:2}"
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
    local here=$PWD
    environment package pytest mypy
    (cd "$folder" && package/bin/python -m pytest -q -c "$here/pyproject.toml" --rootdir "$here" "$here/tests")
    for version in "${ansible_versions[@]}"; do
        environment "$version" "$version" pytest
        "$folder/$version/bin/ansible" --version | head -1
        "$folder/$version/bin/python" -m pytest -q -p no:cacheprovider ansible/tests
    done
    "$folder/package/bin/python" -m pytest -q -p no:cacheprovider rundeck/tests
}

case "${1:-}" in
    check) check ;;
    test) test_all ;;
    *) echo "usage: $0 check|test" >&2; exit 2 ;;
esac
