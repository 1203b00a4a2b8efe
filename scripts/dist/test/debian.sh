#!/usr/bin/env bash
# Installs the Debian packages with dpkg in a fresh Debian, compiles C programs against them as their
# users do, and runs the server as its service would. Usage: debian.sh FOLDER PLATFORM
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"

dist=$(realpath "$1")
platform=$2
cd "$here/../../.." || exit 1
architecture=$(scripts/dist/platforms.sh "$platform" debian)
work=$(mktemp -d)
trap 'as_root rm -rf "$work"' EXIT
root=$work/root
inside() { as_root chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }

# Downloaded once.
base=build/dist/debian-$architecture.tar
if [ ! -e "$base" ]; then
    as_root mmdebstrap --quiet --format=tar --variant=essential --architectures="$architecture" \
        --include=adduser,ca-certificates,cmake,gcc,g++,libc6-dev,make,pkg-config bookworm "$base.new"
    as_root mv "$base.new" "$base"
fi
mkdir "$root"
as_root tar -xf "$base" -C "$root"

installs() {
    as_root cp "$dist"/*_"$architecture".deb "$root/tmp/"
    inside sh -c 'dpkg --install /tmp/*.deb'
}

compiles() {
    as_root cp tests/c/deploy_tool.c "$root/tmp/"
    inside sh -ec '
        cd /tmp
        cc -Wall -Werror deploy_tool.c $(pkg-config --cflags --libs versioner) -o by-pkg-config
        cc -Wall -Werror deploy_tool.c $(pkg-config --cflags --libs versioner-static) -o static
        cat >CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.20)
project(tool C)
find_package(versioner 0.1 REQUIRED)
add_executable(by-cmake deploy_tool.c)
target_link_libraries(by-cmake versioner::versioner)
add_executable(by-cmake-static deploy_tool.c)
target_link_libraries(by-cmake-static versioner::static)
CMAKE
        cmake -B made >/dev/null
        cmake --build made >/dev/null
        ! ldd static | grep libversioner
        ldd by-pkg-config | grep -q libversioner.so'
}

# As the unit says: its user, its settings, its directory.
serves() {
    inside sh -ec 'install -d -o versioner-server -g versioner-server -m 700 /var/lib/versioner-server
        test "$(stat -c "%U:%G %a" /etc/versioner-server/server.toml)" = "root:versioner-server 640"' || return 1
    grep -q '^ExecStart=/usr/bin/versioner-server --config /etc/versioner-server/server.toml$' \
        "$root/lib/systemd/system/versioner-server.service" || return 1
    inside setpriv --reuid versioner-server --regid versioner-server --clear-groups \
        versioner-server --config /etc/versioner-server/server.toml --listen 127.0.0.1:0 \
        >"$work/server.log" 2>"$work/server.log.err" &
    local pid=$! key url
    # shellcheck disable=SC2064
    trap "as_root kill $pid 2>/dev/null || true" RETURN
    url=$(line_of "$work/server.log" 'http://127.0.0.1:[0-9]*' "$pid") || return 1
    key=$(as_root cat "$root/var/lib/versioner-server/first-key") || return 1
    local settings=("VERSIONER_API_URL=$url" "VERSIONER_API_KEY=$key" VERSIONER_MAX_RETRIES=0) program code
    inside "${settings[@]}" versioner track build --product api --version 1 || return 1
    for program in by-pkg-config static made/by-cmake made/by-cmake-static; do
        inside "${settings[@]}" "/tmp/$program" api staging 1 sh -c 'echo deployed' | grep -q deployed || return 1
    done
    inside setpriv --reuid versioner-server --regid versioner-server --clear-groups \
        versioner-server all-stop set --data /var/lib/versioner-server/data --account local \
        --message 'Nothing goes out today' --for 1h || return 1
    for program in by-pkg-config static made/by-cmake made/by-cmake-static; do
        code=0
        inside "${settings[@]}" "/tmp/$program" api staging 2 sh -c 'echo deployed' >"$work/said" 2>&1 || code=$?
        is 5 "$code" "the exit code of $program" && says "$work/said" 'Nothing goes out today' || return 1
    done
}

goes() {
    inside dpkg --purge versioner versioner-server libversioner-dev libversioner0 || return 1
    inside sh -ec '! test -e /etc/versioner-server; ! ls /usr/lib/*/libversioner* /usr/bin/versioner*; test -d /var/lib/versioner-server/data'
}

case_of "$platform: dpkg installs the packages in a fresh Debian" installs
case_of "$platform: C programs find the library by pkg-config and by CMake" compiles
case_of "$platform: the server and those programs, as the service runs" serves
case_of "$platform: the packages go, the record stays" goes
for file in "$dist"/*_"$architecture".deb; do
    ran "$file" 'a fresh Debian 12'
done
