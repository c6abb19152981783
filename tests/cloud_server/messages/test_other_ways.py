"""Mail and chat services against servers on this machine: what arrives, what a refusal means, no address leaks."""

import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cloud_server.messages.other_ways import AppriseWays, BadAddress
from cloud_server.ports.messages import NotSent

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""One of the library's own plugins imports it where Python still has it."""
TITLE, TEXT = "滨江商业街: 数据采集箱失联", "滨江商业街告警（严重）：A1 数据采集箱失联，11-22 13:40起，尚无人确认。"


class _Http(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.status = 200
        self.bodies: list[tuple[str, bytes]] = []


class _Posted(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Http)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.bodies.append((self.path, body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"errcode": 0, "code": 0}')

    def log_request(self, *_: object) -> None:
        return


class _Smtp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mailed)
        self.mails: list[tuple[str, bytes]] = []
        self.refuses = False


class _Mailed(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """As much of RFC 5321 as a sender needs."""
        assert isinstance(self.server, _Smtp)
        self.wfile.write(b"220 mail.test\r\n")
        to = ""
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (data := self.rfile.readline()) != b".\r\n":
                    lines.append(data)
                self.server.mails.append((to, b"".join(lines)))
                self.wfile.write(b"250 taken\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            elif word == b"RCPT":
                to = line.decode().strip()
                self.wfile.write(b"550 nobody here\r\n" if self.server.refuses else b"250 ok\r\n")
            else:
                self.wfile.write(b"250 ok\r\n")


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        address = server.server_address
        assert isinstance(address, tuple)
        yield int(address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("scheme", ["json", "form", "xml"])
def test_a_webhook_gets_title_and_text(scheme: str) -> None:
    server = _Http()
    with serving(server) as port:
        ways = AppriseWays({"群": f"{scheme}://127.0.0.1:{port}/hook/secret-token"})
        assert ways.names() == ("群",)
        ways.send("群", TITLE, TEXT)
    ((path, body),) = server.bodies
    assert path.rstrip("/") == "/hook/secret-token"
    if scheme == "json":
        said = json.loads(body)
        assert (said["title"], said["message"]) == (TITLE, TEXT)
    else:
        assert b"A1" in body


def test_a_service_that_says_no_was_not_told() -> None:
    server = _Http()
    server.status = 503
    with serving(server) as port, pytest.raises(NotSent, match="群 did not take it"):
        AppriseWays({"群": f"json://127.0.0.1:{port}/"}).send("群", TITLE, TEXT)
    with pytest.raises(NotSent):
        AppriseWays({"群": f"json://127.0.0.1:{port}/"}).send("群", TITLE, TEXT)


def test_mail_arrives_in_chinese() -> None:
    server = _Smtp()
    with serving(server) as port:
        address = f"mailto://127.0.0.1:{port}?from=centre@site.test&to=duty@site.test&mode=insecure"
        AppriseWays({"邮件": address}).send("邮件", TITLE, TEXT)
        server.refuses = True
        with pytest.raises(NotSent):
            AppriseWays({"邮件": address}).send("邮件", TITLE, TEXT)
    ((to, raw),) = server.mails
    assert "duty@site.test" in to
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["subject"] == TITLE
    body = mail.get_body(("plain",))
    assert body is not None
    assert TEXT in body.get_content()


@pytest.mark.parametrize(
    "address",
    [
        "wecombot://693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",
        "dingtalk://abcdefghijklmnopqrstuvwxyz@13800000000",
        "feishu://abcdefghijklmnopqrstuvwxyz",
        "jsons://hooks.site.test/path",
        "mailtos://user:password@mail.site.test?to=duty@site.test",
    ],
)
def test_the_services_of_the_trade_are_understood(address: str) -> None:
    assert AppriseWays({"x": address}).names() == ("x",)


def test_a_bad_address_is_named_without_being_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadAddress, match="群: its address") as found:
        AppriseWays({"群": "nosuch://secret-token"})
    assert "secret-token" not in str(found.value)


def test_a_way_that_is_not_configured_is_refused_for_good() -> None:
    with pytest.raises(NotSent) as found:
        AppriseWays({}).send("群", TITLE, TEXT)
    assert found.value.lasting
