#!/usr/bin/env bash
# Looks at the files themselves: sums, signature, what is in the archives, what the programs say of
# themselves. Usage: files.sh FOLDER PUBLIC-KEY PLATFORM...
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"

dist=$(realpath "$1")
key=$(realpath "$2")
shift 2
cd "$here/../../.." || exit 1
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sums() {
    (cd "$dist" && sha256sum --check --strict --quiet SHA256SUMS) || return 1
    is "$(cd "$dist" && find . -type f ! -name 'SHA256SUMS*' | wc -l)" "$(wc -l <"$dist/SHA256SUMS")" \
        'the number of sums'
}

signature() {
    minisign -V -q -p "$key" -m "$dist/SHA256SUMS" || return 1
    cp "$dist/SHA256SUMS" "$dist/SHA256SUMS.minisig" "$work/"
    sed -i '1s/^./x/' "$work/SHA256SUMS"
    ! minisign -V -q -p "$key" -m "$work/SHA256SUMS"
}

unpack() { # ARCHIVE
    rm -rf "$work/unpacked"
    mkdir "$work/unpacked"
    case "$1" in
        *.zip) python3 -m zipfile -e "$1" "$work/unpacked" ;;
        *) tar -xf "$1" -C "$work/unpacked" ;;
    esac
}

program_archives() { # PLATFORM
    local program suffix archive name
    suffix=$(scripts/dist/platforms.sh "$1" suffix)
    archive=$(scripts/dist/platforms.sh "$1" archive)
    for program in versioner versioner-server; do
        name=$program-$version-$1
        unpack "$dist/$name.$archive" || return 1
        cmp "$work/unpacked/$name/$program$suffix" "$dist/$program-$1$suffix" || return 1
        for file in LICENSE README.md man/man1/$program.1 completions/$program.bash completions/_$program; do
            [ -s "$work/unpacked/$name/$file" ] || { echo "no $file in $name" >&2; return 1; }
        done
        # The bundle's list of crates, and the one in the program.
        jq -e --arg name "$program" '.metadata.component.name == $name and (.components | length) > 50' \
            "$dist/$program-$1.cdx.json" >/dev/null || { echo "$program-$1.cdx.json is not whole" >&2; return 1; }
        lists_crates "$dist/$program-$1$suffix" || return 1
        ! grep -aF -e "$HOME/.cargo" -e "$PWD" "$dist/$program-$1$suffix" || return 1
    done
}

# cargo-auditable's list is JSON, packed by zlib, in a section of its own.
lists_crates() { # PROGRAM
    python3 - "$1" <<'PYTHON'
import json, re, sys, zlib
data = open(sys.argv[1], "rb").read()
for found in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
    # Thousands of places in a large program look like a beginning: none is to copy all that comes after it.
    packed = data[found.start() : found.start() + (1 << 17)]
    try:
        crates = json.loads(zlib.decompressobj().decompress(packed))["packages"]
    except (zlib.error, ValueError, KeyError, TypeError):
        continue
    assert any(crate["name"] == "rustls" for crate in crates)
    sys.exit()
sys.exit(f"{sys.argv[1]} has no list of its crates")
PYTHON
}

library_archive() { # PLATFORM
    local name
    name=libversioner-$version-$1
    unpack "$dist/$name.$(scripts/dist/platforms.sh "$1" archive)" || return 1
    cmp "$work/unpacked/$name/include/versioner.h" include/versioner.h || return 1
    ! grep -raF -e "$HOME/.cargo" -e "$PWD" "$work/unpacked/$name" || return 1
    case "$1" in
        linux-*-musl) ;;
        linux-*) old_glibc "$work/unpacked/$name/lib/libversioner.so" || return 1 ;;
        darwin-*) scripts/dist/test/macho.py "$work/unpacked/$name"/lib/*.dylib || return 1 ;;
        windows-*) is_self_contained "$work/unpacked/$name/bin/versioner.dll" || return 1 ;;
    esac
    exports "$1" "$work/unpacked/$name" | diff include/versioner.symbols -
}

exports() { # PLATFORM FOLDER
    case "$1" in
        linux-*) llvm-nm -D --defined-only "$2/lib/libversioner.so" | awk '{ print $3 }' ;;
        # zig's linker shows some of Rust's own names as well, which nobody meets: on macOS a program asks
        # each library for its names.
        darwin-*) llvm-nm -g --defined-only "$2/lib/libversioner.dylib" | sed -n 's/.* _\(versioner_\)/\1/p' ;;
        windows-*) llvm-nm "$2/lib/versioner.lib" | sed -n 's/.* T \(versioner_\)/\1/p' ;;
    esac | LC_ALL=C sort
}

old_glibc() { # LIBRARY
    local newest
    newest=$(objdump -T "$1" 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    [ -z "$newest" ] || is GLIBC_2.17 "$(printf '%s\nGLIBC_2.17\n' "$newest" | sort -V | tail -n 1)" 'the newest glibc'
}

# Nothing that Windows does not have: no run-time of the compiler's.
is_self_contained() { # FILE
    local missing
    missing=$(x86_64-w64-mingw32-objdump -p "$1" | sed -n 's/.*DLL Name: //p' | grep -iE 'gcc|winpthread|stdc|mingw')
    is '' "$missing" "what $1 needs beside Windows"
}

# The packages hold the same programs, and the library under the name that programs look for.
debian_packages() { # PLATFORM ARCHITECTURE
    local package
    rm -rf "$work/package"
    for package in versioner versioner-server "libversioner$(abi_version)"; do
        dpkg-deb --extract "$dist/${package}_${version}_$2.deb" "$work/package" || return 1
        is "$2" "$(dpkg-deb --field "$dist/${package}_${version}_$2.deb" Architecture)" 'the architecture' || return 1
    done
    for package in versioner versioner-server; do
        cmp "$work/package/usr/bin/$package" "$dist/$package-$1" || return 1
    done
    [ -s "$(echo "$work"/package/usr/lib/*/"libversioner.so.$(abi_version)")" ]
}

mach_o() { # PLATFORM
    scripts/dist/test/macho.py "$dist/versioner-$1" "$dist/versioner-server-$1"
}

formulae() {
    local file
    for file in "$dist/install.sh" "$dist"/*.rb; do
        # There are formulae if every platform of Homebrew was made.
        [ -e "$file" ] || continue
        ! grep '@[A-Z]' "$file" || return 1
        case "$file" in *.rb) ruby -c "$file" >/dev/null || return 1 ;; esac
    done
}

case_of 'SHA256SUMS has every file' sums
case_of 'its signature is good, and bad for anything else' signature
case_of 'SECURITY.md says how a download is verified' "$here/verify.sh" "$dist" "$key"
case_of 'formulae and install script are complete' formulae
for platform; do
    case_of "$platform: the library's archive" library_archive "$platform"
    ran "$dist"/libversioner-*-"$platform".* 'inspected'
    [ -n "$(scripts/dist/platforms.sh "$platform" programs)" ] || continue
    case_of "$platform: the programs' archives" program_archives "$platform"
    architecture=$(scripts/dist/platforms.sh "$platform" debian)
    if [ -n "$architecture" ]; then
        case_of "$platform: what is in the Debian packages" debian_packages "$platform" "$architecture"
        # Those of this machine are installed, too.
        [ "$platform" = linux-amd64 ] || for file in "$dist"/*_"$architecture".deb; do ran "$file" inspected; done
    fi
    case "$platform" in
        darwin-*)
            case_of "$platform: Mach-O as macOS wants it" mach_o "$platform"
            ran "$dist/versioner-$platform" 'inspected: signature, links'
            ran "$dist/versioner-server-$platform" 'inspected: signature, links'
            ;;
        windows-*) case_of "$platform: needs nothing but Windows" is_self_contained "$dist/versioner-$platform.exe" ;;
    esac
done
