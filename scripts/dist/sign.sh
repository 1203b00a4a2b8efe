#!/usr/bin/env bash
# Writes SHA256SUMS over the files of a folder and, with a key, its signature.
# Usage: scripts/dist/sign.sh FOLDER [SECRET-KEY]
#
# The key is minisign's, without a password (`minisign -G -W`): whoever may read it may sign.
set -euo pipefail

cd "${1:?usage: $0 FOLDER [SECRET-KEY]}"
rm -f SHA256SUMS SHA256SUMS.minisig
find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum >"$OLDPWD/SHA256SUMS.new"
mv "$OLDPWD/SHA256SUMS.new" SHA256SUMS
if [ -n "${2:-}" ]; then
    # The key's path is from where the caller stands.
    key=$(cd "$OLDPWD" && realpath "$2")
    minisign -S -W -s "$key" -m SHA256SUMS -t 'SHA256SUMS of versioner' </dev/null >/dev/null
fi
