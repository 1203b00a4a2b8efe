#!/usr/bin/env bash
# Builds the C library for a platform and lays it out below a folder, which may then lie anywhere:
# include/versioner.h, the shared and the static library and the files of pkg-config and CMake in lib/,
# the DLL in bin/. Usage: scripts/dist/library.sh PLATFORM FOLDER
# With PROFILE=dev it is done sooner and the files are large: to try something.
set -euo pipefail

platform=${1:?usage: $0 PLATFORM FOLDER}
folder=$(realpath --canonicalize-missing "${2:?usage: $0 PLATFORM FOLDER}")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh

target=$(scripts/dist/platforms.sh "$platform" library)
profile=${PROFILE:-dist}
built=$(scripts/target-dir.sh)/${target%.2.*}/${profile/#dev/debug}
abi=$(abi_version)
AR="$(scripts/dist/tools.sh)/python-zig ar"

case "$platform" in
    # Never unloaded: a thread that still connects would lose the ground under its feet.
    linux-*) link="-Wl,-soname,libversioner.so.$abi -Wl,-z,nodelete" ;;
    darwin-*) link="-Wl,-install_name,@rpath/libversioner.$abi.dylib" ;;
    windows-*) link= ;;
esac
case "$platform" in
    # A library that brings its own C library along would not fit the program's.
    *-musl) export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=-crt-static" ;;
esac
printed=$(scripts/dist/build.sh "$target" rustc --profile "$profile" --no-default-features --features capi \
    --package versioner --lib --crate-type cdylib,staticlib -- \
    -C "link-args=$link" --print native-static-libs 2>&1) || { printf '%s\n' "$printed" >&2; exit 1; }
# The compiler's list; its unwinder is in a shared library only, C's static one is beside it. It is
# told only if something was compiled.
system=$(sed -n 's/^note: native-static-libs: //p' <<<"$printed" | sed 's/-lgcc_s/-lgcc_eh/')
[ -z "$system" ] || echo "$system" >"$built/native-static-libs"
system=$(cat "$built/native-static-libs")

rm -rf "$folder"
install -d "$folder/lib" "$folder/include"
install -m 644 include/versioner.h "$folder/include/"
import=
case "$platform" in
    linux-*)
        shared=lib/libversioner.so.$(project_version)
        elf_library "$built/libversioner.so" "$folder/lib"
        one_object "$built/libversioner.a" "$folder/lib/libversioner.a"
        ;;
    darwin-*)
        shared=lib/libversioner.$abi.dylib
        install -m 755 "$built/libversioner.dylib" "$folder/$shared"
        ln -s "libversioner.$abi.dylib" "$folder/lib/libversioner.dylib"
        install -m 644 "$built/libversioner.a" "$folder/lib/"
        ;;
    windows-*)
        shared=bin/versioner.dll
        import=lib/libversioner.dll.a
        install -D -m 755 "$built/versioner.dll" "$folder/$shared"
        install -m 644 "$built/libversioner.dll.a" "$built/libversioner.a" "$folder/lib/"
        # What Microsoft's linker looks for.
        { echo 'LIBRARY versioner.dll'; echo EXPORTS; cat include/versioner.symbols; } >"$built/versioner.def"
        "${AR% ar}" dlltool -m i386:x86-64 -d "$built/versioner.def" \
            -l "$folder/lib/versioner.lib"
        ;;
esac
# shellcheck disable=SC2016
pc_files "$folder/lib/pkgconfig" '${pcfiledir}/../..' '${prefix}/lib' "$system"
cmake_files "$folder/lib/cmake/versioner" ../../.. "$shared" "$import" lib/libversioner.a "$system"
echo "$platform: the C library, below $folder"
