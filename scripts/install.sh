#!/usr/bin/env bash
# Builds the C library and installs library, header and pkg-config files below a prefix.
# Usage: [DESTDIR=ROOT] scripts/install.sh PREFIX [LIBDIR]
#
# DESTDIR is put before every path that is written, and stands in none of the files.
set -euo pipefail

prefix=$(realpath --canonicalize-missing "${1:?usage: $0 PREFIX [LIBDIR]}")
libdir=$(realpath --canonicalize-missing "${2:-$prefix/lib}")
cd "$(dirname "$0")/.."

version=$(cargo pkgid --package versioner)
version=${version##*[#@]}
soname=libversioner.so.$(sed -n 's/^const ABI_VERSION: u32 = \([0-9]*\);$/\1/p' src/ffi/version.rs)
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

# One object that shows the library's own symbols alone, so that a program can link it beside
# another library with Rust's run-time in it.
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
ld -r --whole-archive "$built/libversioner.a" -o "$objects/versioner.o"
objcopy --wildcard --keep-global-symbol='versioner_*' --strip-debug --remove-section='.llvm*' \
    "$objects/versioner.o"
ar rcs "$objects/libversioner.a" "$objects/versioner.o"

root=${DESTDIR:-}
install -d "$root$libdir/pkgconfig" "$root$prefix/include"
install -m 755 "$built/libversioner.so" "$root$libdir/libversioner.so.$version"
strip --strip-unneeded "$root$libdir/libversioner.so.$version"
ln -sf "libversioner.so.$version" "$root$libdir/$soname"
ln -sf "$soname" "$root$libdir/libversioner.so"
install -m 644 "$objects/libversioner.a" "$root$libdir/"
install -m 644 include/versioner.h "$root$prefix/include/"

pc() { # FILE LIBS LIBS.PRIVATE
    cat >"$root$libdir/pkgconfig/$1" <<PC
prefix=$prefix
includedir=\${prefix}/include
libdir=$libdir

Name: versioner
Description: Tell Versioner what is built and what is deployed where
Version: $version
Cflags: -I\${includedir}
Libs: $2
Libs.private: $3
PC
}
pc versioner.pc '-L${libdir} -lversioner' "$system"
pc versioner-static.pc "\${libdir}/libversioner.a $system" ''
echo "Installed libversioner $version below $root$prefix"
