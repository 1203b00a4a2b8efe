#!/usr/bin/env bash
# Makes what Wine takes for a Windows, if it is not there, and prints its folder.
# Usage: WINEPREFIX="$(scripts/dist/wine-prefix.sh)" wine PROGRAM [ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/../.."

# Not where cargo looks for files of a package: its links lead everywhere.
prefix=$(scripts/target-dir.sh)/wine
library=$prefix/drive_c/windows/system32/bcryptprimitives.dll
if [ ! -e "$library" ]; then
    rm -rf "$prefix"
    # It says that there is no Windows of 32 bits, which nobody asked for.
    said=$(WINEDEBUG=-all WINEPREFIX=$prefix wineboot --init 2>&1) || { echo "$said" >&2; exit 1; }
    # Windows has it since version 7, Debian 12's Wine does not: the random numbers of Rust and Go.
    x86_64-w64-mingw32-gcc -x c -shared -o "$prefix/made.dll" - -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(void *, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *bytes, SIZE_T count) {
    return SystemFunction036(bytes, (ULONG)count);
}
C
    mv "$prefix/made.dll" "$library"
fi
echo "$prefix"
