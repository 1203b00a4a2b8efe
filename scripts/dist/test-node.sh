#!/usr/bin/env bash
# Proves that the packages are all that a program of Node needs, in an empty project, with the Node that is
# here and the newest that npm has. Usage: scripts/dist/test-node.sh FOLDER_OF_PACKAGES
set -euo pipefail

packages=$(realpath "${1:?usage: $0 FOLDER_OF_PACKAGES}")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
# shellcheck source=scripts/dist/service.sh
. scripts/dist/service.sh
start_service

own=$(node -p '`${process.platform}-${process.arch}`')
libc=
if [[ $own == linux-* ]]; then libc=-gnu; fi
native=$packages/versioner-sdk-$own$libc-$version.tgz
main=$packages/versioner-$version.tgz

install_packages() { # FOLDER TARBALL...
    mkdir "$1"
    echo '{"private": true, "type": "module"}' >"$1/package.json"
    npm install --prefix "$1" --no-audit --no-fund --loglevel=error "${@:2}"
}

install_packages "$folder/project" "$native" "$main"
cat >"$folder/project/deploy.mjs" <<'JS'
import { Client, RejectedError } from 'versioner';

const [product, environment, version] = process.argv.slice(2);
try {
  await new Client().deploy({ product, environment, version }, () => console.log('deploying'));
} catch (error) {
  if (!(error instanceof RejectedError)) throw error;
  console.error(error.text);
  process.exitCode = error.code;
}
JS
cat >"$folder/project/run.sh" <<'SH'
#!/bin/sh
exec npx --no-install versioner run deployment --product "$1" --environment "$2" --version "$3" -- echo deploying
SH
cd "$folder/project"
deploys node "$folder/project/deploy.mjs"
proved "node $(node --version): the packages are enough; a deployment is told, a rejection stops"
deploys env --chdir="$folder/project" sh run.sh
proved 'npx versioner: the command line does the same'

npm install --no-save --no-audit --no-fund --loglevel=error node@latest
current=$folder/project/node_modules/.bin/node
deploys "$current" "$folder/project/deploy.mjs"
proved "node $("$current" --version): the same"

# npm leaves an optional package out without a word.
install_packages "$folder/without" --omit=optional "$main"
if said=$(cd "$folder/without" && node -e "require('versioner')" 2>&1); then fail 'it loaded without its library'; fi
case "$said" in
    *'misses its native library'*'npm/cli/issues/4828'*) ;;
    *) fail "without its library it says $said" ;;
esac
proved 'without its library it says why and what to do'
