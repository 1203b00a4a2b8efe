#!/usr/bin/env python3
"""Fills fuzz/corpus from the test vectors, where what a case hands in or answers is where to begin, and from
sent.json, which has what others send to the server.

Usage: fuzz/seed.py CORPUS
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
SENT = Path(__file__).parent / "sent.json"
# Larger seeds only slow the search down.
LARGEST = 64 * 1024


def filled(text: str) -> str:
    """The text with its templates, repeated texts shortened."""
    for name, value in {"server": "http://127.0.0.1:1", "port": "1", "run": "1", "home": "/nowhere"}.items():
        text = text.replace("${" + name + "}", value)
    return re.sub(r"(?s)\$\{repeat:(.+?):(\d+)\}", lambda found: found[1] * min(int(found[2]), 300), text)


def in_bytes(value: object) -> bytes:
    if isinstance(value, list):
        return b"".join(map(in_bytes, value))
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return filled(str(value)).encode()


def answer(reply: dict) -> bytes:
    if "raw" in reply:
        return in_bytes(reply["raw"])
    if "json" in reply:
        body = filled(json.dumps(reply["json"], ensure_ascii=False)).encode()
    elif "body_base64" in reply:
        body = base64.b64decode(reply["body_base64"])
    else:
        body = filled(reply.get("body", "")).encode()
    head = f"HTTP/1.1 {reply.get('status', 200)} Scripted\r\n"
    for name, value in ({"Content-Length": str(len(body))} | reply.get("headers", {})).items():
        for line in value if isinstance(value, list) else [value]:
            head += f"{name}: {filled(line or '')}\r\n"
    return (head + "\r\n").encode() + body


def seeds(case: dict):
    """What a case gives each target."""
    fields, options = case.get("fields", {}), case.get("options", {})
    variables = {name: filled(value) for name, value in case.get("environment", {}).items()}
    for reply in case.get("replies", []):
        yield "answers", answer(reply)
    if "extra_metadata" in fields:
        yield "metadata", filled(fields["extra_metadata"]).encode()
    for content in case.get("files", {}).values():
        if not isinstance(content, dict) or "base64" in content:
            yield "config", in_bytes(content)
    if variables:
        yield "environment", b"\0".join(f"{name}={value}".encode() for name, value in variables.items())
    proxies = [value for name, value in variables.items() if name.lower().endswith("_proxy") and name.lower() != "no_proxy"]
    if proxies:
        url = filled(options.get("api_url") or "http://127.0.0.1:1")
        no_proxy = variables.get("no_proxy", variables.get("NO_PROXY", ""))
        yield "proxies", "\n".join([url, proxies[0], no_proxy]).encode()
    # A case of a call has no event that could be tracked.
    flags = ["track", case["event"]] if "event" in case else [case["call"]]
    for name, value in (fields | options).items():
        text = value if isinstance(value, str) else json.dumps(value)
        flags.append(f"--{name.replace('_', '-')}={filled(text)}")
    yield "arguments", "\0".join(flags).encode()


def from_vectors():
    for file in sorted(VECTORS.glob("*.json")):
        for case in json.loads(file.read_text()).get("cases", []):
            yield from seeds(case)


def from_elsewhere():
    """Deliveries as the target reads them, and what Slack sends."""
    sent = json.loads(SENT.read_text())
    for one in sent["deliveries"]:
        body = one["body"] if isinstance(one["body"], str) else json.dumps(one["body"])
        lines = [one["kind"], json.dumps(one["headers"]), json.dumps(one["settings"]), body]
        yield "deliveries", "\n".join(lines).encode()
    for text in sent["slack"]:
        yield "slack", text.encode()


def main(corpus: Path) -> None:
    counts: dict[str, int] = {}
    for target, seed in [*from_vectors(), *from_elsewhere()]:
        if len(seed) <= LARGEST:
            folder = corpus / target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
            counts[target] = counts.get(target, 0) + 1
    # The input of these is a structure; any bytes are one.
    for target in ["capi", "signatures"]:
        (corpus / target).mkdir(parents=True, exist_ok=True)
    print(", ".join(f"{count} for {target}" for target, count in counts.items()))


main(Path(sys.argv[1]))
