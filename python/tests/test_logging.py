"""What is logged, and that the API key is in none of it."""

from __future__ import annotations

import io
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from programs import program
from service import KEY, Service

import versioner

ODD: Any = "odd %s %d"


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_warnings_go_to_the_logger(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    outcome = service.client().track_build(product="api", version="1", status=ODD)
    warned = messages(caplog, logging.WARNING)
    assert warned == [warning.message for warning in outcome.warnings]
    assert ODD in warned[0]
    assert {record.name for record in caplog.records} == {"versioner"}


def test_a_program_without_logging_sees_on_stderr_that_nothing_was_recorded(
    service: Service,
) -> None:
    service.replies = [(503, {"message": "down"})]
    source = """
    best_effort = versioner.Client(
        api_url=sys.argv[1], api_key=sys.argv[2], environ={}, max_retries=0, fail_on_api_error=False
    )
    print(best_effort.track_build(product="api", version="1").status)
    """
    with program(service, source) as process:
        printed, complained = process.communicate(timeout=60)
    assert (process.returncode, printed) == (0, "not_recorded\n")
    assert complained.count("was not recorded") == 1, complained


def test_validation_warns_of_what_would_be_sent(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.client().validate_build(product="api", version="1", status=ODD)
    assert ODD in messages(caplog, logging.WARNING)[0]
    assert service.requests == []


def test_a_setting_that_nobody_knows_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("api_kee: x\n")
    versioner.Client(api_key=KEY, config=config, environ={})
    assert "api_kee" in messages(caplog, logging.WARNING)[0]


def test_the_level_may_change_while_a_client_is_in_use(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = service.client()
    client.track_build(product="api", version="1")
    assert caplog.records == []
    with caplog.at_level(logging.DEBUG, "versioner"):
        client.track_build(product="api", version="1")
    assert any("finished with code 0" in text for text in messages(caplog, logging.DEBUG))
    caplog.clear()
    client.track_build(product="api", version="1")
    assert caplog.records == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_handler_that_raises_does_not_fail_the_call(service: Service) -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise ZeroDivisionError

    broken = Broken()
    logger = logging.getLogger("versioner")
    logger.addFilter(broken)
    try:
        outcome = service.client().track_build(product="api", version="1", status=ODD)
    finally:
        logger.removeFilter(broken)
    assert outcome.recorded


def test_a_handler_may_end_the_program(service: Service) -> None:
    class Ending(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise SystemExit(3)

    ending = Ending()
    logger = logging.getLogger("versioner")
    logger.addFilter(ending)
    try:
        with pytest.raises(SystemExit):
            service.client().track_build(product="api", version="1", status=ODD)
    finally:
        logger.removeFilter(ending)
    # Nothing of it is left for the next call.
    assert service.client().track_build(product="api", version="1").recorded


def test_the_key_shows_nowhere(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    secret = KEY.rpartition("_")[2]
    shown = io.StringIO()

    def show(*values: Any) -> None:
        for value in values:
            shown.write(f"{value!r} {value!s} {value}\n")

    with caplog.at_level(logging.DEBUG, "versioner"):
        client = service.client(max_retries=0)
        show(client, vars(client))
        service.replies = [(400, {"detail": f"bad key {KEY}"}), (428, {"message": KEY})]
        for fields in ({"version": "1"}, {"version": "1", "status": KEY}, {"completed_at": KEY}):
            try:
                track: Any = client.track_deployment
                show(track(product="api", environment="e", **fields))
            except versioner.Error as error:
                show(error, error.outcome, error.outcome.to_dict(), error.args)
                shown.write("".join(traceback.format_exception_only(type(error), error)))
        new: Any = versioner.Client
        for name, value in [("api_url", f"ftp://{KEY}"), ("max_retries", KEY), ("config", KEY)]:
            with pytest.raises(versioner.Error) as caught:
                new(api_key=KEY, environ={}, **{name: value})
            show(caught.value, caught.value.outcome)
        with pytest.raises(versioner.Error) as caught:
            versioner.Client(environ={"VERSIONER_API_KEY": KEY, "VERSIONER_MAX_RETRIES": KEY})
        show(caught.value)
    assert secret not in shown.getvalue()
    assert secret not in caplog.text
    assert KEY in service.bodies[1]
