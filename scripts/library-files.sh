#!/usr/bin/env bash
# What is beside the C library's own files, for scripts that source this: the static library as one
# object, the files of pkg-config and of CMake.

# A tool of Rust's own toolchain, which knows every platform's files.
rust_tool() { # NAME ARGUMENT...
    local sysroot
    sysroot=$(rustc --print sysroot)
    LD_LIBRARY_PATH=$sysroot/lib "$sysroot/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/$1" "${@:2}"
}

abi_version() { sed -n 's/^const ABI_VERSION: u32 = \([0-9]*\);$/\1/p' src/ffi/version.rs; }

project_version() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml; }

# One object that shows the library's own symbols alone, so that a program can link it beside
# another library with Rust's run-time in it.
one_object() { # ARCHIVE INTO
    local folder
    folder=$(mktemp -d)
    rust_tool rust-lld -flavor gnu -r --whole-archive "$1" -o "$folder/versioner.o"
    rust_tool rust-objcopy --wildcard --keep-global-symbol='versioner_*' --strip-debug \
        --remove-section='.llvm*' "$folder/versioner.o"
    rm -f "$2"
    # shellcheck disable=SC2086
    ${AR:-ar} rcsD "$2" "$folder/versioner.o"
    rm -r "$folder"
}

# The shared library with the links that programs and linkers look for.
elf_library() { # FILE LIBDIR
    local name version
    version=$(project_version)
    name=libversioner.so.$version
    install -m 755 "$1" "$2/$name"
    rust_tool rust-objcopy --strip-unneeded "$2/$name"
    ln -sf "$name" "$2/libversioner.so.$(abi_version)"
    ln -sf "libversioner.so.$(abi_version)" "$2/libversioner.so"
}

pc_file() { # PREFIX LIBDIR LIBS LIBS.PRIVATE
    cat <<PC
prefix=$1
includedir=\${prefix}/include
libdir=$2

Name: versioner
Description: Tell Versioner what is built and what is deployed where
Version: $(project_version)
Cflags: -I\${includedir}
Libs: $3
Libs.private: $4
PC
}

pc_files() { # FOLDER PREFIX LIBDIR STATIC-LIBS
    mkdir -p "$1"
    # shellcheck disable=SC2016
    pc_file "$2" "$3" '-L${libdir} -lversioner' "$4" >"$1/versioner.pc"
    pc_file "$2" "$3" "\${libdir}/libversioner.a $4" '' >"$1/versioner-static.pc"
}

# For find_package(versioner): the targets versioner::versioner, shared, and versioner::static.
cmake_files() { # FOLDER WAY-TO-PREFIX SHARED IMPORT-LIBRARY STATIC STATIC-LIBS, from the prefix
    local import='' libs
    [ -z "$4" ] || import="
        IMPORTED_IMPLIB \"\${_versioner_prefix}/$4\""
    libs=$(sed -e 's/-framework \([^ ]*\)/-framework_\1/g' -e 's/ /;/g' -e 's/-framework_/-framework /g' <<<"$6")
    mkdir -p "$1"
    cat >"$1/versioner-config.cmake" <<CMAKE
# versioner::versioner is the shared library, versioner::static the static one.
get_filename_component(_versioner_prefix "\${CMAKE_CURRENT_LIST_DIR}/$2" ABSOLUTE)
if(NOT TARGET versioner::versioner)
    add_library(versioner::versioner SHARED IMPORTED)
    set_target_properties(versioner::versioner PROPERTIES
        IMPORTED_LOCATION "\${_versioner_prefix}/$3"$import
        INTERFACE_INCLUDE_DIRECTORIES "\${_versioner_prefix}/include")
    add_library(versioner::static STATIC IMPORTED)
    set_target_properties(versioner::static PROPERTIES
        IMPORTED_LOCATION "\${_versioner_prefix}/$5"
        INTERFACE_LINK_LIBRARIES "$libs"
        INTERFACE_INCLUDE_DIRECTORIES "\${_versioner_prefix}/include")
endif()
unset(_versioner_prefix)
CMAKE
    # Below 1.0 a minor version may break, as the changelog says of Semantic Versioning.
    cat >"$1/versioner-config-version.cmake" <<CMAKE
set(PACKAGE_VERSION "$(project_version)")
string(REGEX MATCH "^(0\\.[0-9]+|[0-9]+)" _versioner_own "\${PACKAGE_VERSION}")
string(REGEX MATCH "^(0\\.[0-9]+|[0-9]+)" _versioner_asked "\${PACKAGE_FIND_VERSION}")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR NOT _versioner_own STREQUAL _versioner_asked)
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
endif()
unset(_versioner_own)
unset(_versioner_asked)
CMAKE
}
