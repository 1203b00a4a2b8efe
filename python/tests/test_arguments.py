"""What Python values become on the wire, and which are refused before anything is sent."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections import ChainMap, OrderedDict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from service import KEY, Service

import versioner
from versioner import _native


class Level(enum.IntEnum):
    HIGH = 3


class Color(str, enum.Enum):
    RED = "red"


def sent_metadata(service: Service, metadata: Any) -> str:
    service.client().track_build(product="api", version="1", extra_metadata=metadata)
    return service.bodies[-1].split('"extra_metadata":', 1)[1][:-1]


WRITTEN: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true"),
    (1, "1"),
    (-(2**63) - 1, "-9223372036854775809"),
    (10**30, "1" + "0" * 30),
    ([-(10**50_000)], "[-1" + "0" * 50_000 + "]"),  # more digits than `str` writes
    (0.1, "0.1"),
    (1.0, "1.0"),
    (Decimal("1.50"), "1.50"),
    (Decimal("1E+400"), "1E+400"),
    (Decimal("0.1000000000000000000000000001"), "0.1000000000000000000000000001"),
    (Level.HIGH, "3"),
    (Color.RED, '"red"'),
    ('ä\n"\x00😀', '"ä\\n\\"\\u0000😀"'),
    ([], "[]"),
    ((1, [2, {"a": None}]), '[1,[2,{"a":null}]]'),
    ({}, "{}"),
    (MappingProxyType({"a": 1}), '{"a":1}'),
    (OrderedDict(z=1, a=2), '{"z":1,"a":2}'),
    (ChainMap({"a": 1}), '{"a":1}'),
]


@pytest.mark.parametrize(("value", "written"), WRITTEN)
def test_metadata_travels_exactly(service: Service, value: Any, written: str) -> None:
    assert sent_metadata(service, {"k": value}) == '{"k":' + written + "}"


def test_metadata_may_be_the_text_of_an_object(service: Service) -> None:
    assert sent_metadata(service, '{"ratio": 1.50}') == '{"ratio":1.50}'


def test_metadata_may_be_as_deep_as_text_may_be(service: Service) -> None:
    deep: dict[str, Any] = {}
    for _ in range(126):
        deep = {"a": deep}
    assert json.loads(sent_metadata(service, deep)) == deep
    as_text = sent_metadata(service, json.dumps(deep))
    assert json.loads(as_text) == deep


class Broken(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def bomb() -> dict[str, Any]:
    value: list[Any] = ["x" * 100]
    for _ in range(60):
        value = [value, value]
    return {"bomb": value}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"a": float("nan")}, "extra_metadata['a'] is NaN, which JSON does not have"),
        ({"a": [1, float("inf")]}, "extra_metadata['a'][1] is inf"),
        ({"a": Decimal("NaN")}, "extra_metadata['a'] is NaN"),
        ({"a": Decimal("-Infinity")}, "extra_metadata['a'] is -Infinity"),
        ({1: "a"}, "must have keys of type str, but one is of type int: 1"),
        ({"a": {None: 1}}, "extra_metadata['a'] must have keys of type str"),
        ({"a": {1, 2}}, "of type set"),
        ({"a": b"x"}, "of type bytes"),
        ({"a": date(2026, 1, 1)}, "of type date"),
        ({"a": "\ud800"}, "extra_metadata['a'] holds a lone surrogate"),
        ({"\udcff": 1}, "holds a lone surrogate"),
        ("\ud800", "holds a lone surrogate"),
        (cycle(), "nested more than 127 levels deep, or holds itself"),
        (bomb(), "bytes are allowed"),
        ({"a": 10**102_400}, "bytes long, and at most 102400 bytes"),
        ({"a": 1 << 20_000_000}, "bytes are allowed"),
        ({"a": "x" * 102_400}, "102408 bytes long, and at most 102400 bytes"),
        ([1], "must be a mapping or the text of a JSON object, but is of type list"),
        (1, "of type int: 1"),
        ("[1]", "must be a JSON object"),
        ("{", "must be a JSON object"),
    ],
)
def test_metadata_without_a_form_in_json_is_refused(
    service: Service, metadata: Any, message: str
) -> None:
    with pytest.raises(versioner.ArgumentError) as caught:
        sent_metadata(service, metadata)
    assert message in str(caught.value)
    assert str(caught.value).startswith("extra_metadata")
    assert len(str(caught.value)) < 400
    assert caught.value.argument == "extra_metadata"
    assert service.requests == []


def test_an_exception_of_the_caller_s_own_mapping_passes(service: Service) -> None:
    with pytest.raises(KeyError):
        sent_metadata(service, Broken())
    assert service.requests == []


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 1, 31, 15, 4, 5, tzinfo=timezone.utc), "2026-01-31T15:04:05+00:00"),
        (
            datetime(2026, 1, 31, 15, 4, 5, 120, timezone(timedelta(hours=-3, minutes=-30))),
            "2026-01-31T15:04:05.000120-03:30",
        ),
        (
            datetime(1900, 1, 1, tzinfo=timezone(timedelta(seconds=3208))),
            "1899-12-31T23:06:32+00:00",
        ),
        ("2026-01-31T15:04:05Z", "2026-01-31T15:04:05Z"),
    ],
)
def test_a_time_travels_with_its_zone(
    service: Service, moment: datetime | str, written: str
) -> None:
    service.client().track_build(product="api", version="1", started_at=moment, completed_at=moment)
    assert service.requests[0]["started_at"] == written
    assert service.requests[0]["completed_at"] == written


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        (
            datetime(2026, 1, 31),
            "with a zone, such as datetime.now(timezone.utc), but is the naive",
        ),
        (date(2026, 1, 31), "of type date"),
        (1769871845, "of type int: 1769871845"),
        ("2026-01-31", "RFC 3339"),
    ],
)
def test_a_time_without_a_zone_is_refused(service: Service, moment: Any, message: str) -> None:
    with pytest.raises(versioner.ArgumentError) as caught:
        service.client().track_build(product="api", version="1", completed_at=moment)
    assert message in str(caught.value)
    assert caught.value.argument == "completed_at"
    assert service.requests == []


BUILD_TEXTS = [name for name, _ in _native.BUILD_FIELDS]
DEPLOYMENT_TEXTS = [name for name, _ in _native.DEPLOYMENT_FIELDS]


@pytest.mark.parametrize("value", [1, 1.10, True, b"x", ["x"], object(), "\ud800"])
@pytest.mark.parametrize("name", sorted({*BUILD_TEXTS, *DEPLOYMENT_TEXTS}))
def test_a_field_of_the_wrong_type_is_refused(service: Service, name: str, value: Any) -> None:
    client: Any = service.client()
    track = client.track_build if name in BUILD_TEXTS else client.track_deployment
    with pytest.raises(versioner.ArgumentError) as caught:
        track(**{"product": "api", "version": "1", name: value})
    assert caught.value.argument == name
    assert str(caught.value).startswith(name)
    assert service.requests == []


@pytest.mark.parametrize("name", DEPLOYMENT_TEXTS)
def test_every_field_travels(service: Service, name: str) -> None:
    times = {"completed_at": "2026-01-01T00:00:00Z", "extra_metadata": '{"a":1}'}
    fields: dict[str, Any] = {"product": "p", "version": "v", "environment": "e"}
    fields[name] = times.get(name, "given")
    service.client().track_deployment(**fields)
    assert fields[name] in service.bodies[0]


def test_a_call_may_say_why_it_skips_checks_and_that_it_means_what_it_says(
    service: Service,
) -> None:
    service.client().track_deployment(
        product="api",
        environment="${stage}",
        version="1",
        allow_literal=True,
        skip_preflight_checks=True,
        skip_reason="the site is down",
    )
    [sent] = service.requests
    assert sent["environment_name"] == "${stage}"
    assert sent["skip_preflight_checks"] is True
    assert sent["extra_metadata"]["vi_skip_reason"] == "the site is down"
    with pytest.raises(versioner.ArgumentError, match="environment"):
        service.client().track_deployment(product="api", environment="${stage}", version="1")


def test_a_timeout_of_one_call(service: Service) -> None:
    service.hold()
    client = service.client(attempt_timeout=3600, total_timeout=7200)
    event: Any = {"product": "api", "version": "1"}
    with pytest.raises(versioner.TimeoutError, match=r"0\.02 s"):
        client.track_build(**event, timeout=0.02)
    for value in (0, 0.0001, -1, float("nan"), float("inf"), True, "5"):
        event["timeout"] = value
        with pytest.raises(versioner.ArgumentError, match="timeout") as caught:
            client.track_deployment(environment="e", **event)
        assert caught.value.argument == "timeout"


def test_none_is_unset(service: Service) -> None:
    client = service.client(environ={"VERSIONER_PRODUCT": "from-environ"})
    client.track_deployment(
        product=None, version="1", environment="e", skip_preflight_checks=None, extra_metadata=None
    )
    assert service.requests[0]["product_name"] == "from-environ"


@pytest.mark.parametrize("blank", ["", " \t", "\ufeff", "\u00a0\n"])
@pytest.mark.parametrize("name", ["product", "environment", "version", "status"])
def test_a_blank_chooses_nothing_else(service: Service, name: str, blank: str) -> None:
    client: Any = service.client(environ={f"VERSIONER_{name.upper()}": "another"})
    fields = {"product": "api", "environment": "e", "version": "1", name: blank}
    for call in (client.track_deployment, client.validate_deployment):
        with pytest.raises(versioner.ArgumentError, match=f"^{name} is .*blank") as caught:
            call(**fields)
        assert caught.value.argument == name
    assert service.requests == []


def test_an_unknown_field_is_a_type_error(service: Service) -> None:
    client: Any = service.client()
    with pytest.raises(TypeError, match=r"got an unexpected .* 'environment'"):
        client.track_build(product="api", version="1", environment="staging")
    with pytest.raises(TypeError, match="positional"):
        client.track_build("api")
    assert service.requests == []


@pytest.mark.parametrize("value", [1, "true", "yes"])
def test_a_flag_is_a_bool(service: Service, value: Any) -> None:
    with pytest.raises(versioner.ArgumentError, match="skip_preflight_checks must be a bool"):
        service.client().track_deployment(
            product="api", version="1", environment="e", skip_preflight_checks=value
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", 1),
        ("api_url", b"http://x"),
        ("ui_url", 1),
        ("config", 1),
        ("config", b"/x"),
        ("fail_on_api_error", "false"),
        ("max_retries", -1),
        ("max_retries", 2**32),
        ("max_retries", True),
        ("max_retries", 1.0),
        ("retry_pause", -1),
        ("retry_pause", float("nan")),
        ("attempt_timeout", float("inf")),
        ("attempt_timeout", 10**400),
        ("total_timeout", "1"),
        ("total_timeout", True),
        ("ca_file", 1),
        ("client_cert", 1),
        ("client_key", 1),
        ("environ", []),
        ("environ", {1: "a"}),
        ("environ", {"A": 1}),
        ("environ", {"A": "\ud800"}),
        ("surface", "a b"),
        ("surface", "a\r\nX: y"),
        ("surface", 1),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused(name: str, value: Any) -> None:
    settings: dict[str, Any] = {"environ": {}, "api_key": KEY, name: value}
    with pytest.raises(versioner.ArgumentError) as caught:
        versioner.Client(**settings)
    assert caught.value.argument == name
    assert str(caught.value).startswith(name)


def test_settings_may_be_paths(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"api_key: {KEY}\napi_url: https://example.test/base/\n")
    client = versioner.Client(config=config, environ={})
    assert client.api_url == "https://example.test/base"


def test_the_environment_is_the_process_s_where_none_is_given(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "VERSIONER_API_KEY": KEY,
        "VERSIONER_API_URL": service.url,
        "CIRCLECI": "true",
        "CIRCLE_BUILD_NUM": "17",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    outcome = versioner.track_build(product="api", version="1")
    assert outcome.source_system == "circleci"
    assert service.requests[0]["build_number"] == "17"
    versioner.track_deployment(product="api", version="1", environment="e")
    assert service.statuses() == ["completed", "completed"]


def test_bytes_in_the_environment_are_an_error_only_where_they_matter() -> None:
    odd = b"\xff".decode("utf-8", "surrogateescape")
    versioner.Client(api_key=KEY, environ={"OTHER": odd})
    with pytest.raises(versioner.ConfigError, match="VERSIONER_API_URL is not valid UTF-8"):
        versioner.Client(api_key=KEY, environ={"VERSIONER_API_URL": odd})


def test_outcomes_compare_by_value_and_do_not_change(service: Service) -> None:
    outcome = service.client().track_deployment(product="api", version="1", environment="e")
    assert outcome.deployed_at == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert [*vars(outcome)] == [field.name for field in dataclasses.fields(outcome)]
    copy = dataclasses.replace(outcome)
    assert outcome == copy
    assert hash(outcome) == hash(copy)
    assert outcome != dataclasses.replace(outcome, event_id="other")
    with pytest.raises(AttributeError):
        outcome.event_id = "other"  # type: ignore[misc]
    json.dumps(outcome.to_dict())
