#!/usr/bin/env python3
"""Builds the plugins: python3 build.py [FOLDER] writes them there, a zip and a Groovy file."""

import re
import shutil
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = ("host.py", "spans.py", "track.py", "versions.py")
FILES = ("plugin.yaml", *(f"contents/{script}" for script in SCRIPTS), "resources/icon.svg")
NOTIFICATION = "VersionerNotification.groovy"
LICENSE = HERE.parent.parent / "LICENSE"
DATE = (2026, 1, 1, 0, 0, 0)


def build(folder):
    """Writes the zip, the same bytes each time, and gives back its path."""
    metadata = (HERE / "plugin.yaml").read_text(encoding="utf-8")
    version = re.search(r"^version: (\S+)$", metadata, re.MULTILINE).group(1)
    name = f"versioner-rundeck-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in [*(HERE / file for file in FILES), LICENSE]:
            inside = source.relative_to(HERE) if source.is_relative_to(HERE) else source.name
            entry = zipfile.ZipInfo(f"{name}/{inside}", DATE)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, source.read_bytes())
    shutil.copy(HERE / NOTIFICATION, folder)
    return path


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
