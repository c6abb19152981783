"""WeCom, DingTalk and Feishu, as far as this machine can play them: their names lead through a proxy to a server here,
whose certificate is trusted for the test alone. What is posted, and what each kind of answer means.
"""

import base64
import hashlib
import hmac
import json
import socketserver
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509

from cloud_server.messages.other_ways import AppriseWays
from cloud_server.ports.messages import NotKnown, NotSent
from tests.cloud_server.messages.test_other_ways import TEXT, TITLE, serving
from tests.fakes.certificates import write_self_signed

HOSTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn")
WECOM = "wecombot://693a91f6-7aaa-4bc4-97a0-0ec2sifa5aaa"
DINGTALK = "dingtalk://SECsecret@abcdefghijklmnopqrstuvwxyz/13800000000"
FEISHU = "feishu://abcdefghijklmnopqrstuvwxyz"

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""One of the library's own plugins imports it where Python still has it."""


class Services(socketserver.ThreadingTCPServer):
    """A proxy that ends every tunnel itself, and answers as it is told."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(certificate)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: bytes | None = b'{"errcode":0,"errmsg":"ok"}'
        self.status = "200 OK"


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Services)
        host = self.rfile.readline().split()[1].decode().split(":")[0]
        while self.rfile.readline() not in (b"\r\n", b""):
            continue
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.server.tls.wrap_socket(self.connection, server_side=True) as inside, inside.makefile("rb") as read:
            path = read.readline().split()[1].decode()
            length = 0
            while (line := read.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.server.asked.append((host, path, json.loads(read.read(length))))
            if self.server.answer is not None:
                head = f"HTTP/1.1 {self.server.status}\r\nContent-Length: {len(self.server.answer)}\r\n\r\n"
                inside.sendall(head.encode() + self.server.answer)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [x509.DNSName(host) for host in HOSTS]
    return write_self_signed(tmp_path_factory.mktemp("services") / "services.pem", names)


@pytest.fixture
def services(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    server = Services(certificate)
    with serving(server) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield server


def test_wecom_gets_title_and_text_for_its_key(services: Services) -> None:
    AppriseWays({"群": WECOM}).send("群", TITLE, TEXT)
    ((host, path, body),) = services.asked
    assert (host, path) == (HOSTS[0], "/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2sifa5aaa")
    assert body == {"msgtype": "text", "text": {"content": f"{TITLE}\n{TEXT}"}}


def test_dingtalk_gets_a_signature_over_the_time_and_calls_whom_it_may(services: Services) -> None:
    AppriseWays({"群": DINGTALK}).send("群", TITLE, TEXT)
    ((host, path, body),) = services.asked
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    signed = hmac.new(b"SECsecret", f"{query['timestamp']}\nSECsecret".encode(), hashlib.sha256).digest()
    assert host == HOSTS[1]
    assert query["access_token"] == "abcdefghijklmnopqrstuvwxyz"
    assert base64.b64decode(query["sign"]) == signed
    assert body["text"]["content"] == f"{TITLE}\n{TEXT}"
    assert body["at"]["atMobiles"] == ["13800000000"]


def test_feishu_gets_title_and_text_at_its_own_address(services: Services) -> None:
    services.answer = b'{"code":0,"msg":"success","data":{}}'
    AppriseWays({"群": FEISHU}).send("群", TITLE, TEXT)
    ((host, path, body),) = services.asked
    assert (host, path) == (HOSTS[2], "/open-apis/bot/v2/hook/abcdefghijklmnopqrstuvwxyz")
    assert body == {"msg_type": "text", "content": {"text": f"{TITLE}\n{TEXT}"}}


@pytest.mark.parametrize(
    ("address", "answer", "words"),
    [
        (WECOM, '{"errcode":93000,"errmsg":"invalid webhook url"}', "93000 invalid webhook url"),
        (WECOM, '{"errcode":45009,"errmsg":"api freq out of limit"}', "45009 api freq out of limit"),
        (DINGTALK, '{"errcode":310000,"errmsg":"keywords not in content"}', "310000 keywords not in content"),
        (FEISHU, '{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}', "19001 param invalid"),
    ],
)
def test_a_no_that_comes_with_status_200_is_a_no(services: Services, address: str, answer: str, words: str) -> None:
    services.answer = answer.encode()
    with pytest.raises(NotSent, match=f"群 did not take it: {words}") as found:
        AppriseWays({"群": address}).send("群", TITLE, TEXT)
    assert "abcdefghij" not in str(found.value)
    assert "693a91f6" not in str(found.value)


def test_an_error_status_is_a_no(services: Services) -> None:
    services.status = "502 Bad Gateway"
    with pytest.raises(NotSent, match="群 answered 502"):
        AppriseWays({"群": WECOM}).send("群", TITLE, TEXT)


@pytest.mark.parametrize("answer", [None, b"<html>", b"[]", b'{"ok":true}'])
def test_an_answer_that_was_not_heard_or_understood_is_not_known(services: Services, answer: bytes | None) -> None:
    services.answer = answer
    with pytest.raises(NotKnown, match="群"):
        AppriseWays({"群": WECOM}).send("群", TITLE, TEXT)
    assert len(services.asked) == 1


def test_a_service_that_is_not_reached_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(NotSent, match="群 was not reached"):
        AppriseWays({"群": FEISHU}).send("群", TITLE, TEXT)
