"""versioner.tracking.spans"""

from __future__ import annotations

DOCUMENTATION = r"""
name: spans
type: notification
short_description: Tell Versioner how the deployments of a play ended
version_added: 0.1.0
description:
  - Sees every host of every batch, and tells how the deployments ended that a task of the module
    P(versioner.tracking.deployment#module) with C(span=begin) began.
  - A deployment is completed if no host of the play failed, was unreachable or was never reached;
    else it is failed. It is told when the play is over.
  - It is aborted if the controller is stopped by Ctrl-C, SIGTERM or SIGHUP. Nothing can be told
    after SIGKILL; the service then lets the deployment expire.
requirements:
  - enable in configuration, with C(callbacks_enabled = versioner.tracking.spans)
  - The Python package versioner, on the controller
author:
  - Versioner (@versioner-io)
"""

import atexit
import multiprocessing
import os
import signal
import threading
import time
from functools import partial
from types import FrameType
from typing import Any

from ansible_collections.versioner.tracking.plugins.plugin_utils import watch
from ansible_collections.versioner.tracking.plugins.plugin_utils.tracking import (
    missing,
    versioner,
    warnings_told_in,
)

from ansible.plugins.callback import CallbackBase

# Whoever stops a run does not wait longer for it.
PATIENCE = 5


class CallbackModule(CallbackBase):
    """Ends what the tasks of the run began."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "versioner.tracking.spans"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if versioner is None:
            self._display.warning(f"{self.CALLBACK_NAME} is disabled, without versioner: {missing}")
            self.disabled = True
            return
        self._process = os.getpid()
        self._play: Any = None
        #: Hosts of this batch that a failure has put out of the play.
        self._suspected: set[str] = set()
        #: Hosts of this play that failed or were unreachable.
        self._failed: set[str] = set()
        self._watch = watch.WATCH = watch.Watch()
        atexit.register(self._leave)
        if threading.current_thread() is threading.main_thread():
            self._replace_handlers()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._end_batch()
        # Every batch of `serial` starts the same play.
        if self._play is not None and self._play._uuid != play._uuid:
            self._end_play()
        self._play = play

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._end_batch()
        self._end_play()
        self._play = None

    def v2_runner_on_ok(self, result: Any) -> None:
        self._watch.receive()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._watch.receive()
        if not ignore_errors:
            self._suspect(host_of(result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._suspect(host_of(result))

    def _suspect(self, host: str) -> None:
        # A host that was rescued, or whose failure is ignored, is still in the play; `meta:
        # end_host` may take it out later, which is no failure.
        if host in getattr(self._play, "_removed_hosts", [host]):
            self._suspected.add(host)

    def _end_batch(self) -> None:
        # Ansible's debugger takes a host back.
        gone = set(getattr(self._play, "_removed_hosts", self._suspected))
        self._failed |= self._suspected & gone
        self._suspected.clear()

    def _end_play(self) -> None:
        for name in self._watch.names():
            with self._watch.deployment(name) as deployment:
                if deployment.state == watch.OPEN:
                    self._tell(deployment, self._verdict(deployment), None)
        self._failed.clear()

    def _verdict(self, deployment: watch.Deployment) -> str:
        hosts = set(deployment.hosts)
        # Where hosts say that they are done, those that do not are not.
        succeeded = set(deployment.done or deployment.reached)
        is_completed = hosts <= succeeded and not hosts & self._failed
        return "completed" if is_completed else "failed"

    def _tell(self, deployment: watch.Deployment, status: str, timeout: int | None) -> None:
        """Tells the end. What was decided before, and could not be told, stays as it was."""
        deployment.state = watch.ENDED
        deployment.write()
        result: dict[str, Any] = {}
        try:
            with warnings_told_in(result):
                client = self._client(deployment.name, timeout)
                span = client.resume(deployment.saved, ask=False)
                outcome = span.end(status, timeout=timeout)
            self._display.display(f"versioner: {outcome.status or status} {outcome.event_id}")
        except (versioner.Error, KeyError) as error:
            self._display.warning(f"that a deployment ended ({status}) could not be told: {error}")
        for message in result.get("warnings", []):
            self._display.warning(message)

    def _client(self, name: str, timeout: int | None) -> Any:
        client = self._watch.client(name)
        settings = client["settings"]
        if timeout is not None:
            settings = {**settings, "total_timeout": timeout}
        environ = {**os.environ, **client["environ"]}
        return versioner.Client(surface="ansible", environ=environ, **settings)

    def _leave(self) -> None:
        """Aborts what is still open when the controller ends."""
        if os.getpid() != self._process:
            return
        end_workers()
        for name in self._watch.names():
            with self._watch.deployment(name) as deployment:
                if deployment.state == watch.OPEN:
                    self._tell(deployment, "aborted", PATIENCE)
        self._watch.close()

    def _replace_handlers(self) -> None:
        """Leaves in good order if a signal would end this process at once, or not at all."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            previous = signal.getsignal(number)
            if previous != signal.SIG_IGN:
                signal.signal(number, partial(self._stop, previous))

    def _stop(self, previous: Any, number: int, frame: FrameType | None) -> None:
        is_controller = os.getpid() == self._process
        if is_controller:
            # Ansible's own clean-up waits for ever for a worker that was killed while it wrote.
            last = threading.Timer(PATIENCE, self._leave_without_ansible, [128 + number])
            last.daemon = True
            last.start()
        if number == signal.SIGINT and callable(previous):
            previous(number, frame)
        elif is_controller:
            raise SystemExit(128 + number)
        else:
            # A forked task ends as it would without this.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _leave_without_ansible(self, code: int) -> None:
        self._leave()
        os._exit(code)


def end_workers() -> None:
    """Ends the tasks that still run: what they hold is free then."""
    workers = multiprocessing.active_children()
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + PATIENCE
    for worker in workers:
        worker.join(max(0, until - time.monotonic()))
        worker.kill()


def host_of(result: Any) -> str:
    """The name of a result's host; newer versions of Ansible have it without the underscore."""
    host = getattr(result, "host", None)
    return (host if host is not None else result._host).get_name()
