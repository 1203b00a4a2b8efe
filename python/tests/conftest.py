"""Servers for the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import ScriptedServer
from service import Service
from story_server import StoryServer


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


@pytest.fixture
def story_server(tmp_path: Path) -> Iterator[StoryServer]:
    server = StoryServer(tmp_path)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _nothing_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings and the CI system of whoever runs the tests out of them."""
    prefixes = (
        *("VERSIONER_", "GITHUB_", "GITLAB_", "CI_", "JENKINS_", "CIRCLE", "BITBUCKET_"),
        *("GITEA_", "FORGEJO_", "BUILDKITE", "TEAMCITY_", "DRONE", "HARNESS_", "APPVEYOR", "ARGO_"),
        *("CODEBUILD_", "SEMAPHORE", "bamboo_", "GO_PIPELINE_", "BUDDY", "CF_", "CIRRUS_", "AWX_"),
        *("BITRISE_", "VELA", "SCREWDRIVER", "VERCEL", "NOW_", "NETLIFY", "WORKERS_CI", "BUILDER_"),
    )
    kept = ("VERSIONER_SCRIPTED_SERVER", "VERSIONER_VECTORS", "VERSIONER_SERVER")
    others = (
        "CI",
        "TF_BUILD",
        "TRAVIS",
        "RD_JOB_ID",
        "RD_JOB_EXECID",
        "HOME",
        "HTTP_PROXY",
        "http_proxy",
    )
    for name in list(os.environ):
        if name not in kept and (name.startswith(prefixes) or name in others):
            monkeypatch.delenv(name)
