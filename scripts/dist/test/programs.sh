#!/usr/bin/env bash
# Runs the programs of each platform, as far as this machine can. Usage: programs.sh FOLDER PLATFORM...
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"
# shellcheck source=scripts/dist/test/story.sh
. "$here/story.sh"

dist=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'as_root rm -rf "$work"' EXIT

# A root with the programs in it and nothing else.
in_empty_root() { # PLATFORM
    local root=$work/$1 before=()
    mkdir -p "$root"
    cp "$dist/versioner-$1" "$root/versioner"
    cp "$dist/versioner-server-$1" "$root/versioner-server"
    if [ "$1" = linux-arm64 ] && [ "$(uname -m)" != aarch64 ]; then
        cp "$(command -v qemu-aarch64-static)" "$root/qemu"
        before=(/qemu)
    fi
    client=(as_root chroot "$root" ${before[@]+"${before[@]}"} /versioner)
    server=(as_root chroot "$root" ${before[@]+"${before[@]}"} /versioner-server)
    story /data "$work/$1.log"
}

under_wine() { # PLATFORM
    mkdir -p "$work/windows"
    cp "$dist/versioner-$1.exe" "$work/windows/versioner.exe"
    cp "$dist/versioner-server-$1.exe" "$work/windows/versioner-server.exe"
    cd "$work/windows" || return 1
    client=(wine versioner.exe)
    server=(wine versioner-server.exe)
    story data "$work/$1.log"
}

# What only Windows has: its paths, and a command that is not there.
windows_ways() {
    cd "$work/windows" || return 1
    local code=0
    wine versioner.exe run deployment --product api --environment staging --version 1 -- cmd /c exit 0 \
        >ways.log 2>&1 || code=$?
    is 1 "$code" 'the exit code of run' && says ways.log 'versioner run is not there yet on this system' || return 1
    mkdir -p settings
    printf 'product: from-the-file\n' >settings/versioner.yaml
    VERSIONER_API_KEY=sk_local_k1_x wine versioner.exe track deployment --environment staging --version 1 \
        --config 'settings\versioner.yaml' --dry-run >ways.log 2>&1 || { cat ways.log; return 1; }
    says ways.log from-the-file || return 1
    code=0
    VERSIONER_API_KEY=sk_local_k1_x VERSIONER_API_URL=http://127.0.0.1:1 VERSIONER_MAX_RETRIES=0 \
        wine versioner.exe track deployment --product api --environment staging --version 1 \
        --fail-on-api-error=false --outbox 'out box' >ways.log 2>&1 || code=$?
    is 0 "$code" 'the exit code of best effort' || { cat ways.log; return 1; }
    wine versioner.exe outbox list --outbox 'out box' >ways.log 2>&1 || { cat ways.log; return 1; }
    says ways.log staging
}

# A C program with the DLL, and one with the static library, as pkg-config tells.
windows_library() { # PLATFORM
    rm -rf "$work/library"
    python3 -m zipfile -e "$(echo "$dist"/libversioner-[0-9]*-"$1".zip)" "$work/library" || return 1
    cd "$work"/library/* || return 1
    cat >asks.c <<'C'
#include <stdio.h>
#include <versioner.h>
int main(void) {
    versioner_client *client;
    versioner_result *result;
    versioner_code code = versioner_client_new(NULL, &client, &result);
    printf("%s: %s\n", versioner_version(), versioner_result_text(result));
    versioner_result_free(result);
    return code;
}
C
    local kind code
    for kind in versioner versioner-static; do
        # shellcheck disable=SC2046
        x86_64-w64-mingw32-gcc -Wall -Werror asks.c -o "bin/$kind.exe" \
            $(PKG_CONFIG_PATH=lib/pkgconfig pkg-config --cflags --libs "$kind") || return 1
        code=0
        wine "bin/$kind.exe" >said.log 2>&1 || code=$?
        is 1 "$code" "the exit code of $kind" && says said.log VERSIONER_API_KEY || return 1
    done
}

for platform; do
    case "$platform" in
        linux-amd64)
            case_of "$platform: the story in an empty root" in_empty_root "$platform"
            ran "$dist/versioner-$platform" 'this machine, in an empty root'
            ran "$dist/versioner-server-$platform" 'this machine, in an empty root'
            ;;
        linux-arm64)
            case_of "$platform: the story in an empty root, under qemu" in_empty_root "$platform"
            ran "$dist/versioner-$platform" 'qemu-user, in an empty root'
            ran "$dist/versioner-server-$platform" 'qemu-user, in an empty root'
            ;;
        windows-amd64)
            WINEPREFIX=$("$here/../wine-prefix.sh") || exit 1
            export WINEPREFIX WINEDEBUG=-all
            case_of "$platform: the story under wine" under_wine "$platform"
            case_of "$platform: paths, the outbox, and what is not there" windows_ways
            case_of "$platform: C programs with the DLL and with the static library" windows_library "$platform"
            wineserver --kill
            ran "$dist/versioner-$platform.exe" 'wine'
            ran "$dist/versioner-server-$platform.exe" 'wine'
            ;;
    esac
done
