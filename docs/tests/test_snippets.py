"""Every command and snippet of the site's own pages, and of OPERATIONS.md, run against a server of its
own as somebody pastes it. Those of the READMEs are run by scripts/readme*.sh and the bindings' tests.

Usage: VERSIONER_PROGRAMS=FOLDER python -m unittest discover docs/tests
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "pages"
PROGRAMS = Path(os.environ["VERSIONER_PROGRAMS"]).resolve()
ACTIONLINT = ROOT / "build" / "trust-tools" / "bin" / "actionlint"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
# What a page says that somebody else's program does, in so far as the snippet depends on it.
STUBS = {
    "terraform": """
echo "terraform $*" >>"$STORY"
case "$*" in *-detailed-exitcode*) exit "${CHANGES:-2}" ;; esac
""",
    "helm": 'echo "helm $*" >>"$STORY"',
    "kubectl": 'echo "kubectl $*" >>"$STORY"',
}


# How the snippets of OPERATIONS.md are run where neither the database nor the rows that they name are.
JUDGES = """
createdb() { :; }
# The flags are ones that the command has.
has_flags() { # COMMAND... FLAG...
    local word help words=()
    for word; do case $word in -*) break ;; *) words+=("$word") ;; esac; done
    help=$(command versioner-server "${words[@]}" --help)
    for word; do
        case $word in
            --*) grep -qw -- "$word" <<<"$help" || { echo "${words[*]} has no $word"; return 1; } ;;
        esac
    done
}
versioner-server() {
    case "$1" in
        # A server that would be started says its settings instead, which judges the same flags.
        --*) command versioner-server config "$@" ;;
        copy) has_flags copy "${@:2}" ;;
        queue) has_flags queue "${@:2}" ;;
        sources) has_flags sources "${@:2}" ;;
        *) command versioner-server "$@" ;;
    esac
}
"""


def blocks(path):
    return BLOCK.findall(path.read_text(encoding="utf-8"))


class Snippets(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="versioner-docs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.folder / "data"
        self.server = subprocess.Popen(
            [PROGRAMS / "versioner-server", "--data", self.data, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addCleanup(self.stop)
        said = {}
        for line in self.server.stdout:
            word, _, rest = line.strip().rpartition(" ")
            said[word] = rest
            if word == "Listening on":
                break
        binaries = self.folder / "bin"
        binaries.mkdir()
        for name in ("versioner", "versioner-server"):
            (binaries / name).symlink_to(PROGRAMS / name)
        for name, does in STUBS.items():
            self.write(binaries / name, f"#!/bin/sh\n{does}\n")
        self.story = self.folder / "story"
        self.story.touch()
        self.work = self.folder / "work"
        self.work.mkdir()
        self.write(
            self.work / "deploy.sh",
            '#!/bin/sh\necho "deployed $VERSIONER_RUN_VERSION" >>"$STORY"\n',
        )
        self.environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "STORY": str(self.story),
            "VERSIONER_API_URL": said["Listening on"],
            "VERSIONER_API_KEY": said["API key (shown once):"],
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.run_shell(
            "git init -q; git config user.name Ada; git config user.email ada@example.com;"
            " git commit -q --allow-empty -m 'A first one'"
        )

    def stop(self):
        self.server.terminate()
        self.server.wait()
        self.server.stdout.close()

    def write(self, path, text):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def run_shell(self, script, code=0, **more):
        """Runs it as a CI does, and gives what it said."""
        ran = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=self.work,
            env=self.environment | more,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        self.assertEqual(code, ran.returncode, f"{script}\n{ran.stdout}")
        return ran.stdout

    def told(self):
        return self.story.read_text(encoding="utf-8").splitlines()

    def history(self):
        said = self.run_shell("versioner history --output json")
        return json.loads(said)["data"]["items"]

    def stop_everything(self):
        self.run_shell(
            f"versioner-server all-stop set --data {self.data} --account local --for 1h --message 'Not today'"
        )

    def test_every_block_of_our_pages_is_of_a_page_that_is_run(self):
        run = {"ci/github.md", "ci/gitlab.md", "deploy/terraform.md", "deploy/helm.md"}
        have = {page.relative_to(PAGES).as_posix() for page in PAGES.rglob("*.md") if blocks(page)}
        self.assertEqual(run, have)

    def test_github(self):
        ((language, text),) = blocks(PAGES / "ci/github.md")
        self.assertEqual("yaml", language)
        if ACTIONLINT.exists():
            lint = subprocess.run([ACTIONLINT, "-"], input=text, text=True, capture_output=True)
            self.assertEqual(0, lint.returncode, lint.stdout)
        (job,) = yaml.safe_load(text)["jobs"].values()
        commands = [step["run"] for step in job["steps"] if "run" in step]
        files = {name: str(self.folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        run = files | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/api",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SERVER_URL": "https://github.example.com",
            "GITHUB_REF_TYPE": "tag",
            "GITHUB_REF_NAME": "v1.2.3",
            "GITHUB_REF": "refs/tags/v1.2.3",
            "GITHUB_SHA": "4f1c2b7e9d3a5f6001234567890abcdef0123456",
            "GITHUB_ACTOR": "ada",
        }
        for command in commands:
            self.run_shell(command, **run)
        self.assertEqual(["deployed v1.2.3"], self.told())
        outputs = Path(files["GITHUB_OUTPUT"]).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+_id)`", (PAGES / "ci/github.md").read_text(encoding="utf-8")):
            self.assertIn(f"{name}=", outputs)
        self.assertIn("https://github.example.com/acme/api/actions/runs/7", json.dumps(self.history()))

        self.stop_everything()
        said = self.run_shell(commands[-1], code=5, **run | {"GITHUB_RUN_ID": "8"})
        self.assertIn("::error", said)
        self.assertIn("Not today", Path(files["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8"))
        self.assertEqual(["deployed v1.2.3"], self.told())

    def test_gitlab(self):
        ((language, text),) = blocks(PAGES / "ci/gitlab.md")
        self.assertEqual("yaml", language)
        jobs = yaml.safe_load(text)
        run = {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PROJECT_PATH": "acme/api",
            "CI_COMMIT_SHORT_SHA": "4f1c2b7e",
            "CI_COMMIT_SHA": "4f1c2b7e9d3a5f6001234567890abcdef0123456",
            "CI_PIPELINE_ID": "7",
            "CI_JOB_ID": "70",
            "CI_JOB_URL": "https://gitlab.example.com/acme/api/-/jobs/70",
            "GITLAB_USER_LOGIN": "ada",
        }
        for stage in jobs["stages"]:
            self.run_shell("\n".join(jobs[stage]["script"]), **run)
        self.assertEqual(["deployed 4f1c2b7e"], self.told())
        self.assertIn("https://gitlab.example.com/acme/api/-/jobs/70", json.dumps(self.history()))

        self.stop_everything()
        said = self.run_shell(
            "\n".join(jobs["deploy"]["script"]),
            code=5,
            **run | {"CI_PIPELINE_ID": "8", "CI_JOB_ID": "80"},
        )
        self.assertIn("Not today", said)
        self.assertEqual(["deployed 4f1c2b7e"], self.told())

    def test_terraform(self):
        plain, careful = (text for _, text in blocks(PAGES / "deploy/terraform.md"))
        self.run_shell(plain)
        self.assertEqual(["terraform plan -out=tfplan", "terraform apply -input=false tfplan"], self.told())
        self.run_shell(careful)
        self.assertEqual("terraform apply -input=false tfplan", self.told()[-1])
        before = self.history()
        self.assertIn("Nothing to deploy", self.run_shell(careful, CHANGES="0"))
        self.run_shell(careful, code=1, CHANGES="1")
        self.assertEqual(before, self.history())

        self.stop_everything()
        self.run_shell(plain, code=5)
        self.assertEqual("terraform plan -out=tfplan", self.told()[-1])

    def test_helm(self):
        for _, text in blocks(PAGES / "deploy/helm.md"):
            self.run_shell(text)
        self.assertEqual(
            ["helm upgrade", "helm rollback", "kubectl apply", "kubectl rollout"],
            [" ".join(line.split()[:2]) for line in self.told()],
        )
        self.assertEqual(["completed"] * 3, [deployment["status"] for deployment in self.history()])

    def test_operations(self):
        places = {
            "/var/lib/versioner": f"{self.data}",
            "/backup/": f"{self.folder}/backup-",
            "/etc/": f"{self.folder}/etc-",
        }
        script = [JUDGES]
        (self.folder / "etc-versioner-openid").write_text("secret", encoding="utf-8")
        for language, text in blocks(ROOT / "server/OPERATIONS.md"):
            for path, place in places.items():
                text = text.replace(path, place)
            if language == "toml":
                settings = self.folder / "etc-versioner-server.toml"
                settings.write_text(text, encoding="utf-8")
                text = f"versioner-server config --config {settings}\n"
            if language == "json":
                # The body of a source, which the server takes.
                self.run_shell(
                    'curl -fsS -H "Authorization: Bearer $VERSIONER_API_KEY"'
                    ' -H "Content-Type: application/json"'
                    ' -d "$BODY" "$VERSIONER_API_URL/sources/"',
                    BODY=text,
                )
                continue
            if "people erase" in text:
                # Somebody who is there; the last admin is never erased.
                add = text.replace("erase", "add --name Grace --role viewer")
                script.append(add.replace("grace@", "--email grace@"))
            script.append(text)
        self.run_shell("\n".join(script), DATABASE="postgres://versioner@db.example.com/versioner")

    def test_senders(self):
        """What is pasted at senders that are not here is of the kind that they take."""
        words = [PROGRAMS / "versioner-server", "sources", "guide"]
        guide = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        kinds = [
            document.get("kind") or next(iter(document))
            for language, text in BLOCK.findall(guide)
            if language == "yaml"
            for document in yaml.safe_load_all(text)
        ]
        self.assertEqual(["service.webhook.versioner", "metadata", "Secret", "Provider", "Alert"], kinds)
        for language, text in BLOCK.findall(guide):
            if language == "sh" and text.startswith("kubectl"):
                self.run_shell(text)
        self.assertEqual(
            ["kubectl -n argocd", "kubectl -n tekton-pipelines"],
            [" ".join(line.split()[:3]) for line in self.told()],
        )
        for line in self.told():
            json.loads(line.split("--patch ")[1])


if __name__ == "__main__":
    unittest.main()
