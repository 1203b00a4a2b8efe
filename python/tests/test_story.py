"""A version is built, refused, approved and deployed, against the real server."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from story_server import StoryServer

import versioner

APPROVAL = {
    "name": "Production needs an approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1, "keys": True, "exclude_deployer": False},
    "create": True,
}


def test_a_version_is_built_refused_approved_and_deployed(story_server: StoryServer) -> None:
    story_server.post("/deployment-rules/", APPROVAL)
    client = versioner.Client(api_key=story_server.key, api_url=story_server.url, environ={})
    built = client.track_build(
        product="api",
        version="1.2.3",
        scm_sha="4f1c2d3e5a6b7c8d9e0f",
        completed_at=datetime.now(timezone.utc),
        extra_metadata={"coverage": Decimal("87.50")},
    )
    assert built.recorded

    production = client.deployment(product="api", environment="production", version="1.2.3")
    with pytest.raises(versioner.ApprovalRequiredError) as refused, production:
        pytest.fail("deployed without an approval")
    assert refused.value.rule == "Production needs an approval"
    assert "Obtain approval via Versioner UI" in refused.value.text

    story_server.post(
        f"/versions/{built.version_id}/approvals/",
        {"type": "release", "environment": "production", "approved_by": "ada@example.com"},
    )
    production = client.deployment(product="api", environment="production", version="1.2.3")
    with production as deployment, pytest.raises(versioner.DeploymentConflictError):
        client.track_deployment(
            product="api", environment="production", version="1.2.3", status="started"
        )
    assert deployment.ended is not None
    assert deployment.ended.event_id == deployment.started.event_id
    assert deployment.ended.deployed_at is not None

    found = story_server.get("/deployments/?product=api&environment=production")["items"]
    statuses = sorted(item["status"] for item in found)
    assert statuses == ["completed", "preflight_failed", "preflight_failed"]
    (environment,) = story_server.get("/state/")["products"][0]["environments"]
    assert environment["current"]["version"] == "1.2.3"


def test_a_start_waits_until_it_is_approved(story_server: StoryServer) -> None:
    story_server.post("/deployment-rules/", APPROVAL)
    client = versioner.Client(api_key=story_server.key, api_url=story_server.url, environ={})
    built = client.track_build(product="api", version="1.2.3")

    class Approve(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("waiting:"):
                approval = {"type": "release", "environment": "production", "approved_by": "ada"}
                story_server.post(f"/versions/{built.version_id}/approvals/", approval)

    logger = logging.getLogger("versioner")
    handler = Approve()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        span = client.begin(product="api", environment="production", version="1.2.3", wait=60)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert span.started.recorded
    span.end("completed")


def test_another_commit_for_the_same_version_is_a_conflict(story_server: StoryServer) -> None:
    client = versioner.Client(api_key=story_server.key, api_url=story_server.url, environ={})
    client.track_build(product="api", version="2.0.0", scm_sha="4f1c2d3e5a6b7c8d9e0f")
    with pytest.raises(versioner.VersionConflictError, match=r"Version 2\.0\.0 already exists"):
        client.track_build(product="api", version="2.0.0", scm_sha="0e9d8c7b6a5e3d2c1f4f")
