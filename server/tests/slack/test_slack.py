"""Slack's own library against the fake and the server: it signs, it validates every message, and its clients
prove that the fake is like Slack."""

import json
import os
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

PATIENCE = 20
# What somebody can call things, to break a message.
HOSTILE = "<!channel> & *bold* `x` " + "é" * 200


def fetch(method, url, body=None, headers=None):
    """The status and the JSON of an answer."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    all_headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data=data, headers=all_headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def until(what, look):
    """What `look` finds, which it must find soon."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not yet")


class Fake:
    """The fake, as a program."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["FAKE_SLACK"]], stdout=subprocess.PIPE, text=True)
        self.about = json.loads(self.process.stdout.readline())
        self.base = self.about["api"].removesuffix("api/")

    def state(self):
        return fetch("GET", f"{self.base}fake/state")[1]

    def do(self, what, **asked):
        return fetch("POST", f"{self.base}fake/{what}", asked)[1]

    def message(self, text):
        """The message in which this stands."""
        return until(
            text,
            lambda: next((m for m in self.state()["messages"] if text in json.dumps(m)), None),
        )

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Server:
    """A server that Slack is reached for."""

    def __init__(self, fake, **setting):
        self.fake = fake
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        arguments = ["--data", folder / "data", "--listen", "127.0.0.1:0"]
        arguments += ["--first-key-file", folder / "key", "--slack-api-url", fake.about["api"]]
        arguments += ["--public-url", "https://versioner.example.com"]
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [os.environ["VERSIONER_SERVER"], *arguments],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        for line in self.process.stdout:
            if line.startswith("Listening on "):
                self.url = line.split()[-1]
                break
        self.key = (folder / "key").read_text().strip()
        about = {name: fake.about[name] for name in ("team_id", "app_id", "bot_token")}
        channels = [{"channel": "C0RELEASES"}]
        self.api("PUT", "/slack/", {**about, "channels": channels, **setting}, 200)

    def api(self, method, path, body, expected):
        headers = {"Authorization": f"Bearer {self.key}"}
        status, answer = fetch(method, self.url + path, body, headers)
        assert status == expected, (path, status, answer)
        return answer

    def deploy(self, version, environment, status, expected=200, **more):
        event = {"version": version, "environment_name": environment, "status": status}
        event = {"product_name": "api", **event, **more}
        return self.api("POST", "/deployment-events/", event, expected)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.folder.cleanup()


def blocks_are_good(message):
    """Holds a message against the models of the library, which know every limit."""
    blocks = message["blocks"]
    assert 0 < len(blocks) <= 50
    assert message["text"], "what a screen reader says"
    # In `rich_text` a text is shown as it is; nothing else may have markup but the line for notifications.
    assert "<!channel>" not in message["text"], message["text"]
    assert "mrkdwn" not in json.dumps(message), message
    read = Block.parse_all(blocks)
    assert len(read) == len(blocks), blocks
    for ours, theirs in zip(blocks, read, strict=True):
        theirs.validate_json()
        assert theirs.to_dict() == ours, (theirs.to_dict(), ours)


class TheFake(unittest.TestCase):
    """Slack's own clients take the fake for Slack."""

    def setUp(self):
        self.fake = Fake()
        self.addCleanup(self.fake.stop)
        self.web = WebClient(token=self.fake.about["bot_token"], base_url=self.fake.about["api"])

    def test_the_web_client_posts_changes_and_opens(self):
        self.assertEqual(self.web.auth_test()["team_id"], self.fake.about["team_id"])
        posted = self.web.chat_postMessage(channel="C1", text="one")
        changed = self.web.chat_update(channel="C1", ts=posted["ts"], text="two", blocks=[])
        self.assertEqual(changed["ts"], posted["ts"])
        self.assertEqual(self.fake.message("two")["channel"], "C1")
        view = {"type": "modal", "callback_id": "x", "title": {"type": "plain_text", "text": "x"}}
        self.assertTrue(self.web.views_open(trigger_id="1.x", view=view)["view"]["id"])
        self.assertTrue(self.web.conversations_info(channel="C1")["channel"]["id"])

    def test_it_refuses_as_slack_does(self):
        with self.assertRaises(SlackApiError) as caught:
            self.web.chat_postMessage(channel="C0GONE", text="x")
        self.assertEqual(caught.exception.response["error"], "channel_not_found")
        other = WebClient(token="xoxb-other", base_url=self.fake.about["api"])
        with self.assertRaises(SlackApiError) as caught:
            other.auth_test()
        self.assertEqual(caught.exception.response["error"], "invalid_auth")

    def test_the_socket_client_hears_and_acknowledges(self):
        heard, came = [], threading.Event()

        def listen(client, request):
            heard.append(request)
            answer = SocketModeResponse(request.envelope_id, {"text": "pong"})
            client.send_socket_mode_response(answer)
            came.set()

        client = SocketModeClient(app_token=self.fake.about["app_token"], web_client=self.web)
        client.socket_mode_request_listeners.append(listen)
        client.connect()
        self.addCleanup(client.close)
        until("a socket", lambda: self.fake.state()["opened"])
        envelope = self.fake.do("command", text="ping")["envelope_id"]
        self.assertTrue(came.wait(PATIENCE))
        self.assertEqual((heard[0].type, heard[0].payload["text"]), ("slash_commands", "ping"))
        answers = until("an acknowledgement", lambda: self.fake.state()["acknowledged"].get(envelope))
        self.assertEqual(answers, {"text": "pong"})


class TheServer(unittest.TestCase):
    """The server, with what Slack's own library signs and validates."""

    def setUp(self):
        self.fake = Fake()
        self.addCleanup(self.fake.stop)

    def start(self, **setting):
        server = Server(self.fake, **setting)
        self.addCleanup(server.stop)
        return server

    def sign(self, server, fields, change=lambda body: body):
        body = urllib.parse.urlencode(fields)
        stamp = str(int(time.time()))
        signature = SignatureVerifier(self.fake.about["signing_secret"]).generate_signature(
            timestamp=stamp, body=body
        )
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature,
        }
        return fetch("POST", f"{server.url}/slack/commands", change(body).encode(), headers)

    def command(self, text):
        return {
            "command": "/versioner",
            "text": text,
            "user_id": "U0ADA",
            "user_name": "ada",
            "team_id": self.fake.about["team_id"],
            "api_app_id": self.fake.about["app_id"],
            "channel_id": "C0RELEASES",
            "trigger_id": "1.x",
        }

    def test_what_the_library_signs_is_heard_and_nothing_else(self):
        server = self.start(signing_secret=self.fake.about["signing_secret"])
        status, answer = self.sign(server, self.command("help"))
        self.assertEqual(status, 200, answer)
        status, _ = self.sign(server, self.command("help"), lambda body: body + "&x=1")
        self.assertEqual(status, 401)
        # The bytes as they came are signed, not what they stand for.
        status, _ = self.sign(server, self.command("a b"), lambda b: b.replace("a+b", "a%20b"))
        self.assertEqual(status, 401)

    def test_every_answer_is_within_the_limits(self):
        server = self.start(signing_secret=self.fake.about["signing_secret"])
        for number in range(40):
            name = f"{number} {HOSTILE}"
            server.deploy("1.0.0", "production", "completed", product_name=name)
            server.deploy("1.1.0", "staging", "completed", product_name=name)
        sentences = ["help", "state", "history", "diff staging production", "gate api 1 production"]
        sentences += ["state x", "link", "waiting", f"state {HOSTILE}", "who 1 prod", "x" * 3000]
        for text in sentences:
            status, answer = self.sign(server, self.command(text))
            self.assertEqual(status, 200, answer)
            blocks_are_good(answer)

    def test_every_message_is_within_the_limits_and_asks_over_a_socket(self):
        server = self.start(app_token=self.fake.about["app_token"])
        for number in range(8):
            rule = {"name": f"{number} {HOSTILE}", "type": "release_approval", "create": True}
            rule |= {"environments": ["production"], "config": {"required_approvals": 1}}
            server.api("POST", "/deployment-rules/", rule, 201)
        version = f"1.0.0 {HOSTILE}"
        about = {"product_name": HOSTILE, "deployed_by": HOSTILE, "scm_branch": HOSTILE}
        build = {"product_name": HOSTILE, "version": version, "status": "completed"}
        server.api("POST", "/build-events/", build, 200)
        server.deploy(version, "production", "started", 428, invoke_id="1", **about)
        self.fake.message("waits for approval")
        server.deploy(version, "staging", "started", invoke_id="1", **about)
        self.fake.message("In progress")
        server.deploy(version, "staging", "failed", invoke_id="1", **about)
        self.fake.message("reply_broadcast")
        for message in self.fake.state()["messages"]:
            blocks_are_good(message)
        envelope = self.fake.do("command", text="state public")["envelope_id"]
        answer = until("an answer", lambda: self.fake.state()["acknowledged"].get(envelope))
        blocks_are_good(answer)
        self.assertEqual(answer["response_type"], "in_channel")

    def test_the_window_is_within_the_limits(self):
        server = self.start(app_token=self.fake.about["app_token"])
        person = {"name": "Ada", "role": "admin"}
        person["logins"] = [{"source_system": "slack", "host": self.fake.about["team_id"], "login": "U0ADA"}]
        server.api("POST", "/people/", person, 201)
        rule = {"name": "A yes", "type": "release_approval", "create": True}
        rule |= {"environments": ["production"], "config": {"required_approvals": 1}}
        server.api("POST", "/deployment-rules/", rule, 201)
        build = {"product_name": HOSTILE, "version": "1.0.0", "status": "completed"}
        server.api("POST", "/build-events/", build, 200)
        server.deploy("1.0.0", "production", "started", 428, product_name=HOSTILE)
        self.fake.message("waits for approval")
        self.fake.do("click", action="refuse_release", user="U0ADA")
        opened = until(
            "a window",
            lambda: [view for method, view in self.fake.state()["calls"] if method == "views.open"],
        )
        view = {key: value for key, value in opened[0].items() if key != "id"}
        View(**view).validate_json()
        blocks_are_good({"text": "x", "blocks": view["blocks"]})


if __name__ == "__main__":
    unittest.main()
