"""What the action plugins share: a task's arguments become an event, its end a result."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible.plugins.action import ActionBase

try:
    import versioner
except ImportError:
    versioner = None

MISSING = (
    "the Python package 'versioner' is missing on the controller: install it for {python} with "
    "`{python} -m pip install versioner`"
)

# Arguments of the client; every other argument is a field of the event.
CLIENT_ARGUMENTS = {
    "api_key": {"type": "str", "no_log": True},
    "api_url": {"type": "str"},
    "config": {"type": "path"},
    "fail_on_api_error": {"type": "bool"},
}

EVENT_ARGUMENTS = {
    "product": {"type": "str"},
    "version": {"type": "str"},
    "status": {"type": "str"},
    "source_system": {"type": "str"},
    "build_number": {"type": "str"},
    "scm_sha": {"type": "str"},
    "scm_branch": {"type": "str"},
    "scm_repository": {"type": "str"},
    "build_url": {"type": "str"},
    "invoke_id": {"type": "str"},
    "completed_at": {"type": "str"},
    "extra_metadata": {"type": "dict"},
}

# What a result tells; absent values are left out.
RETURNED = (
    "code",
    "kind",
    "recorded",
    "event_id",
    "product_id",
    "version_id",
    "environment_id",
    "status",
    "rule",
    "policy_code",
    "retry_after",
    "details",
    "http_status",
)


class TrackingAction(ActionBase):
    """An action that tracks one event from the controller."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    #: The client's method that tracks, and the one that only validates.
    TRACK = ""
    VALIDATE = ""
    #: Arguments that only this event has.
    OWN_ARGUMENTS: dict[str, dict[str, str]] = {}

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = self._validated()
        if versioner is None:
            raise AnsibleActionFail(MISSING.format(python=sys.executable))
        settings = {name: arguments.pop(name) for name in CLIENT_ARGUMENTS if name in arguments}
        result["changed"] = False
        try:
            client = versioner.Client(surface="ansible", environ=self._environ(), **settings)
            if self._task.check_mode:
                getattr(client, self.VALIDATE)(**arguments)
                return result
            outcome = getattr(client, self.TRACK)(**arguments)
        except versioner.Error as error:
            return self._failed(result, error)
        self._tell(result, outcome.to_dict())
        result["changed"] = outcome.recorded
        return result

    def _validated(self) -> dict[str, Any]:
        specification = {**CLIENT_ARGUMENTS, **EVENT_ARGUMENTS, **self.OWN_ARGUMENTS}
        checked = ArgumentSpecValidator(specification).validate(self._task.args)
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(checked.error_messages))
        given = checked.validated_parameters
        return {name: plain(value) for name, value in given.items() if value is not None}

    def _environ(self) -> dict[str, str]:
        """The controller's environment, with the task's over it."""
        environ = dict(os.environ)
        declared = self._task.environment or []
        for variables in declared if isinstance(declared, list) else [declared]:
            for name, value in (self._templar.template(variables) or {}).items():
                environ[str(name)] = str(value)
        return environ

    def _failed(self, result: dict[str, Any], error: Any) -> dict[str, Any]:
        outcome = error.outcome.to_dict()
        self._tell(result, outcome)
        result["failed"] = True
        result["msg"] = outcome["text"] if outcome["code"] == 5 else outcome["message"]
        return result

    def _tell(self, result: dict[str, Any], outcome: dict[str, Any]) -> None:
        result.update({name: outcome[name] for name in RETURNED if outcome[name] not in ("", None)})
        warnings = [warning["message"] for warning in outcome["warnings"]]
        if warnings:
            result.setdefault("warnings", []).extend(warnings)


def plain(value: Any) -> Any:
    """Ansible's tagged texts and lazy containers as what JSON and the client know."""
    if isinstance(value, dict):
        return json.loads(json.dumps(value, default=str))
    return str(value) if isinstance(value, str) else value
