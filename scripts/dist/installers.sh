#!/usr/bin/env bash
# Writes install.sh and the Homebrew formulae for the files in a folder, with their checksums.
# Usage: scripts/dist/installers.sh FOLDER
set -euo pipefail

folder=$(realpath "${1:?usage: $0 FOLDER}")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh

version=$(project_version)
base_url=https://github.com/versioner-io/libversioner/releases/download/v$version

sum() { sha256sum "$folder/$1" | cut -d' ' -f1; }

sums='' platforms=''
for platform in $(scripts/dist/platforms.sh); do
    suffix=$(scripts/dist/platforms.sh "$platform" suffix)
    for file in "versioner-$platform$suffix" "versioner-server-$platform$suffix"; do
        [ -e "$folder/$file" ] || continue
        sums+="        $file) echo $(sum "$file") ;;"$'\n'
    done
    [ ! -e "$folder/versioner-$platform$suffix" ] || platforms+=" $platform"
done
script=$(<scripts/dist/install.sh.in)
script=${script//@VERSION@/$version}
script=${script//@BASE_URL@/$base_url}
script=${script//@PLATFORMS@/$platforms}
printf '%s\n' "${script/@SUMS@/${sums%$'\n'}}" >"$folder/install.sh"
chmod 755 "$folder/install.sh"

formula() { # PROGRAM CLASS DESCRIPTION SERVICE
    local text platform archive
    text=$(<scripts/dist/formula.rb.in)
    for platform in linux-amd64 linux-arm64 darwin-arm64 darwin-amd64; do
        archive=$1-$version-$platform.tar.gz
        [ -e "$folder/$archive" ] || { echo "no $1.rb without $archive" >&2; return 0; }
        text=${text//@SUM_$platform@/$(sum "$archive")}
    done
    text=${text//@CLASS@/$2}
    text=${text//@DESCRIPTION@/$3}
    text=${text//@SERVICE@/$4}
    text=${text//@PROGRAM@/$1}
    text=${text//@VERSION@/$version}
    printf '%s\n' "${text//@BASE_URL@/$base_url}" >"$folder/$1.rb"
}
formula versioner Versioner 'Tell what is built and deployed, and stop when policy says no' ''
formula versioner-server VersionerServer 'API that records deployments and judges them by rules' '
  service do
    run [opt_bin/"versioner-server", "--data", var/"versioner-server",
         "--first-key-file", var/"versioner-server.key", "--setup-file", var/"versioner-server.setup"]
    keep_alive true
    log_path var/"log/versioner-server.log"
    error_log_path var/"log/versioner-server.log"
  end
'
