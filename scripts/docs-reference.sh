#!/usr/bin/env bash
# Makes the reference of one language by that language's own tool. Usage: scripts/docs-reference.sh
# go|java|python|ruby|rust|node FOLDER   into FOLDER/LANGUAGE, for Go FOLDER/go.txt
set -euo pipefail

language=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
tools=$PWD/build/docs-tools

needs() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null && return
    echo "The reference of $language needs $1, in Debian of the package $2." >&2
    exit 1
}

case "$language" in
    rust)
        RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --no-deps --package versioner
        cp -r "$(scripts/target-dir.sh)/doc" "$folder/rust"
        ;;
    go)
        needs go golang-go
        (cd bindings/go && go doc -all .) >"$folder/go.txt"
        ;;
    java)
        needs javadoc default-jdk-headless
        # The rules of a comment's form are the compiler's in bindings/java; here they only cost time.
        javadoc -quiet -Xdoclint:none -notimestamp -d "$folder/java" \
            -sourcepath bindings/java/src/main/java -subpackages io.versioner
        ;;
    python)
        # The native half has to be there, because pdoc imports what it describes.
        "$tools/bin/pip" install --quiet --disable-pip-version-check pdoc maturin
        (cd python && VIRTUAL_ENV=$tools "$tools/bin/maturin" develop --quiet --profile dev)
        PYTHONWARNINGS=ignore "$tools/bin/pdoc" --output-directory "$folder/python" versioner
        ;;
    ruby)
        needs yard yard
        (cd bindings/ruby && yard doc --quiet --no-cache --no-save --output-dir "$folder/ruby" 'lib/**/*.rb')
        ;;
    node)
        needs npm npm
        cd bindings/javascript
        # The types of Node itself are among the tools.
        npm ci --prefix tools --ignore-scripts --no-audit --no-fund --loglevel=error
        npx --yes typedoc@0.28.20 --logLevel Warn --entryPoints src/index.ts --tsconfig tsconfig.build.json \
            --out "$folder/node"
        ;;
    *)
        echo "No reference is known for $language" >&2
        exit 2
        ;;
esac
