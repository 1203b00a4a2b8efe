"""Takes e-mail over TLS from whoever logs in, and writes what each says as a line of JSON."""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Handler:
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        told = {
            "to": envelope.rcpt_tos,
            "subject": message["subject"],
            "defects": len(message.defects),
            "text": parts.get("text/plain"),
            "html": parts.get("text/html"),
        }
        print(json.dumps(told), flush=True)
        return "250 taken"


def knows(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data.login == b"versioner" and data.password == b"a password")


def speak() -> SMTP:
    return SMTP(Handler(), authenticator=knows, auth_required=True, auth_require_tls=False)


async def main() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])
    server = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
