"""What those who publish and document collections ask of one, with their own checkers.

With the newest Ansible only.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import ansible_test
import pytest

# What ruff and ansible-lint check already; each of these installs packages first.
SKIPPED = ("import", "pep8", "pylint", "yamllint")
REQUIREMENTS = Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py"


@pytest.fixture
def source(collections, tmp_path):
    """The built collection, in the only place where `ansible-test` takes it."""
    folder = tmp_path / "ansible_collections" / "versioner" / "tracking"
    shutil.copytree(collections / "ansible_collections" / "versioner" / "tracking", folder)
    return folder


def test_sanity_finds_nothing(ansible, source, tmp_path):
    # It would fetch a pip from a server of its own; the one that comes with Python is as good.
    [pip] = re.findall(r"\bpip='([\d.]+)'", REQUIREMENTS.read_text(encoding="utf-8"))
    cache = tmp_path / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True)
    bootstrap = cache / f"get_pip_{pip.replace('.', '_')}.py"
    bootstrap.write_text("import ensurepip\nensurepip.bootstrap()\n")
    # An Ansible that is newer than the collection.
    ignored = source / "tests" / "sanity"
    current = ignored / f"ignore-{'.'.join(version('ansible-core').split('.')[:2])}.txt"
    if not current.exists():
        shutil.copy(ignored / "ignore-2.21.txt", current)

    python = "%d.%d" % sys.version_info[:2]
    command = ["ansible-test", "sanity", "--color", "no", "--python", python]
    command += [f"--skip-test={name}" for name in SKIPPED]
    ended = ansible(*command, cwd=source)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert 'Running sanity test "validate-modules"' in ended.stdout + ended.stderr


def test_galaxy_s_importer_takes_it(ansible, collections, tmp_path):
    [archive] = collections.glob("*.tar.gz")
    settings = tmp_path / "galaxy-importer.cfg"
    # The sanity tests have run, and the linter has.
    settings.write_text("[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_LINT = False\n")
    ended = ansible(
        "python",
        "-m",
        "galaxy_importer.main",
        str(archive),
        cwd=tmp_path,
        GALAXY_IMPORTER_CONFIG=str(settings),
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0 and "ERROR" not in said, said
    assert "Importer processing completed successfully" in said
    warnings = [line for line in said.splitlines() if line.startswith("WARNING")]
    # The licence header, which is the reason of each ignore file.
    assert [line for line in warnings if "found ignore-" not in line] == []


def test_antsibull_s_linter_finds_nothing(ansible, source):
    ended = ansible(
        "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", str(source)
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
