"""The sync worker against a real HTTPS server: the newest request wins, nobody else is believed, faults are sorted."""

import http.server
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.clock import SystemClock
from edge_agent.ports import Blame, Exchange, ExchangeAnswered, ExchangeFailed, ExchangeReport
from edge_agent.sync import https
from edge_agent.sync.identity import ClaimedPlace, Identity, make_identity
from edge_agent.sync.uplink import HttpsUplink
from protocol.envelope import write_body
from protocol.signing import signing_key
from tests.busy import busy
from tests.edge_agent.rig import keys_line
from tests.fakes.fake_centre import Authority, make_authority

LINE = keys_line()


class Peer:
    """Answers every POST as the test says."""

    def __init__(self, certificate: Path) -> None:
        self.asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.hold = threading.Event()
        self.hold.set()
        self.status, self.headers, self.body = 200, {"Content-Encoding": "zstd"}, write_body([LINE], "zstd")
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                peer.asked.put(self.rfile.read(int(self.headers["Content-Length"])))
                peer.hold.wait(20)
                self.send_response(peer.status)
                for name, value in {**peer.headers, "Content-Length": str(len(peer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(peer.body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A connection that was dropped is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def peer(authority: Authority) -> Iterator[Peer]:
    found = Peer(authority.certificate)
    yield found
    found.hold.set()
    found.server.shutdown()
    found.server.server_close()


def identity_of(folder: Path, ca_pem: str) -> Identity:
    place = ClaimedPlace("1" * 32, "2" * 32, "A1", "https://x", signing_key(b"r" * 32).public.text)
    return make_identity(folder, place, ca_pem)


class Sent:
    """An uplink with what it reported."""

    def __init__(self, url: str, identity: Identity) -> None:
        self.reports: queue.SimpleQueue[ExchangeReport] = queue.SimpleQueue()
        self.clock = SystemClock()
        self.uplink = HttpsUplink(url, identity.tls_context, self.reports.put, self.clock)
        self.uplink.start()

    def send(self, number: int, wait_s: int = 0) -> None:
        self.uplink.send(Exchange(number, "/v1/box/sync", (LINE,), wait_s))

    def failure(self) -> ExchangeFailed:
        report = self.reports.get(timeout=30)
        assert isinstance(report, ExchangeFailed)
        return report


@pytest.fixture
def sent(peer: Peer, authority: Authority, tmp_path: Path) -> Iterator[Sent]:
    found = Sent(peer.url, identity_of(tmp_path, authority.ca_pem))
    yield found
    assert found.uplink.stop()


def test_lines_go_up_and_come_down(sent: Sent, peer: Peer) -> None:
    sent.send(7)
    report = sent.reports.get(timeout=30)
    assert isinstance(report, ExchangeAnswered)
    assert (report.number, [line.raw for line in report.lines]) == (7, [LINE.raw])
    assert peer.asked.get(timeout=30) == write_body([LINE], "zstd")
    assert 0 <= report.round_trip_ms < 10_000


def test_the_newest_request_wins_and_the_older_one_is_never_reported(sent: Sent, peer: Peer) -> None:
    peer.hold.clear()
    sent.send(1, wait_s=20)
    peer.asked.get(timeout=30)
    sent.send(2)
    peer.asked.get(timeout=30)
    peer.hold.set()
    report = sent.reports.get(timeout=30)
    assert report.number == 2
    with pytest.raises(queue.Empty):
        sent.reports.get(timeout=0.3)


@pytest.mark.parametrize(
    ("status", "blame", "retry"),
    [(400, Blame.OURS, None), (413, Blame.OURS, None), (415, Blame.OURS, None), (401, Blame.THEIRS, None),
     (429, Blame.THEIRS, 30), (503, Blame.THEIRS, 30), (500, Blame.THEIRS, None)],
)  # fmt: skip
def test_a_refusal_has_its_blame_and_the_words_of_the_centre(
    sent: Sent, peer: Peer, status: int, blame: Blame, retry: int | None
) -> None:
    peer.status, peer.body = status, b'{"title": "No", "detail": "not like this"}'
    peer.headers = {} if retry is None else {"Retry-After": str(retry)}
    sent.send(1)
    failed = sent.failure()
    assert (failed.blame, failed.retry_after_s) == (blame, retry)
    assert failed.detail == f"HTTP {status}: No - not like this"


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, b"<html>a captive portal</html>"), ({"Content-Encoding": "zstd"}, b"no zstd"),
     ({"Content-Encoding": "br"}, b"x"), ({"Content-Encoding": "zstd"}, write_body([LINE], "zstd")[:-4])],
)  # fmt: skip
def test_what_is_no_body_of_lines_is_the_peers_fault(
    sent: Sent, peer: Peer, headers: dict[str, str], body: bytes
) -> None:
    peer.headers, peer.body = headers, body
    sent.send(1)
    assert sent.failure().blame is Blame.THEIRS


def test_an_answer_without_end_is_cut_off(sent: Sent, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.limits.PACKED_BODY_BYTES_MAX", 1_000)
    peer.body = b"x" * 100_000
    sent.send(1)
    assert "more than 1000 bytes" in sent.failure().detail


def test_an_answer_that_trickles_ends_at_the_deadline(sent: Sent, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "ANSWER_S", 0.3)
    peer.hold.clear()
    sent.send(1)
    failed = sent.failure()
    assert failed.blame is Blame.WORLD
    assert "no whole answer" in failed.detail


def test_a_centre_with_another_ca_is_not_spoken_to(peer: Peer, tmp_path: Path) -> None:
    stranger = make_authority(tmp_path)
    sent = Sent(peer.url, identity_of(tmp_path, stranger.ca_pem))
    sent.send(1)
    failed = sent.failure()
    assert failed.blame is Blame.THEIRS
    assert "certificate" in failed.detail
    assert peer.asked.empty()
    assert sent.uplink.stop()


def test_another_name_than_the_certificates_is_not_spoken_to(peer: Peer, authority: Authority, tmp_path: Path) -> None:
    sent = Sent(peer.url.replace("127.0.0.1", "localhost"), identity_of(tmp_path, authority.ca_pem))
    sent.send(1)
    assert sent.failure().blame is Blame.THEIRS
    assert peer.asked.empty()
    assert sent.uplink.stop()


def test_old_tls_is_not_spoken(authority: Authority, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(authority.certificate)
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as server:
        refused: list[OSError] = []

        def accept() -> None:
            try:
                server.accept()
            except OSError as fault:
                refused.append(fault)

        listening = threading.Thread(target=accept, daemon=True)
        listening.start()
        sent = Sent(f"https://127.0.0.1:{server.getsockname()[1]}", identity_of(tmp_path, authority.ca_pem))
        sent.send(1)
        assert sent.failure().blame is Blame.WORLD
        listening.join(5)
        assert "UNSUPPORTED_PROTOCOL" in str(refused[0])
        assert sent.uplink.stop()


def test_nobody_there_is_the_worlds_fault(authority: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
    sent = Sent(address, identity_of(tmp_path, authority.ca_pem))
    sent.send(1)
    assert sent.failure().blame is Blame.WORLD
    assert sent.uplink.stop()


def test_the_worker_shows_that_it_lives_while_it_waits_and_ends_at_once(sent: Sent, peer: Peer) -> None:
    peer.hold.clear()
    sent.send(1, wait_s=20)
    peer.asked.get(timeout=30)
    before = sent.uplink.last_progress_mono_ms
    time.sleep(1.5)
    assert sent.uplink.last_progress_mono_ms > before
    began = time.monotonic()
    assert sent.uplink.stop()
    assert time.monotonic() - began < 2 * busy()


def test_the_environments_proxy_counts_for_nothing(
    peer: Peer, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    sent = Sent(peer.url, identity_of(tmp_path, authority.ca_pem))
    sent.send(1)
    assert isinstance(sent.reports.get(timeout=30), ExchangeAnswered)
    assert sent.uplink.stop()


def test_while_our_clock_is_not_believed_the_ca_counts_and_not_its_dates(tmp_path: Path) -> None:
    """A certificate that ended last month: refused with a sure clock, taken with one that is not; another CA never."""
    ended = make_authority(tmp_path, days=-30)
    peer = Peer(ended.certificate)
    own = Sent(peer.url, identity_of(tmp_path / "own", ended.ca_pem))
    other = Sent(peer.url, identity_of(tmp_path / "other", make_authority(tmp_path).ca_pem))
    try:
        own.send(1)
        failure = own.failure()
        assert failure.blame is Blame.THEIRS
        assert "expired" in failure.detail
        own.uplink.send(Exchange(2, "/v1/box/sync", (LINE,), 0, trust_dates=False))
        assert isinstance(own.reports.get(timeout=30), ExchangeAnswered)
        own.send(3)
        assert own.failure().blame is Blame.THEIRS, "believed again: dates count again, on a connection of its own"
        other.uplink.send(Exchange(1, "/v1/box/sync", (LINE,), 0, trust_dates=False))
        assert other.failure().blame is Blame.THEIRS
    finally:
        assert own.uplink.stop()
        assert other.uplink.stop()
        peer.server.shutdown()
        peer.server.server_close()
