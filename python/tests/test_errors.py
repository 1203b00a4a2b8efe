"""Each exception, as a user meets it."""

from __future__ import annotations

import builtins
import pickle
import socket
import threading
from datetime import datetime, timezone

import pytest
from service import KEY, Service

import versioner
from versioner import _native
from versioner.errors import error_of


def raised(client: versioner.Client) -> versioner.Error:
    with pytest.raises(versioner.Error) as caught:
        client.track_deployment(product="api", version="1.2.3", environment="production")
    return caught.value


POLICIES = [
    (409, "DEPLOYMENT_IN_PROGRESS", "deployment_conflict", versioner.DeploymentConflictError),
    (423, "NO_DEPLOY_WINDOW", "no_deploy_window", versioner.NoDeployWindowError),
    (428, "FLOW_VIOLATION", "flow_violation", versioner.FlowViolationError),
    (428, "INSUFFICIENT_SOAK_TIME", "insufficient_soak_time", versioner.InsufficientSoakTimeError),
    (
        428,
        "QUALITY_APPROVAL_REQUIRED",
        "quality_approval_required",
        versioner.QualityApprovalRequiredError,
    ),
    (428, "APPROVAL_REQUIRED", "approval_required", versioner.ApprovalRequiredError),
    (409, "VERSION_CONFLICT", "version_conflict", versioner.VersionConflictError),
    (428, "SOMETHING_NEW", "rejected", versioner.RejectedError),
]


@pytest.mark.parametrize(("status", "policy_code", "kind", "expected"), POLICIES)
def test_a_rejection_says_what_the_service_said(
    service: Service, status: int, policy_code: str, kind: str, expected: type[versioner.Error]
) -> None:
    details = {"rule_name": "Freeze", "soaked_minutes": 12, "ratio": 0.5}
    detail = {
        "code": policy_code,
        "message": "Not now",
        "retry_after": "2026-01-31T16:04:05.25+01:00",
        "details": details,
    }
    service.replies = [(status, {"detail": detail})]
    error = raised(service.client())
    assert type(error) is expected
    assert isinstance(error, versioner.RejectedError)
    assert (error.code, error.kind, error.http_status) == (5, kind, status)
    assert (error.rule, error.policy_code, error.message) == ("Freeze", policy_code, "Not now")
    assert str(error) == "Not now"
    assert error.details == details
    assert error.retry_after == datetime(2026, 1, 31, 15, 4, 5, 250_000, timezone.utc)
    assert "Not now" in error.text
    assert error.attempts == 1
    assert error.outcome.to_dict()["retry_after"] == "2026-01-31T16:04:05.25+01:00"


@pytest.mark.parametrize("text", ["", "soon", "3600", "2026-01-31", "2026-02-30T00:00:00Z"])
def test_a_retry_time_that_is_none_stays_readable_as_text(service: Service, text: str) -> None:
    service.replies = [(423, {"detail": {"code": "NO_DEPLOY_WINDOW", "retry_after": text}})]
    error = raised(service.client())
    assert error.retry_after is None
    assert error.outcome.retry_after_text == text
    assert error.details is None
    assert str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, "redirect"),
        (400, "http"),
        (401, "authentication"),
        (403, "authorization"),
        (404, "not_found"),
        (422, "validation"),
        (429, "rate_limited"),
        (503, "server"),
    ],
)
def test_another_answer_is_an_api_error(service: Service, status: int, kind: str) -> None:
    service.replies = [(status, {"detail": "Said so"})]
    error = raised(service.client(max_retries=0))
    assert type(error) is versioner.APIError
    assert (error.code, error.kind, error.http_status) == (4, kind, status)
    assert "Said so" in error.message


def test_a_service_that_is_not_there_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = versioner.Client(
        api_key=KEY, api_url=f"http://127.0.0.1:{port}", environ={}, max_retries=0
    )
    error = raised(client)
    assert type(error) is versioner.NetworkError
    assert isinstance(error, ConnectionError)
    assert (error.code, error.kind, error.http_status) == (1, "network", 0)
    assert str(port) in str(error)


def test_a_service_without_tls_is_a_network_error_of_kind_tls(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        client = versioner.Client(
            api_key=KEY, api_url=f"https://127.0.0.1:{port}", environ={}, max_retries=0
        )
        error = raised(client)
        thread.join()
    assert type(error) is versioner.NetworkError
    assert (error.code, error.kind) == (1, "tls")


def test_a_service_that_is_silent_is_a_timeout(service: Service) -> None:
    service.hold()
    error = raised(service.client(attempt_timeout=0.05, max_retries=0))
    assert type(error) is versioner.TimeoutError
    assert isinstance(error, builtins.TimeoutError)
    assert isinstance(error, versioner.NetworkError)
    assert (error.code, error.kind, error.attempts) == (1, "timeout", 1)


def test_a_call_that_is_cancelled_says_so(service: Service) -> None:
    service.hold()
    client = service.client()

    def cancel() -> None:
        service.arrivals.acquire()
        client.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    error = raised(client)
    thread.join()
    assert type(error) is versioner.CancelledError
    assert (error.code, error.kind) == (1, "interrupted")


def test_what_is_missing_is_an_argument_error(service: Service) -> None:
    with pytest.raises(versioner.ArgumentError) as caught:
        service.client().track_build(product="api")
    assert isinstance(caught.value, ValueError)
    assert (caught.value.code, caught.value.kind) == (1, "invalid_argument")
    assert caught.value.argument == "version"
    assert caught.value.text.startswith("error: version is required")
    assert service.requests == []


def test_a_client_that_cannot_be_made_is_a_config_error() -> None:
    with pytest.raises(versioner.ConfigError) as caught:
        versioner.Client(environ={})
    assert (caught.value.code, caught.value.kind) == (1, "config")
    assert caught.value.argument == "api_key"
    assert "VERSIONER_API_KEY" in str(caught.value)


def test_every_kind_of_the_core_has_its_exception() -> None:
    general = {4: versioner.APIError, 5: versioner.RejectedError}
    for kind, code in _native.KINDS:
        if code == 0:
            continue
        error = error_of(versioner.Outcome(code=code, kind=kind, message="why"))
        assert isinstance(error, general.get(code, versioner.Error)), kind
        # Nothing that the caller could act upon is the class of everything.
        assert type(error) is not versioner.Error, kind
        assert issubclass(type(error), Exception)
        assert str(error) == "why"


def test_an_exception_crosses_processes_whole(service: Service) -> None:
    service.replies = [(428, {"code": "FLOW_VIOLATION", "details": {"rule_name": "Flow"}})]
    errors = [raised(service.client()), error_of(versioner.Outcome(1, "network", "no route"))]
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert copy.outcome == error.outcome
        assert str(copy) == str(error)


def test_best_effort_returns_what_was_not_recorded(service: Service) -> None:
    service.replies = [(503, {})]
    client = service.client(fail_on_api_error=False, max_retries=0)
    outcome = client.track_build(product="api", version="1.2.3")
    assert (outcome.code, outcome.kind, outcome.recorded) == (0, "server", False)
    assert outcome.status == "not_recorded"
    assert [warning.kind for warning in outcome.warnings] == ["not_recorded"]
