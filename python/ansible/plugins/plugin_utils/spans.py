"""Deployments that a task begins, and that end when the play does or when a task says so."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.helpers import pct_to_int
from ansible_collections.versioner.tracking.plugins.plugin_utils import watch
from ansible_collections.versioner.tracking.plugins.plugin_utils.tracking import (
    TrackingAction,
    tell,
    versioner,
)

from ansible import constants

CALLBACK = "versioner.tracking.spans"

NOT_SAVED = "saved is not what a task with span=begin gave in this run"

# What a span says itself.
OWN = ("status", "completed_at", "idempotency_key")

# What an end may say beside its status.
OF_AN_END = ("extra_metadata", "timeout")

# What makes two tasks of a play mean the same deployment.
IDENTITY = ("product", "environment", "version", "part")

# Strategies in which no task is the same moment for every host.
UNORDERED = ("free", "host_pinned")


class SpanAction(TrackingAction):
    """Tracks one event, or begins or ends a span."""

    def call(self, client: Any, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        step = arguments.pop("span", None)
        saved = arguments.pop("saved", None)
        if step is None:
            super().call(client, arguments, result)
        elif step == "begin":
            self._begin(client, arguments, result)
        else:
            self._end(client, arguments.get("status"), saved, arguments, result)

    def _begin(self, client: Any, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        for name in OWN:
            if name in arguments:
                raise AnsibleActionFail(f"{name} is not for span=begin: a span says it by itself")
        result["watched"] = watch.WATCH is not None
        result["saved"] = ""
        if watch.WATCH is None:
            self._refuse_what_no_task_sees()
        if self._task.check_mode:
            client.validate_deployment(**arguments)
        elif watch.WATCH is None:
            span = client.begin(**arguments)
            result["saved"] = packed(span.save())
            self._tell(span.started, result)
        else:
            self._begin_watched(watch.WATCH, client, arguments, result)

    def _begin_watched(
        self, watched: watch.Watch, client: Any, arguments: dict[str, Any], result: dict[str, Any]
    ) -> None:
        name = self._name(arguments)
        result["saved"] = name
        hosts = list(self.variables["ansible_play_hosts_all"])
        batch = list(self.variables["ansible_play_batch"])
        host = str(self.variables["inventory_hostname"])
        with watched.deployment(name) as deployment:
            if deployment.state == watch.OPEN:
                # A later batch, or another host.
                deployment.reached = sorted({*deployment.reached, *batch})
                deployment.write()
                return
            if deployment.state == watch.REFUSED and host not in deployment.refused_hosts:
                deployment.refused_hosts.append(host)
                deployment.write()
                result.update(deployment.refusal)
                return
            try:
                watched.hand_over(name, {"settings": self.settings, "environ": self.declared()})
            except (OSError, ValueError) as error:
                message = f"{CALLBACK} cannot end this deployment: {error}"
                raise AnsibleActionFail(message) from error
            span = client.deployment(**arguments)
            deployment.begin(hosts, batch, span.save())
            try:
                self._tell(span.ask(), result)
            except versioner.Error as error:
                deployment.state = watch.REFUSED
                deployment.refusal = self.failed({"changed": False}, error)
                deployment.refused_hosts = [host]
                raise
            finally:
                deployment.saved = span.save()
                deployment.write()

    def _end(
        self,
        client: Any,
        status: str | None,
        saved: str | None,
        arguments: dict[str, Any],
        result: dict[str, Any],
    ) -> None:
        if self._task.check_mode:
            return
        if not saved:
            raise AnsibleActionFail(
                "saved is required for span=end: register the task with span=begin, and give what "
                "it has as saved"
            )
        more = {name: arguments[name] for name in OF_AN_END if name in arguments}
        if watch.WATCH is not None:
            self._end_watched(watch.WATCH, client, status, saved, more, result)
            return
        if not status:
            raise AnsibleActionFail(
                f"status is required for span=end, because {CALLBACK} is not enabled, which would "
                f"see how every host fares. {enabling()}"
            )
        self._tell(client.resume(unpacked(saved), ask=False).end(status, **more), result)

    def _end_watched(
        self,
        watched: watch.Watch,
        client: Any,
        status: str | None,
        name: str,
        more: dict[str, Any],
        result: dict[str, Any],
    ) -> None:
        if name not in watched.names():
            raise AnsibleActionFail(NOT_SAVED)
        with watched.deployment(name) as deployment:
            if deployment.state != watch.OPEN:
                return
            if not status:
                deployment.done.append(self.variables["inventory_hostname"])
                deployment.write()
                if not set(deployment.hosts) <= set(deployment.done):
                    return
            span = client.resume(deployment.saved, ask=False)
            try:
                self._tell(span.end(status or "completed", **more), result)
                deployment.state = watch.ENDED
            except versioner.Error as error:
                # It has happened; the callback plugin tells it once more.
                result.setdefault("warnings", []).append(str(error))
            finally:
                deployment.saved = span.save()
                deployment.write()

    def _tell(self, outcome: Any, result: dict[str, Any]) -> None:
        tell(result, outcome.to_dict())
        result["changed"] = outcome.recorded

    def _name(self, arguments: dict[str, Any]) -> str:
        """The same for every batch and host of the play."""
        identity = [arguments.get(name) for name in IDENTITY]
        facts = json.dumps([str(self._task.get_play()._uuid), *identity])
        return hashlib.sha256(facts.encode()).hexdigest()[:32]

    def _refuse_what_no_task_sees(self) -> None:
        """Without the callback plugin a deployment ends in a task, the same for all hosts."""
        play = self._task.get_play()
        hosts = len(self.variables["ansible_play_hosts_all"])
        batches = [pct_to_int(size, hosts) for size in play.serial]
        reason = ""
        if batches and 0 < batches[0] < hosts:
            reason = f"serial: {', '.join(map(str, play.serial))}"
        elif str(play.strategy).rsplit(".", maxsplit=1)[-1] in UNORDERED:
            reason = f"strategy: {play.strategy}"
        if reason:
            raise AnsibleActionFail(
                f"a play with `{reason}` needs the callback plugin {CALLBACK}, because no task of "
                f"it sees how the deployment ends. Nothing was asked. {enabling()}"
            )


def packed(saved: str) -> str:
    """A text that no template takes for a dictionary."""
    return base64.b64encode(saved.encode()).decode()


def unpacked(saved: str) -> str:
    """What was packed."""
    try:
        return base64.b64decode(saved, validate=True).decode()
    except ValueError as error:
        raise AnsibleActionFail(NOT_SAVED) from error


def enabling() -> str:
    """Which line is missing, and of which file."""
    enabled = ", ".join([*constants.CALLBACKS_ENABLED, CALLBACK])
    file = constants.CONFIG_FILE or "ansible.cfg"
    return f"Add this line under [defaults] of {file}: callbacks_enabled = {enabled}"
