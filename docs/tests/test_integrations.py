"""The YAML that the READMEs of integrations/ show: it is YAML, its inputs are ones that the action and the
components have, and the workflows are ones that actionlint accepts.

Usage: python -m unittest discover docs/tests
"""

import re
import subprocess
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
INTEGRATIONS = ROOT / "integrations"
ACTIONLINT = ROOT / "build" / "trust-tools" / "bin" / "actionlint"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
ACTION = "versioner-io/libversioner/integrations/github-action"
VERSION = re.search(
    r'^\[workspace\.package\]$.*?^version = "(.+?)"$',
    (ROOT / "Cargo.toml").read_text(encoding="utf-8"),
    re.M | re.S,
)[1]


def examples(path):
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [text for language, text in found if language == "yaml"]


def indented(text, by):
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def workflow(text):
    """A whole workflow of an example, which has jobs or only steps."""
    if not isinstance(yaml.safe_load(text), dict):
        text = f"jobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n{indented(text, 6)}"
    return f"on: push\n{text}"


class Examples(unittest.TestCase):
    def test_github(self):
        action = yaml.safe_load((INTEGRATIONS / "github-action" / "action.yml").read_text(encoding="utf-8"))
        texts = [workflow(text) for text in examples(INTEGRATIONS / "github-action" / "README.md")]
        self.assertEqual(3, len(texts))
        ran = set()
        for text in texts:
            steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
            (own,) = [step for step in steps if step.get("uses", "").startswith(ACTION)]
            self.assertEqual(f"{ACTION}@v{VERSION}", own["uses"])
            self.assertLessEqual(set(own["with"]), set(action["inputs"]))
            ran.add(own["with"].get("run", action["inputs"]["run"]["default"]))
            if ACTIONLINT.exists():
                lint = subprocess.run([ACTIONLINT, "-"], input=text, text=True, capture_output=True)
                self.assertEqual(0, lint.returncode, f"{lint.stdout}\n{text}")
        # What it can be told to do, each once.
        self.assertEqual(
            ran, set(re.findall(r"`(\w+)`", action["inputs"]["run"]["description"])) - {"versioner"}
        )

    def test_gitlab(self):
        used = set()
        for text in examples(INTEGRATIONS / "gitlab" / "README.md"):
            pipeline = yaml.safe_load(text)
            (include,) = pipeline.pop("include")
            name, version = re.fullmatch(
                r"\$CI_SERVER_FQDN/ci/versioner/(\w+)@(.+)", include["component"]
            ).groups()
            self.assertEqual(VERSION, version)
            template = (INTEGRATIONS / "gitlab" / "templates" / f"{name}.yml").read_text(encoding="utf-8")
            inputs = next(yaml.safe_load_all(template))["spec"]["inputs"]
            for key, value in include["inputs"].items():
                self.assertIn(key, inputs)
                self.assertIn(value, inputs[key].get("options", [value]))
            for job in pipeline.values():
                self.assertEqual(inputs["job"]["default"], job["extends"])
            used.add(f"{name}.yml")
        self.assertEqual(used, {path.name for path in (INTEGRATIONS / "gitlab" / "templates").iterdir()})


if __name__ == "__main__":
    unittest.main()
