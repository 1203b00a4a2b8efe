#!/usr/bin/env python3
"""Makes a container image of one static program as an OCI layout in a tar file; needs no daemon.

Usage: image.py PROGRAM VERSION EPOCH INTO.tar ARCHITECTURE=FILE...

The image holds the program, certificate authorities and the user that runs it, and nothing else. Docker,
podman, skopeo and crane take the file; `podman load -i` and `skopeo copy oci-archive:` by name.
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from datetime import datetime, timezone
from pathlib import Path

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
USER = 65532
SOURCE = "https://github.com/versioner-io/libversioner"
DESCRIPTIONS = {
    "versioner": "Tell Versioner what is built and what is deployed where, and stop when it says no",
    "versioner-server": "The Versioner API to run oneself",
}


class Layer:
    """Files in a tar file that is the same whenever and wherever it is made."""

    def __init__(self, epoch: int):
        self.epoch = epoch
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.USTAR_FORMAT)

    def add(self, name: str, content: bytes | None, mode: int, owner: int = 0) -> None:
        info = tarfile.TarInfo(name)
        info.mtime, info.mode, info.uid, info.gid = self.epoch, mode, owner, owner
        if content is None:
            info.type = tarfile.DIRTYPE
            self.tar.addfile(info)
        else:
            info.size = len(content)
            self.tar.addfile(info, io.BytesIO(content))

    def finished(self) -> bytes:
        self.tar.close()
        return self.bytes.getvalue()


def layer(program: str, binary: bytes, epoch: int) -> bytes:
    made = Layer(epoch)
    for folder in ["etc", "etc/ssl", "etc/ssl/certs"]:
        made.add(folder, None, 0o755)
    made.add("etc/ssl/certs/ca-certificates.crt", AUTHORITIES.read_bytes(), 0o644)
    made.add("etc/passwd", f"versioner:x:{USER}:{USER}::/data:\n".encode(), 0o644)
    made.add("etc/group", f"versioner:x:{USER}:\n".encode(), 0o644)
    made.add("data", None, 0o700, USER)
    made.add("tmp", None, 0o1777)
    made.add(program, binary, 0o755)
    return made.finished()


def config(program: str, version: str, architecture: str, epoch: int, diff_id: str) -> dict:
    created = datetime.fromtimestamp(epoch, timezone.utc).isoformat()
    runs = {
        "User": str(USER),
        "Entrypoint": [f"/{program}"],
        "WorkingDir": "/data",
        "Env": ["HOME=/data"],
        "Labels": {
            "org.opencontainers.image.title": program,
            "org.opencontainers.image.description": DESCRIPTIONS[program],
            "org.opencontainers.image.version": version,
            "org.opencontainers.image.licenses": "MIT",
            "org.opencontainers.image.source": SOURCE,
        },
    }
    if program == "versioner-server":
        runs["Env"] += ["VERSIONER_SERVER_LISTEN=0.0.0.0:8420", "VERSIONER_SERVER_DATA=/data"]
        runs["ExposedPorts"] = {"8420/tcp": {}}
        runs["Volumes"] = {"/data": {}}
        # Docker's own, which OCI has no word for; others take the command for their probes.
        second = 1_000_000_000
        runs["Healthcheck"] = {
            "Test": ["CMD", f"/{program}", "health"],
            "Interval": 10 * second,
            "Timeout": 6 * second,
            "StartPeriod": 30 * second,
        }
    return {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": runs,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": created, "created_by": f"{program} {version}"}],
    }


class Layout:
    """The blobs of an OCI layout by their digests."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, content: bytes, kind: str) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add_json(self, value: dict, kind: str) -> dict:
        return self.add(json.dumps(value, sort_keys=True).encode(), kind)

    def write(self, into: Path, index: dict, epoch: int) -> None:
        made = Layer(epoch)
        made.add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}', 0o644)
        made.add("index.json", json.dumps(index, sort_keys=True).encode(), 0o644)
        for folder in ["blobs", "blobs/sha256"]:
            made.add(folder, None, 0o755)
        for digest in sorted(self.blobs):
            made.add(f"blobs/sha256/{digest}", self.blobs[digest], 0o644)
        into.write_bytes(made.finished())


def index_of(manifests: list[dict]) -> dict:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    }


def main(program: str, version: str, epoch: int, into: Path, binaries: dict[str, Path]) -> None:
    layout = Layout()
    manifests = []
    for architecture, path in binaries.items():
        plain = layer(program, path.read_bytes(), epoch)
        packed = layout.add(gzip.compress(plain, mtime=0), "layer.v1.tar+gzip")
        diff_id = "sha256:" + hashlib.sha256(plain).hexdigest()
        settings = config(program, version, architecture, epoch, diff_id)
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": layout.add_json(settings, "config.v1+json"),
            "layers": [packed],
        }
        described = layout.add_json(manifest, "manifest.v1+json")
        manifests.append(described | {"platform": {"architecture": architecture, "os": "linux"}})
    # One entry that leads to those of all platforms, under its name.
    together = layout.add_json(index_of(manifests), "index.v1+json")
    named = together | {"annotations": {"org.opencontainers.image.ref.name": version}}
    layout.write(into, index_of([named]), epoch)


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    _, name, number, time, target, *given = sys.argv
    main(name, number, int(time), Path(target), {a: Path(f) for a, f in (g.split("=", 1) for g in given)})
