"""What a client shows of itself, and its end."""

from __future__ import annotations

import os
import threading
import traceback
from typing import Any, Callable

import pytest
from service import KEY, Service

import versioner

SECRETS = {"VERSIONER_API_KEY": KEY, "DATABASE_PASSWORD": "hunter2"}


def with_variables(call: Callable[[], object]) -> str:
    """Return the traceback of a failure, with the variables of every frame."""
    try:
        call()
    except Exception as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())
    pytest.fail("nothing was raised")


new: Any = versioner.Client
module: Any = versioner


@pytest.mark.parametrize(
    "call",
    [
        lambda: new(api_key=KEY, environ=SECRETS, max_retries="x"),
        lambda: new(api_key=KEY, environ=SECRETS, api_url="ftp://example.test"),
        lambda: new(api_key=KEY, config="/no/such/file"),
        lambda: new(api_key=1, environ=SECRETS),
        lambda: new(api_key=KEY, environ={**SECRETS, "BAD": 1}),
        lambda: new(environ=SECRETS).track_build(product="api"),
        lambda: new(environ=SECRETS).track_build(api_key=KEY),
        lambda: new(environ=SECRETS).deployment(api_key=KEY),
        lambda: module.track_build(product="api", api_key=KEY),
        lambda: module.track_deployment(product="api", api_key=KEY),
        lambda: module.build(environ=os.environ),
        lambda: module.track_build(product="api"),
    ],
)
def test_a_traceback_with_variables_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    shown = with_variables(call)
    assert "self = " in shown or "fields = " in shown
    assert KEY not in shown
    assert "hunter2" not in shown


def test_a_client_that_was_never_made_can_be_shown() -> None:
    assert repr(versioner.Client.__new__(versioner.Client)) == (
        "<Client that is closed or was never made>"
    )


def test_a_setting_given_to_a_function_is_told_its_place() -> None:
    with pytest.raises(TypeError, match=r"give it to versioner.Client\(total_timeout=...\)"):
        module.track_build(product="api", version="1", total_timeout=5)


def test_a_closed_client_says_so(service: Service) -> None:
    with service.client() as client:
        assert client.track_build(product="api", version="1").recorded
        assert repr(client) == f"<versioner.Client of {service.url}>"
    with pytest.raises(RuntimeError, match="closed: make a new one"):
        client.track_build(product="api", version="1")
    with pytest.raises(RuntimeError, match="closed"), client:
        pytest.fail("the body ran")
    client.close()
    assert repr(client) == "<Client that is closed or was never made>"


def test_closing_ends_the_calls_in_progress(service: Service) -> None:
    service.hold()
    client = service.client()
    raised: list[Exception] = []

    def call() -> None:
        try:
            client.track_build(product="api", version="1")
        except versioner.Error as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    service.arrivals.acquire()
    client.close()
    thread.join()
    assert [type(error) for error in raised] == [versioner.CancelledError]


def test_everything_of_the_package_leaves_the_built_in_names_alone() -> None:
    names: dict[str, Any] = {}
    exec("from versioner import *", names)
    assert names.get("TimeoutError") is None
    assert issubclass(versioner.TimeoutError, TimeoutError)
