"""What the action plugins share: a task's arguments become an event, its end a result."""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import contextmanager
from datetime import date
from typing import Any, Iterator

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.utils.display import Display

from ansible.plugins.action import ActionBase

display = Display()

missing = None
try:
    import versioner
except ImportError as error:
    versioner = None
    missing = error

MISSING = (
    "the Python package 'versioner' cannot be loaded on the controller ({why}): install it for "
    "{python}, in a virtual environment with `{python} -m pip install versioner`"
)

# Arguments of the client, whatever it does.
CLIENT_ARGUMENTS = {
    "api_key": {"type": "str", "no_log": True},
    "api_url": {"type": "str"},
    "config": {"type": "path"},
    "total_timeout": {"type": "float"},
    "ca_file": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
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
    "allow_literal": {"type": "bool"},
    "timeout": {"type": "float"},
    "idempotency_key": {"type": "str"},
}

# Whole numbers that are no names: YAML has read nothing else into them.
COUNTED = ("build_number", "invoke_id", "idempotency_key")

# What a result tells; absent values are left out.
RETURNED = (
    "code",
    "kind",
    "argument",
    "recorded",
    "event_id",
    "product_id",
    "version_id",
    "environment_id",
    "status",
    "features",
    "rule",
    "policy_code",
    "retry_after",
    "details",
    "http_status",
)


class ClientAction(ActionBase):
    """An action that uses the client on the controller."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    #: Arguments of the client.
    SETTINGS = CLIENT_ARGUMENTS
    #: Arguments of the call.
    ARGUMENTS: dict[str, dict[str, str]] = {}

    def call(self, client: Any, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        """Does the work, and tells the result of it."""
        raise NotImplementedError

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        self.variables = task_vars or {}
        arguments = self._validated()
        if versioner is None:
            raise AnsibleActionFail(MISSING.format(python=sys.executable, why=missing))
        self.settings = {name: arguments.pop(name) for name in self.SETTINGS if name in arguments}
        result["changed"] = False
        try:
            with warnings_told_in(result):
                environ = {**os.environ, **self.declared()}
                client = versioner.Client(surface="ansible", environ=environ, **self.settings)
                self.call(client, arguments, result)
        except versioner.Error as error:
            return self.failed(result, error)
        return result

    def _validated(self) -> dict[str, Any]:
        specification = {**self.SETTINGS, **self.ARGUMENTS}
        texts = {name for name, option in specification.items() if option["type"] == "str"}
        given = {
            name: as_text(name, value) if name in texts else value
            for name, value in self._task.args.items()
        }
        checked = ArgumentSpecValidator(specification).validate(given)
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(self._explained(error) for error in checked.errors))
        validated = checked.validated_parameters
        return {name: plain(value) for name, value in validated.items() if value is not None}

    def _explained(self, error: Exception) -> str:
        if isinstance(error, UnsupportedError):
            return f"Unsupported parameters for ({self._task.action}) module: {error}"
        return str(error)

    def declared(self) -> dict[str, str]:
        """The task's own environment, which goes over the controller's."""
        environ = {}
        declared = self._task.environment or []
        for variables in declared if isinstance(declared, list) else [declared]:
            for name, value in (self._templar.template(variables) or {}).items():
                environ[str(name)] = str(value)
        return environ

    def failed(self, result: dict[str, Any], error: Any) -> dict[str, Any]:
        """The result of a task that failed with this."""
        outcome = error.outcome.to_dict()
        tell(result, outcome)
        result["failed"] = True
        result["msg"] = outcome["text"] if outcome["code"] == 5 else outcome["message"]
        return result


class TrackingAction(ClientAction):
    """An action that tracks one event."""

    SETTINGS = {
        **CLIENT_ARGUMENTS,
        "fail_on_api_error": {"type": "bool"},
        "outbox": {"type": "path"},
    }

    #: The client's method that tracks, and the one that only validates.
    TRACK = ""
    VALIDATE = ""

    def call(self, client: Any, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        if self._task.check_mode:
            getattr(client, self.VALIDATE)(**arguments)
            return
        outcome = getattr(client, self.TRACK)(**arguments)
        tell(result, outcome.to_dict())
        result["changed"] = outcome.recorded


class Collector(logging.Handler):
    """Keeps warnings, and shows at once what a start waits for."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.messages.append(record.getMessage())
        else:
            # Of standard output a log sees nothing before the next task begins.
            display.display(f"versioner: {record.getMessage()}", stderr=True)


@contextmanager
def warnings_told_in(result: dict[str, Any]) -> Iterator[None]:
    """Every warning of the client in the result, which Ansible shows, and nowhere a second time."""
    logger = logging.getLogger("versioner")
    collector = Collector()
    level = logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.setLevel(level)
        logger.removeHandler(collector)
        if collector.messages:
            result.setdefault("warnings", []).extend(collector.messages)


def tell(result: dict[str, Any], outcome: dict[str, Any]) -> None:
    """What a playbook may ask of the outcome."""
    result.update({name: outcome[name] for name in RETURNED if outcome[name] not in ("", None, [])})


def as_text(name: str, value: Any) -> Any:
    """A text as it is written, if YAML has read a number into it: `1.20` has become 1.2."""
    if isinstance(value, date):
        return value.isoformat()
    is_count = isinstance(value, int) and not isinstance(value, bool) and name in COUNTED
    if isinstance(value, (bool, int, float)) and not is_count:
        raise AnsibleActionFail(
            f"{name} must be a text, but YAML reads {value!r} as a number or a boolean: put it in "
            f'quotes as you mean it ("1.20"), or end the expression with `| string`'
        )
    return value


def plain(value: Any) -> Any:
    """Ansible's tagged texts and lazy containers as what JSON and the client know."""
    if isinstance(value, dict):
        return json.loads(json.dumps(value, default=str))
    return str(value) if isinstance(value, str) else value
