#!/usr/bin/env bash
# Runs the programs of each platform, as far as this machine can. Usage: programs.sh FOLDER PLATFORM...
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"
# shellcheck source=scripts/dist/test/story.sh
. "$here/story.sh"
# shellcheck source=scripts/dist/test/windows.sh
. "$here/windows.sh"

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
            case_of "$platform: a command between the start and the end of a deployment" windows_run
            case_of "$platform: Ctrl-C while a command runs" windows_console
            case_of "$platform: C programs with the DLL and with the static library" windows_library "$platform"
            wineserver --kill
            ran "$dist/versioner-$platform.exe" 'wine'
            ran "$dist/versioner-server-$platform.exe" 'wine'
            ;;
    esac
done
