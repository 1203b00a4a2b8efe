#!/usr/bin/env python3
"""Plays Maven Central's portal, as far as publish-java.sh talks to it, and judges what is uploaded.

Usage: central.py TOKEN FOLDER VERDICT   prints its address; keeps the bundle in FOLDER/bundle.zip
"""

import base64
import email
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

token, folder, verdict = sys.argv[1:]
states = iter(["PENDING", "VALIDATING"])


class Portal(BaseHTTPRequestHandler):
    def do_POST(self):
        where = urlsplit(self.path)
        query = parse_qs(where.query)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers["Authorization"] != "Bearer " + base64.b64encode(token.encode()).decode():
            return self.answer(401, "Unauthorized")
        if where.path == "/api/v1/publisher/upload":
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            (part,) = email.message_from_bytes(head + body).get_payload()
            named = part.get_param("name", header="content-disposition")
            if (named, part.get_content_type()) != ("bundle", "application/octet-stream"):
                return self.answer(400, "no bundle")
            if query["publishingType"] != ["AUTOMATIC"] or not part.get_filename():
                return self.answer(400, "nobody would publish it")
            Path(folder, "bundle.zip").write_bytes(part.get_payload(decode=True))
            return self.answer(201, "28570f16-da32-4c14-bd2e-c1acc0782365")
        if where.path == "/api/v1/publisher/status" and query["id"] == [
            "28570f16-da32-4c14-bd2e-c1acc0782365"
        ]:
            return self.answer(
                200, f'{{"deploymentState": "{next(states, verdict)}", "errors": {{"pkg": ["why"]}}}}'
            )
        return self.answer(404, "Not found")

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Portal)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
