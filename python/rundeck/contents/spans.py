"""The deployments of an execution: one step begins them, another or the notification ends them.

Rundeck runs a step once for every node, in a process that an abort kills. So a deployment is a file
without a key, written before the service is asked: `EXECUTION-NAMES.json` while it goes on, and
`.ended` afterwards. The notification plugin reads the same files.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import host

import versioner

ENDS = ("completed", "failed", "aborted")

# Of executions whose end nobody saw.
KEPT_SECONDS = 30 * 24 * 3600

NOT_WATCHED = (
    "Warning: this job has no notification Versioner on start. If it is aborted, nothing tells so: "
    "the deployment then stays in progress until the service lets it expire."
)


def track(client: versioner.Client, fields: dict[str, Any]) -> versioner.Outcome:
    """Begins a deployment of this execution, ends it, or tells one event."""
    execution = os.environ.get("RD_JOB_EXECID", "")
    status = fields.get("status")
    if not execution or status not in ("started", *ENDS):
        return client.track_deployment(**fields)
    with state(folder(), execution, fields) as path:
        if status == "started":
            return begin(client, fields, path, execution)
        return end(client, fields, path)


def begin(
    client: versioner.Client, fields: dict[str, Any], path: Path, execution: str
) -> versioner.Outcome:
    """Begins it, once for all nodes of the execution."""
    if path.exists():
        # Of another node, which may have been killed while it asked.
        span = client.resume(path.read_text(encoding="utf-8"), ask=False)
    else:
        path.with_suffix(".ended").unlink(missing_ok=True)
        given = {name: fields[name] for name in fields if name != "status"}
        span = client.deployment(**given, wait=patience())
        write(path, span.save())
    try:
        outcome = span.ask()
    except versioner.Error:
        path.unlink()
        raise
    write(path, span.save())
    if not (path.parent / f"{execution}.watched").exists():
        host.say(sys.stderr, NOT_WATCHED)
    return outcome


def end(client: versioner.Client, fields: dict[str, Any], path: Path) -> versioner.Outcome:
    """Ends what this execution began; the first end counts."""
    ended = path.with_suffix(".ended")
    saved = path if path.exists() else ended
    if not saved.exists():
        return client.track_deployment(**fields)
    span = client.resume(saved.read_text(encoding="utf-8"), ask=False)
    try:
        return span.end(fields["status"], extra_metadata=fields.get("extra_metadata"))
    finally:
        write(ended, span.save())
        path.unlink(missing_ok=True)


def patience() -> float | None:
    """How many seconds a start waits for its gate; none if it does not."""
    minutes = host.config("wait_minutes")
    if not minutes:
        return None
    try:
        return 60 * float(minutes)
    except ValueError:
        sys.exit(f"The step's property Wait must be a number of minutes, but is '{minutes}'.")


@contextmanager
def state(place: Path, execution: str, fields: dict[str, Any]) -> Iterator[Path]:
    """The file of a deployment, for this process alone."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        forget_old(place)
    except OSError as error:
        sys.exit(
            f"Deployments that go on are kept in {place}, which cannot be used: {error}. Name "
            "another folder in the property State folder (in the project's settings)."
        )
    names = [fields.get(name, "") for name in ("product", "environment", "version")]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    path = place / f"{execution}-{digest}.json"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def folder() -> Path:
    """The folder that the notification plugin looks into as well."""
    home = pwd.getpwuid(os.getuid()).pw_dir
    return Path(host.config("state_folder") or Path(home, ".versioner", "rundeck"))


def forget_old(place: Path) -> None:
    """Removes the files of executions of which nothing will be told any more."""
    oldest = time.time() - KEPT_SECONDS
    for path in place.iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Writes the file, whole or not at all, for this user alone."""
    beside = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)
