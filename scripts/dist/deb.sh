#!/usr/bin/env bash
# Makes the Debian packages libversioner0, libversioner-dev, versioner and versioner-server of a platform.
# Usage: scripts/dist/deb.sh PLATFORM BUILT INTO
set -euo pipefail

platform=${1:?usage: $0 PLATFORM BUILT INTO}
built=$(realpath "$2")
into=$(realpath "$3")
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh

version=$(project_version)
architecture=$(scripts/dist/platforms.sh "$platform" debian)
library=$built/library/$platform
abi=$(abi_version)
files=scripts/dist/debian
target=$(scripts/dist/platforms.sh "$platform" library)
libdir=usr/lib/${target%%-*}-linux-gnu
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(scripts/dist/epoch.sh)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The folder $root becomes the package of its name, with the fields of its control file from standard input.
pack() {
    local package changelog
    package=$(basename "$root")
    changelog=$root/usr/share/doc/$package
    install -D -m 644 LICENSE "$changelog/copyright"
    gzip -n -9 <CHANGELOG.md >"$changelog/changelog.gz"
    mkdir -p "$root/DEBIAN"
    {
        echo "Package: $package"
        echo "Version: $version"
        echo "Architecture: $architecture"
        echo 'Maintainer: Versioner <https://github.com/versioner-io/libversioner>'
        echo "Installed-Size: $(du -sk --apparent-size --exclude DEBIAN "$root" | cut -f1)"
        cat
    } >"$root/DEBIAN/control"
    (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z |
        xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    chmod -R go=rX,u+w "$root"
    dpkg-deb --root-owner-group -Zxz --build "$root" "$into/${package}_${version}_$architecture.deb" >/dev/null
}

program() { # PROGRAM
    install -D -m 755 "$built/programs/$platform/$1" "$root/usr/bin/$1"
    install -d "$root/usr/share/man/man1"
    install -m 644 -t "$root/usr/share/man/man1" "$built/manual/$1"/man/*.1
    gzip -n -9 "$root"/usr/share/man/man1/*.1
    local completions=$built/manual/$1/completions
    install -D -m 644 "$completions/$1.bash" "$root/usr/share/bash-completion/completions/$1"
    install -D -m 644 "$completions/_$1" "$root/usr/share/zsh/vendor-completions/_$1"
    install -D -m 644 "$completions/$1.fish" "$root/usr/share/fish/vendor_completions.d/$1.fish"
}

root=$work/libversioner$abi
install -d "$root/$libdir"
cp -a "$library/lib/libversioner.so.$version" "$library/lib/libversioner.so.$abi" "$root/$libdir/"
echo "libversioner $abi libversioner$abi (>= $version)" >"$work/shlibs"
install -D -m 644 "$work/shlibs" "$root/DEBIAN/shlibs"
echo 'activate-noawait ldconfig' >"$root/DEBIAN/triggers"
pack <<CONTROL
Section: libs
Priority: optional
Multi-Arch: same
Depends: libc6 (>= 2.17)
Recommends: ca-certificates
Homepage: https://versioner.io
Description: Tell Versioner what is built and deployed, and stop when it says no
 The shared library, for programs that were compiled with libversioner-dev.
CONTROL

root=$work/libversioner-dev
install -d "$root/$libdir"
ln -s "libversioner.so.$abi" "$root/$libdir/libversioner.so"
install -m 644 "$library/lib/libversioner.a" "$root/$libdir/"
install -D -m 644 include/versioner.h "$root/usr/include/versioner.h"
system=$(sed -n 's/^Libs.private: //p' "$library/lib/pkgconfig/versioner.pc")
pc_files "$root/$libdir/pkgconfig" /usr "/$libdir" "$system"
cmake_files "$root/$libdir/cmake/versioner" ../../../.. "${libdir#usr/}/libversioner.so.$version" '' \
    "${libdir#usr/}/libversioner.a" "$system"
pack <<CONTROL
Section: libdevel
Priority: optional
Multi-Arch: same
Depends: libversioner$abi (= $version)
Homepage: https://versioner.io
Description: Header and static library of libversioner
 What a C or C++ program is compiled with, found by pkg-config (versioner, versioner-static) and by
 CMake's find_package(versioner).
CONTROL

root=$work/versioner
program versioner
pack <<'CONTROL'
Section: devel
Priority: optional
Recommends: ca-certificates
Suggests: git
Homepage: https://versioner.io
Description: Tell Versioner what is built and deployed, and stop when it says no
 The command line. It is linked statically.
CONTROL

root=$work/versioner-server
program versioner-server
install -D -m 644 "$files/versioner-server.service" "$root/lib/systemd/system/versioner-server.service"
install -D -m 644 "$files/server.toml" "$root/etc/versioner-server/server.toml"
install -D -m 644 "$files/versioner-server.default" "$root/etc/default/versioner-server"
install -D -m 644 server/OPERATIONS.md "$root/usr/share/doc/versioner-server/OPERATIONS.md"
for script in postinst prerm postrm; do
    install -D -m 755 "$files/versioner-server.$script" "$root/DEBIAN/$script"
done
printf '%s\n' /etc/default/versioner-server /etc/versioner-server/server.toml >"$root/DEBIAN/conffiles"
pack <<'CONTROL'
Section: devel
Priority: optional
Depends: adduser
Recommends: ca-certificates
Suggests: postgresql
Homepage: https://versioner.io
Description: The Versioner API, to run oneself
 Records builds and deployments, judges deployments by rules and approvals, and shows them on web
 pages, on an embedded database or on PostgreSQL. Runs as a service of a user of its own.
CONTROL
