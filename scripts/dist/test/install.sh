#!/usr/bin/env bash
# Runs the install script in every shell, on good and on bad files. Usage: install.sh FOLDER PLATFORM
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"

dist=$(realpath "$1")
platform=$2
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; as_root rm -rf "$work"' EXIT
mkdir -p "$work/served/good" "$work/served/bad"
cp "$dist/versioner-$platform" "$work/served/good/"
head -c 100000 "$dist/versioner-$platform" >"$work/served/bad/versioner-$platform"
python3 -u -m http.server --bind 127.0.0.1 --directory "$work/served" 0 >"$work/server.log" 2>&1 &
server=$!
url=http://127.0.0.1:$(line_of "$work/server.log" 'port [0-9]*' "$server" | cut -d' ' -f2) || exit 1

# Runs a script in a home of its own: `shell` is an array, OUT what it said.
install() { # SCRIPT [NAME=VALUE...] [-- ARGUMENT...]
    local script=$1 variables=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do variables+=("$1") && shift; done
    [ $# -eq 0 ] || shift
    env -i HOME="$home" PATH="${path:-$PATH}" VERSIONER_INSTALL_BASE_URL="$url/good" \
        ${variables[@]+"${variables[@]}"} "${shell[@]}" "$script" "$@" >"$home.log" 2>&1
}
new_home() { home=$(mktemp -d "$work/home.XXXXXX"); }
is_untouched() { [ -z "$(find "$home" -type f)" ] || { find "$home" >&2; return 1; }; }
refuses() { # TEXT INSTALL-ARGUMENT...
    local text=$1
    shift
    if install "$@"; then
        echo "it was installed" >&2
        return 1
    fi
    says "$home.log" "$text" && is_untouched
}

comes_and_goes() {
    new_home
    install "$dist/install.sh" GITHUB_PATH="$home.path" || { cat "$home.log"; return 1; }
    "$home/.local/bin/versioner" --version >/dev/null || return 1
    is "$home/.local/bin" "$(cat "$home.path")" GITHUB_PATH || return 1
    # A second time over a first one, which may be running.
    install "$dist/install.sh" || { cat "$home.log"; return 1; }
    is 1 "$(find "$home" -type f | wc -l)" 'the number of files' || return 1
    install "$dist/install.sh" -- --uninstall && is_untouched || return 1
    install "$dist/install.sh" -- --uninstall && says "$home.log" 'nothing to remove'
}

other_directories() {
    new_home
    install "$dist/install.sh" VERSIONER_INSTALL_BASE_URL="file://$work/served/good" || { cat "$home.log"; return 1; }
    install "$dist/install.sh" XDG_BIN_HOME="$home/x d/bin" && test -x "$home/x d/bin/versioner" || return 1
    install "$dist/install.sh" XDG_BIN_HOME="$home/x" VERSIONER_INSTALL_DIR="$home/own" &&
        test -x "$home/own/versioner" || return 1
    says "$home.log" "export PATH=\"$home/own:\$PATH\""
}

cut_anywhere() {
    local size at
    size=$(stat -c %s "$dist/install.sh")
    new_home
    for ((at = 0; at < size - 1; at += 97)); do
        head -c "$at" "$dist/install.sh" >"$work/cut.sh"
        if install "$work/cut.sh" && [ "$at" -gt 20 ]; then
            echo "$at bytes of it end well" >&2
            return 1
        fi
        is_untouched || { echo "$at bytes of it install something" >&2; return 1; }
    done
    # The last bytes, one by one.
    for ((at = size - 20; at < size - 1; at++)); do
        head -c "$at" "$dist/install.sh" >"$work/cut.sh"
        install "$work/cut.sh" && [ "$at" -lt $((size - 2)) ] && return 1
        is_untouched || [ "$at" -ge $((size - 2)) ] || return 1
    done
}

bad_files() {
    new_home
    refuses 'is not what was released' "$dist/install.sh" VERSIONER_INSTALL_BASE_URL="$url/bad" &&
        refuses "cannot download $url/none/versioner-" "$dist/install.sh" VERSIONER_INSTALL_BASE_URL="$url/none" || return 1
    # What was there before stays.
    mkdir -p "$home/.local/bin"
    echo before >"$home/.local/bin/versioner"
    install "$dist/install.sh" VERSIONER_INSTALL_BASE_URL="$url/bad" && return 1
    is before "$(cat "$home/.local/bin/versioner")" 'what was there'
}

# A PATH with only what is named, and a few that everybody has.
with_tools() { # TOOL...
    local tool
    path=$(mktemp -d "$work/path.XXXXXX")
    for tool in cat chmod cp cut getconf mkdir mktemp mv rm sysctl uname "$@"; do
        ! command -v "$tool" >/dev/null || ln -s "$(readlink -f "$(command -v "$tool")")" "$path/$tool"
    done
}

missing_tools() {
    new_home
    local path
    with_tools curl
    refuses 'install sha256sum, shasum or openssl' "$dist/install.sh" || return 1
    with_tools sha256sum
    refuses 'install curl or wget' "$dist/install.sh" || return 1
    with_tools openssl wget
    install "$dist/install.sh" || { cat "$home.log"; return 1; }
    test -x "$home/.local/bin/versioner"
}

wrong_requests() {
    new_home
    refuses 'this script installs' "$dist/install.sh" VERSIONER_VERSION=99.0.0 &&
        refuses 'there is no argument "--remove"' "$dist/install.sh" -- --remove || return 1
    local path
    with_tools curl sha256sum
    rm "$path/uname"
    printf '#!/bin/sh\ncase $1 in -s) echo SunOS ;; *) echo sparc64 ;; esac\n' >"$path/uname"
    chmod 755 "$path/uname"
    refuses 'for SunOS-sparc64; there is for: ' "$dist/install.sh"
}

# Root may write anywhere, so somebody else tries.
read_only() {
    new_home
    mkdir -p "$home/closed"
    chmod 555 "$home/closed"
    chmod 755 "$work"
    chmod 777 "$home"
    [ "$(id -u)" -ne 0 ] || shell=(setpriv --reuid 65534 --clear-groups "${shell[@]}")
    refuses "cannot write to $home/closed: name another directory" "$dist/install.sh" \
        VERSIONER_INSTALL_DIR="$home/closed"
}

for one in dash 'busybox sh' bash mksh; do
    read -ra shell <<<"$one"
    shell[0]=$(command -v "${shell[0]}")
    case_of "install.sh in $one: comes and goes" comes_and_goes
    case_of "install.sh in $one: the directory that is named" other_directories
    case_of "install.sh in $one: half of it does nothing" cut_anywhere
    case_of "install.sh in $one: what was changed on its way" bad_files
    case_of "install.sh in $one: a tool that is missing" missing_tools
    case_of "install.sh in $one: what there is not" wrong_requests
    case_of "install.sh in $one: a directory that nobody may write to" read_only
done
ran "$dist/install.sh" 'dash, busybox sh, bash, mksh'
