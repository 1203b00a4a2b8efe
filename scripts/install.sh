#!/usr/bin/env bash
# Builds the C library and installs library, header and the files of pkg-config and CMake below a
# prefix.
# Usage: [DESTDIR=ROOT] scripts/install.sh PREFIX [LIBDIR]
#
# DESTDIR is put before every path that is written, and stands in none of the files.
set -euo pipefail

prefix=$(realpath --canonicalize-missing "${1:?usage: $0 PREFIX [LIBDIR]}")
libdir=$(realpath --canonicalize-missing "${2:-$prefix/lib}")
cd "$(dirname "$0")/.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh

version=$(project_version)
soname=libversioner.so.$(abi_version)
target=$(scripts/target-dir.sh)

# Nothing in the library names the machine that builds it.
remapped="--remap-path-prefix=$PWD=versioner --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
# Never unloaded: a thread that still connects would lose the ground under its feet.
printed=$(RUSTFLAGS="${RUSTFLAGS:-} $remapped" \
    cargo rustc --profile dist --no-default-features --features capi --lib \
    --crate-type cdylib,staticlib -- \
    -C "link-arg=-Wl,-soname,$soname" -C link-arg=-Wl,-z,nodelete \
    --print native-static-libs 2>&1) || { printf '%s\n' "$printed" >&2; exit 1; }
# The compiler's list; its unwinder is in a shared library only, C's static one is beside it.
system=$(sed -n 's/^note: native-static-libs: //p' <<<"$printed" | sed 's/-lgcc_s/-lgcc_eh/')
built=$target/dist
[ -n "$system" ] && echo "$system" >"$built/native-static-libs"
system=$(cat "$built/native-static-libs")

root=${DESTDIR:-}
install -d "$root$libdir" "$root$prefix/include"
elf_library "$built/libversioner.so" "$root$libdir"
one_object "$built/libversioner.a" "$root$libdir/libversioner.a"
install -m 644 include/versioner.h "$root$prefix/include/"

lib=$(realpath --canonicalize-missing --relative-to "$prefix" "$libdir")
pc_files "$root$libdir/pkgconfig" "$prefix" "$libdir" "$system"
cmake_files "$root$libdir/cmake/versioner" \
    "$(realpath --canonicalize-missing --relative-to "$libdir/cmake/versioner" "$prefix")" \
    "$lib/libversioner.so.$version" '' "$lib/libversioner.a" "$system"
echo "Installed libversioner $version below $root$prefix"
