"""That the README's examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from story_server import StoryServer

README = Path(__file__).parent.parent / "README.md"


def test_links_lead_somewhere_from_pypi_too() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_the_examples_run(story_server: StoryServer, tmp_path: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    printed: list[str] = []
    for number, example in enumerate(examples):
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", example],
            cwd=tmp_path,
            env=story_server.environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        # The server of the story knows no environment yet, of which the examples warn.
        stray = [line for line in ran.stderr.splitlines() if "was not known until now" not in line]
        assert (ran.returncode, stray) == (0, []), f"example {number}:\n{ran.stderr}"
        printed.append(ran.stdout)
    assert printed[0] == "deploying\n"
    assert re.fullmatch(r"\S+ \d{4}-\d\d-\d\d .*\+00:00\n", printed[1])
    assert printed[3] == "1.2.4\napi\ncompleted\n"
    statuses = [
        (item["product_name"], item["environment_name"], item["status"])
        for item in story_server.get("/deployments/")["items"]
    ]
    assert sorted(statuses) == [
        *[("api", "production", "completed")] * 3,
        ("api", "staging", "completed"),
        ("web", "staging", "completed"),
    ]
