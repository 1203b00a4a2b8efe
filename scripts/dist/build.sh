#!/usr/bin/env bash
# Runs cargo for a platform, so that the same source gives the same bytes wherever it lies and
# whenever it is compiled. Usage: scripts/dist/build.sh TARGET CARGO-COMMAND [ARGUMENT...]
#
# TARGET is Rust's name, for glibc with the oldest version that is enough: the columns `programs` and
# `library` of platforms.sh. What is built is in $(scripts/target-dir.sh)/TARGET-WITHOUT-VERSION/PROFILE.
# Flags of the compiler that are given in RUSTFLAGS come on top. With AUDITABLE=1 the program lists the
# crates in it (cargo-auditable). The command `maturin` makes a wheel.
#
#     scripts/dist/build.sh x86_64-unknown-linux-gnu.2.17 build --profile dist --package versioner-jni
set -euo pipefail

target=${1:?usage: $0 TARGET CARGO-COMMAND [ARGUMENT...]}
command=${2:?usage: $0 TARGET CARGO-COMMAND [ARGUMENT...]}
shift 2
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH="$("$root/scripts/dist/tools.sh" ${AUDITABLE:+cargo-auditable}):$PATH"
export PATH
built=$("$root/scripts/target-dir.sh")

if ! rustup target list --installed | grep -qx "${target%.2.*}"; then
    rustup --quiet target add "${target%.2.*}"
fi

# Nothing that is shipped names the machine that built it. The last one that fits counts.
flags=()
maps=()
for pair in "${CARGO_HOME:-$HOME/.cargo}=cargo" "$root=versioner" "$built=target"; do
    flags+=("--remap-path-prefix=$pair")
    maps+=("-ffile-prefix-map=$pair")
done
export CFLAGS="${CFLAGS:-} ${maps[*]}"
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DIST_STRIP=symbols CARGO_PROFILE_RELEASE_STRIP=symbols SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$("$root/scripts/dist/epoch.sh")}

case "$target $command" in
    # It calls cargo itself, and has its own word for the oldest glibc.
    *-windows-gnu\ maturin) cargo=(maturin build) ;;
    *\ maturin) cargo=(maturin build --zig) target=${target%.2.*} ;;
    # zig is for the others: this is the C run-time that Rust's own library was built for.
    *-windows-gnu\ *) cargo=(cargo ${AUDITABLE:+auditable} "$command") ;;
    *\ build) cargo=(cargo ${AUDITABLE:+auditable} zigbuild) ;;
    *) cargo=(cargo-zigbuild "$command") ;;
esac
# Names of what macOS has, for the linker; from the root, where cargo links, because a path that is
# not the same everywhere would be in the names of symbols.
case "$target" in
    *-apple-darwin) flags+=("-Clink-arg=-Fscripts/dist/macos") ;;
esac
cd "$root"
RUSTFLAGS="${flags[*]} ${RUSTFLAGS:-}" exec "${cargo[@]}" --target "$target" --locked "$@"
