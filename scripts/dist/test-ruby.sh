#!/usr/bin/env bash
# Proves that a gem is all that a program needs: installed into a folder of its own, by a user who has
# neither this repository nor Rust. Usage: scripts/dist/test-ruby.sh FOLDER_OF_GEMS
set -euo pipefail

gems=$(realpath "${1:?usage: $0 FOLDER_OF_GEMS}")
cd "$(dirname "$0")/../.."
readme=$PWD/bindings/ruby/README.md
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
# shellcheck source=scripts/dist/service.sh
. scripts/dist/service.sh
start_service

# The program of the README, which deploys what it is told to.
program=$folder/deploy.rb
{
    echo 'PRODUCT, ENVIRONMENT, NUMBER = ARGV'
    printf 'def deploy\n  puts "deploying"\nend\n'
    sed -n '/^```ruby$/,/^```$/p' "$readme" | sed -n '/^require .versioner.$/,/^```$/p' | grep -v '^```' |
        sed "s/'api'/PRODUCT/; s/'production'/ENVIRONMENT/; s/'1.2.3'/NUMBER/"
} >"$program"

# Installs it as the README says, but for the path, and runs the program.
try() { # NAME GEM RUBY GEM-COMMAND...
    local line home=$folder/$1
    mkdir "$home"
    line=$(sed -n '/^```bash$/,/^```$/p' "$readme" | sed -n 's/^gem install //p' |
        sed "s#/path/to/libversioner/dist/ruby/versioner-[^ ]*gem#$gems/$2#")
    # What the gem depends on is of this machine: nothing is asked of rubygems.org.
    # shellcheck disable=SC2086
    bare GEM_HOME="$home" "${@:4}" install --local --quiet $line >/dev/null || fail "gem install $line failed"
    deploys env GEM_HOME="$home" "$3" "$program"
}

version=$(project_version)
host="$(uname -m)-linux"
try native "versioner-$version-$host.gem" ruby gem
proved "$host: \`gem install\` and \`require\` are enough; a deployment is told, a rejection stops"

if [ -e "$gems/versioner-$version-java.gem" ]; then
    try jruby "versioner-$version-java.gem" jruby jruby -S gem
    proved "JRuby: the same"
fi

if [ -e "$gems/versioner-$version-aarch64-linux.gem" ]; then
    root=$(scripts/dist/arm64-root.sh)
    inside=$(mktemp -d "$root/tmp/XXXXXX")
    work=/tmp/$(basename "$inside")
    cp "$gems/versioner-$version-aarch64-linux.gem" "$program" "$inside/"
    arm64() { chroot "$root" /usr/bin/qemu-aarch64-static -E "GEM_HOME=$work/home" /usr/bin/ruby "$@"; }
    arm64 /usr/bin/gem install --local --quiet "$work/versioner-$version-aarch64-linux.gem" >/dev/null
    deploys chroot "$root" /usr/bin/qemu-aarch64-static -E "GEM_HOME=$work/home" /usr/bin/ruby "$work/deploy.rb"
    rm -r "$inside"
    proved 'aarch64-linux: the same, by qemu-user'
fi

# Without a library it says what to do.
bare GEM_HOME="$folder/source" gem install --local --quiet "$gems/versioner-$version.gem" >/dev/null
said=$(bare GEM_HOME="$folder/source" ruby -e 'require "versioner"' 2>&1) && fail 'the source gem found a library'
case "$said" in
    *"This gem carries no library, and this is $host. Install the gem of this platform"*) ;;
    *) fail "the source gem does not say what to do: $said" ;;
esac
proved 'source: says that it carries no library, and what to do'

# The others cannot run here: what they say of themselves, and what they carry.
for gem in "$gems"/*.gem; do
    mkdir "$folder/unpacked"
    tar -xf "$gem" -C "$folder/unpacked" data.tar.gz metadata.gz
    tar -xzf "$folder/unpacked/data.tar.gz" -C "$folder/unpacked"
    platform=$(gunzip -c "$folder/unpacked/metadata.gz" | sed -n 's/^platform: //p')
    for native in "$folder/unpacked"/lib/versioner/native/*/*; do
        [ -e "$native" ] || continue
        of=$(basename "$(dirname "$native")")
        is=$(file --brief "$native")
        case "$of" in
            x86_64-linux*) expected='ELF 64-bit*x86-64*' ;;
            aarch64-linux*) expected='ELF 64-bit*ARM aarch64*' ;;
            x86_64-darwin) expected='Mach-O 64-bit x86_64*' ;;
            arm64-darwin) expected='Mach-O 64-bit arm64*' ;;
            x64-mingw-ucrt) expected='PE32+*x86-64*' ;;
            *) fail "$gem carries a library for $of" ;;
        esac
        # shellcheck disable=SC2254
        case "$is" in $expected) ;; *) fail "$gem: the library of $of is $is" ;; esac
    done
    proved "$(basename "$gem"): for $platform"
    rm -r "$folder/unpacked"
done
