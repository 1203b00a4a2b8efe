#!/usr/bin/env bash
# Pastes the README's shell blocks, one after the other, into one shell that stops at the first
# failure; then runs its C and Ruby. The binaries are the ones given, and the server gets a
# free port, so that nobody's own is disturbed.
# Usage: scripts/readme.sh DIRECTORY_OF_BINARIES PREFIX_OF_THE_C_LIBRARY
set -euo pipefail

binaries=$(cd "$1" && pwd)
library=$(cd "$2" && pwd)
readme=$(cd "$(dirname "$0")/.." && pwd)/README.md
folder=$(mktemp -d)
trap 'kill $(jobs -p); rm -rf "$folder"' EXIT
export HOME="$folder"
cd "$folder"

sed -n '/^```sh$/,/^```$/p' "$readme" | grep -v '^```' |
    sed -e '/^cargo build/d' \
        -e "s#^export PATH=.*#export PATH=\"$binaries:\$PATH\"#" \
        -e 's#^versioner-server #&--listen 127.0.0.1:0 #' \
        -e 's#http://127.0.0.1:8420#$(sed -n "s/^Listening on //p" server.log)#' >pasted.sh
[ "$(wc -l <pasted.sh)" -ge 10 ] || { echo "README.md has lost its shell blocks" >&2; exit 1; }
set -x
# shellcheck disable=SC1091
. ./pasted.sh
set +x

root=$(dirname "$readme")
snippet() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$readme" | grep -v '^```'; }

# Each language's lines, in the least of a program around them, against the same server; each
# prints "deploying" once it may.
export PKG_CONFIG_PATH=$library/lib/pkgconfig LD_LIBRARY_PATH=$library/lib
{
    printf '#include <stdio.h>\n#include <versioner.h>\n'
    printf 'static bool deploy(void) { return puts("deploying") >= 0; }\n'
    snippet c
    cat <<'C'
int main(void) {
    versioner_client *client;
    bool did = versioner_client_new(NULL, &client, NULL) == VERSIONER_OK && deploy_if_allowed(client);
    versioner_client_free(client);
    return did ? 0 : 1;
}
C
} >deploy.c
# shellcheck disable=SC2046
cc -std=c99 -Wall -Wextra -Werror deploy.c $(pkg-config --cflags --libs versioner) -o deploy-c

{
    echo 'def deploy = puts("deploying")'
    snippet ruby
} >deploy.rb

says_deploying() { # COMMAND...
    local said
    said=$("$@") || { echo "$* failed" >&2; exit 1; }
    case "$said" in
        *deploying*) ;;
        *) echo "$* did not deploy" >&2; exit 1 ;;
    esac
}
says_deploying ./deploy-c
VERSIONER_LIBRARY=$library/lib/libversioner.so says_deploying ruby -I "$root/bindings/ruby/lib" deploy.rb
echo "The README's C and Ruby deploy"
# Nobody is asked, so nothing deploys.
export VERSIONER_API_KEY=sk_local_wrong_wrong
if ./deploy-c 2>/dev/null; then
    echo "./deploy-c deployed with a wrong key" >&2
    exit 1
fi
