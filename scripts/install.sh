#!/usr/bin/env bash
# Builds the C library and installs library, header and pkg-config file below a prefix.
# Usage: scripts/install.sh PREFIX [LIBDIR]
set -euo pipefail

prefix=${1:?usage: $0 PREFIX [LIBDIR]}
libdir=${2:-$prefix/lib}
cd "$(dirname "$0")/.."

manifest() { sed -n "s/^$1 = \"\(.*\)\"/\1/p" Cargo.toml | head -1; }
version=$(manifest version)
version=${version:-$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)}
soname=libversioner.so.${version%%.*}

# Never unloaded: a thread that still connects would lose the ground under its feet.
cargo rustc --quiet --profile dist --no-default-features --features capi --lib \
    --crate-type cdylib,staticlib -- -C link-arg="-Wl,-soname,$soname" \
    -C link-arg=-Wl,-z,nodelete
built=${CARGO_TARGET_DIR:-target}/dist

install -d "$libdir/pkgconfig" "$prefix/include"
install -m 755 "$built/libversioner.so" "$libdir/libversioner.so.$version"
strip --strip-unneeded "$libdir/libversioner.so.$version"
ln -sf "libversioner.so.$version" "$libdir/$soname"
ln -sf "$soname" "$libdir/libversioner.so"
install -m 644 "$built/libversioner.a" "$libdir/"
install -m 644 include/versioner.h "$prefix/include/"
pc() { # FILE LIBS
    cat >"$libdir/pkgconfig/$1" <<PC
prefix=$prefix
includedir=\${prefix}/include
libdir=$libdir

Name: versioner
Description: Tell Versioner what is built and what is deployed where
Version: $version
Cflags: -I\${includedir}
Libs: $2
PC
}
pc versioner.pc '-L${libdir} -lversioner'
pc versioner-static.pc '${libdir}/libversioner.a -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc'
echo "Installed libversioner $version below $prefix"
