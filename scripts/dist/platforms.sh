#!/usr/bin/env bash
# The one table of platforms. Prints the names of those that have programs; with a name, what a
# column says of it. Usage: scripts/dist/platforms.sh [--libraries | NAME COLUMN]
#
# programs: what the command line and the server are compiled for, as Rust names it
# library:  what the C library and the bindings' are compiled for, with the oldest glibc; musl's own
#           library is for Alpine and the like, whose programs are those of the row above
# archive:  what files are packed into
# suffix:   of a program's file
# debian:   what Debian calls it
# npm:      the system, the processor and the C library of it, as Node calls them
# java:     the folder of its library in the jar
# ruby:     what RubyGems calls it
# wheel:    what a wheel promises beyond the system and the processor
set -euo pipefail

table() {
    cat <<'TABLE'
name              programs                    library                         archive  suffix  debian  npm               java                ruby                wheel
linux-amd64       x86_64-unknown-linux-musl   x86_64-unknown-linux-gnu.2.17   tar.gz   -       amd64   linux-x64-gnu     linux-x86_64        x86_64-linux        manylinux2014
linux-arm64       aarch64-unknown-linux-musl  aarch64-unknown-linux-gnu.2.17  tar.gz   -       arm64   linux-arm64-gnu   linux-aarch64       aarch64-linux       manylinux2014
linux-amd64-musl  -                           x86_64-unknown-linux-musl       tar.gz   -       -       linux-x64-musl    linux-musl-x86_64   x86_64-linux-musl   musllinux_1_2
linux-arm64-musl  -                           aarch64-unknown-linux-musl      tar.gz   -       -       linux-arm64-musl  linux-musl-aarch64  aarch64-linux-musl  musllinux_1_2
darwin-arm64      aarch64-apple-darwin        aarch64-apple-darwin            tar.gz   -       -       darwin-arm64      macos-aarch64       arm64-darwin        -
darwin-amd64      x86_64-apple-darwin         x86_64-apple-darwin             tar.gz   -       -       darwin-x64        macos-x86_64        x86_64-darwin       -
windows-amd64     x86_64-pc-windows-gnu       x86_64-pc-windows-gnu           zip      .exe    -       win32-x64         windows-x86_64      x64-mingw-ucrt      -
TABLE
}

case "${1:-}" in
    '') table | awk 'NR > 1 && $2 != "-" { print $1 }' ;;
    --libraries) table | awk 'NR > 1 { print $1 }' ;;
    *)
        table | awk -v name="$1" -v column="${2:?usage: $0 [--libraries | NAME COLUMN]}" '
            NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
            $1 == name && at { print ($at == "-" ? "" : $at); found = 1 }
            END { exit !found }' || {
            echo "$0: there is no platform $1 with a column $2" >&2
            exit 1
        }
        ;;
esac
