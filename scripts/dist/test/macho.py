#!/usr/bin/env python3
"""Checks the signatures of Mach-O files, as macOS does before it runs them.

Usage: macho.py FILE...

Each page's hash in the code directory must be that of the page. A file for Apple's own processors must
have a signature, if only one of nobody in particular; one for Intel need not. It must link nothing but
what every macOS has.
"""

import hashlib
import struct
import sys
from pathlib import Path

ARM64 = 0x0100000C
LOAD_DYLIB, CODE_SIGNATURE = 0xC, 0x1D
CODE_DIRECTORY = 0xFADE0C02
SYSTEM = ("/usr/lib/", "/System/Library/Frameworks/")


def commands(data: bytes):
    magic, _, _, _, count, _, _, _ = struct.unpack_from("<8I", data)
    if magic != 0xFEEDFACF:
        raise ValueError("it is no 64-bit Mach-O file")
    at = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", data, at)
        yield kind & 0x7FFFFFFF, data[at : at + size]
        at += size


def check_pages(data: bytes, blob: bytes) -> int:
    """Compares every page's hash; gives back how many there are."""
    count = struct.unpack_from(">I", blob, 8)[0]
    for number in range(count):
        offset = struct.unpack_from(">I", blob, 12 + 8 * number + 4)[0]
        if struct.unpack_from(">I", blob, offset)[0] != CODE_DIRECTORY:
            continue
        directory = blob[offset:]
        hashes, _, _, slots, limit = struct.unpack_from(">5I", directory, 16)
        size, kind, _, shift = struct.unpack_from(">4B", directory, 36)
        if (size, kind) != (32, 2):
            raise ValueError("its hashes are not SHA-256")
        page = 1 << shift
        for slot in range(slots):
            content = data[slot * page : min((slot + 1) * page, limit)]
            found = directory[hashes + slot * 32 : hashes + (slot + 1) * 32]
            if hashlib.sha256(content).digest() != found:
                raise ValueError(f"page {slot} was changed after it was signed")
        return slots
    raise ValueError("its signature has no code directory")


def check(path: Path) -> str:
    data = path.read_bytes()
    processor = struct.unpack_from("<I", data, 4)[0]
    signed = None
    for kind, command in commands(data):
        if kind == LOAD_DYLIB:
            start = struct.unpack_from("<I", command, 8)[0]
            name = command[start:].split(b"\0")[0].decode()
            if not name.startswith(SYSTEM):
                raise ValueError(f"it links {name}")
        if kind == CODE_SIGNATURE:
            offset, size = struct.unpack_from("<2I", command, 8)
            signed = check_pages(data, data[offset : offset + size])
    if signed is None and processor == ARM64:
        raise ValueError("it has no signature, so macOS would not run it")
    return "not signed, which Intel runs" if signed is None else f"{signed} pages as they were signed"


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        try:
            print(f"{file.name}: {check(file)}")
        except (ValueError, struct.error) as error:
            sys.exit(f"{file}: {error}")
