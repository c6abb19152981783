"""A centre for one box: a real HTTPS server on loopback that speaks the protocol with real keys, and obeys the test.

It keeps batches and checks their chain; it knows no ledger. What it answers can be bent by `bend`.
"""

import base64
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocol.box_config import BoxConfig
from protocol.chain import Head
from protocol.commands import KIND_OF, Body, Command, write_command_body
from protocol.config_text import write_config
from protocol.envelope import Line, check_signature, read_body, seal, write_body
from protocol.ids import NO_HASH
from protocol.messages import (
    Answer,
    Batch,
    BatchHead,
    ChainHead,
    Enrol,
    Epoch,
    EpochWhy,
    Keys,
    Renew,
    Sync,
    Verdict,
    VerdictOn,
    read_records,
)
from protocol.payload import Payload, read_payload, write_payload
from protocol.records import Record
from protocol.signing import SigningKey, public_key_from_text, signing_key
from protocol.state import EpochState

Bend = Callable[[list[Line]], list[Line]]


def key(number: int) -> SigningKey:
    """A key of the tests; the same number is the same key."""
    return signing_key(bytes([number]) * 32)


@dataclass
class Authority:
    """A CA and a server certificate for loopback, made once for a whole run of tests."""

    ca_pem: str
    certificate: Path
    ca_key: ec.EllipticCurvePrivateKey
    ca: x509.Certificate

    def sign_csr(self, pem: str, days: int = 397) -> str:
        csr = x509.load_pem_x509_csr(pem.encode())
        return _certificate(csr.subject, csr.public_key(), self.ca.subject, self.ca_key, ca=False, days=days)


def make_authority(folder: Path, days: int = 30) -> Authority:
    """`days`: how long the server's certificate still holds; below 0: so long ago it ended."""
    ca_key, key_ = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
    ca_pem = _certificate(name, ca_key.public_key(), name, ca_key, ca=True)
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "centre")])
    chain = _certificate(server, key_.public_key(), name, ca_key, ca=False, days=days)
    private = key_.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "centre.pem"
    path.write_bytes(chain.encode() + private)
    return Authority(ca_pem, path, ca_key, x509.load_pem_x509_certificate(ca_pem.encode()))


def _certificate(
    subject: x509.Name, public: Any, issuer: x509.Name, by: ec.EllipticCurvePrivateKey, *, ca: bool, days: int = 30
) -> str:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=max(1, 1 - days)))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class FakeCentre:
    """One box's centre. Everything a test wants to see or bend is a field."""

    authority: Authority
    site: str
    box: str
    config: BoxConfig
    root: SigningKey = field(default_factory=lambda: key(1))
    command_key: SigningKey = field(default_factory=lambda: key(2))
    answer_key: SigningKey = field(default_factory=lambda: key(3))
    key_generation: int = 1
    term: int = 1_700_000_000
    confirmed: bool = True
    hold: bool = True
    bend: Bend | None = None
    swallow: int = 0
    """So many answers are computed and then not sent: the connection is cut."""
    record_key: str | None = None
    ahead_ms: int = 0
    """By how much its clock is ahead of the machine's: a box whose clock is moved must not be led back."""
    epoch: Line | None = None
    epoch_number: int = 0
    config_version: int = 1
    commands: list[Line] = field(default_factory=list)
    batches: dict[tuple[int, int], Line] = field(default_factory=dict)
    head: Head = field(default_factory=lambda: Head(0, NO_HASH))
    syncs: list[Sync] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    live_until_ms: int | None = None
    read_now: tuple[str, ...] = ()
    resend_from: int | None = None
    certificate_days: int = 397
    """How long the certificates last that boxes get."""
    renewals: list[str] = field(default_factory=list)
    """Nonces of the requests for a new certificate, each proved."""
    revoked: bool = False

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._request = 0
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.authority.certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        with self._changed:
            self.hold = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # --- what a test asks for -----------------------------------------------------------------------------------

    def claim_text(self, token: str = "ab" * 16) -> str:
        der = ssl.PEM_cert_to_DER_cert(self.authority.ca_pem)
        import hashlib

        return (
            f'format = 1\nsite = "{self.site}"\nbox = "{self.box}"\nbox_name = "A1"\ncentre = "{self.url}"\n'
            f'ca_sha256 = "{hashlib.sha256(der).hexdigest()}"\nroot_key = "{self.root.public.text}"\n'
            f'token = "{token}"\nexpires_at_ms = 4000000000000\nca_pem = """\n{self.authority.ca_pem}"""\n'
        )

    def keys_line(self) -> Line:
        keys = Keys(
            site=self.site,
            key_generation=self.key_generation,
            command_keys=[self.command_key.public.text],
            answer_keys=[self.answer_key.public.text],
            issued_at_ms=1,
        )
        return self.seal("keys", keys, self.root)

    def open_epoch(self, why: EpochWhy = "enrolled", state: EpochState | None = None, **changes: Any) -> Line:
        assert self.record_key is not None
        last = self.commands[-1] if self.commands else None
        self.epoch_number += 1
        epoch = Epoch(
            site=self.site,
            box=self.box,
            epoch=self.epoch_number,
            term=self.term,
            record_key=self.record_key,
            commands_base=ChainHead(seq=len(self.commands), hash=last.hash if last else NO_HASH),
            config_version=self.config_version,
            config=write_config(self.config),
            state=state or EpochState(wallets=[], meters=[], open_reclaims=[]),
            why=why,
            issued_at_ms=1,
        )
        with self._changed:
            self.epoch = self.seal("epoch", msgspec.structs.replace(epoch, **changes), self.command_key)
            self.head = Head(0, self.epoch.hash)
            self._changed.notify_all()
        return self.epoch

    def command(self, body: Body, /, **changes: Any) -> Line:
        """Sign the next command and wake the waiting request."""
        with self._changed:
            last = self.commands[-1] if self.commands else None
            command = Command(
                site=self.site,
                box=self.box,
                seq=len(self.commands) + 1,
                prev=last.hash if last else NO_HASH,
                term=self.term,
                issued_at_ms=int(time.time() * 1000),
                kind=KIND_OF[type(body)],
                body=write_command_body(body),
            )
            line = self.seal("command", msgspec.structs.replace(command, **changes), self.command_key)
            self.commands.append(line)
            self._changed.notify_all()
            return line

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def records(self) -> list[Record]:
        """All records that were accepted, in order."""
        with self._changed:
            lines = [self.batches[place] for place in sorted(self.batches)]
        return [record for line in lines for record in read_records(read_payload(line.payload, Batch))]

    def wait_for(self, what: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + timeout_s
        while not what():
            assert time.monotonic() < end, "did not come about in time"
            time.sleep(0.01)

    @staticmethod
    def seal(type_name: str, value: Payload, by: SigningKey) -> Line:
        return seal(type_name, write_payload(value), by)

    # --- what the box gets --------------------------------------------------------------------------------------

    def enrol(self, lines: list[Line]) -> tuple[int, dict[str, str], bytes]:
        enrol = read_payload(lines[0].payload, Enrol)
        record_key = public_key_from_text(enrol.record_key)
        check_signature(lines[0], {record_key.keyid: record_key})
        self.record_key = enrol.record_key
        if not self.confirmed:
            return 202, {}, json.dumps({"fingerprint": record_key.keyid[:16]}).encode()
        if self.epoch is None:
            self.open_epoch()
        assert self.epoch is not None
        chain = base64.b64encode(self.authority.sign_csr(enrol.csr, self.certificate_days).encode()).decode()
        body = write_body([self.keys_line(), self.epoch], "zstd")
        return 200, {"Tallybox-Certificate": chain, "Content-Encoding": "zstd"}, body

    def renew(self, lines: list[Line]) -> tuple[int, dict[str, str], bytes]:
        assert self.record_key is not None
        ours = public_key_from_text(self.record_key)
        check_signature(lines[0], {ours.keyid: ours})
        renew = read_payload(lines[0].payload, Renew)
        csr = x509.load_pem_x509_csr(renew.csr.encode())
        public = csr.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(base64.b64decode(renew.csr_proof), renew.nonce.encode(), ec.ECDSA(hashes.SHA256()))
        self.renewals.append(renew.nonce)
        if self.revoked:
            return 401, {"Content-Encoding": "identity"}, b'{"title": "revoked"}'
        chain = base64.b64encode(self.authority.sign_csr(renew.csr, self.certificate_days).encode()).decode()
        return 200, {"Tallybox-Certificate": chain, "Content-Encoding": "zstd"}, write_body([self.keys_line()], "zstd")

    def sync(self, lines: list[Line]) -> tuple[int, dict[str, str], bytes]:
        assert self.record_key is not None
        ours = public_key_from_text(self.record_key)
        for line in lines:
            check_signature(line, {ours.keyid: ours} | {self.command_key.public.keyid: self.command_key.public})
        sync = read_payload(lines[-1].payload, Sync)
        with self._changed:
            self.syncs.append(sync)
            self._request += 1
            number = self._request
            verdicts = [self._receive(line) for line in lines[:-1] if line.type_name == "batch"]
            self._changed.notify_all()
            if not verdicts:
                self._wait(sync, number)
            answer = self._answer(sync, verdicts)
        out = [self.keys_line()] if sync.key_generation < self.key_generation else []
        if self.epoch is not None and sync.epoch < self.epoch_number:
            out.append(self.epoch)
        out += [*self.commands[sync.command_head.seq :], self.seal("answer", answer, self.answer_key)]
        if self.bend is not None:
            out = self.bend(out)
        return 200, {"Content-Encoding": "zstd"}, write_body(out, "zstd")

    def _wait(self, sync: Sync, number: int) -> None:
        def something() -> bool:
            return (
                not self.hold
                or number != self._request
                or len(self.commands) > sync.command_head.seq
                or sync.epoch < self.epoch_number
                or sync.key_generation < self.key_generation
            )

        self._changed.wait_for(something, sync.wait_s)

    def _receive(self, line: Line) -> VerdictOn:
        batch = read_payload(line.payload, Batch)
        verdict: Verdict
        kept = self.batches.get((batch.epoch, batch.seq))
        if batch.epoch < self.epoch_number:
            verdict = "superseded_epoch"
        elif kept is not None:
            verdict = "known" if kept.hash == line.hash else "forked"
        elif batch.seq != self.head.seq + 1:
            verdict = "gap"
        elif batch.prev != self.head.hash:
            verdict = "forked"
        else:
            verdict = "accepted"
            self.batches[(batch.epoch, batch.seq)] = line
            self.head = Head(batch.seq, line.hash)
        self.verdicts.append(verdict)
        return VerdictOn(epoch=batch.epoch, seq=batch.seq, verdict=verdict)

    def _answer(self, sync: Sync, verdicts: list[VerdictOn]) -> Answer:
        last = self.commands[-1].hash if self.commands else NO_HASH
        resend, self.resend_from = self.resend_from, None
        return Answer(
            site=self.site,
            box=self.box,
            nonce=sync.nonce,
            server_time_ms=int(time.time() * 1000) + self.ahead_ms,
            term=self.term,
            batch_ack=BatchHead(epoch=self.epoch_number, seq=self.head.seq, hash=self.head.hash),
            command_head=ChainHead(seq=len(self.commands), hash=last),
            audit_head=NO_HASH,
            verdicts=verdicts,
            live_until_ms=self.live_until_ms,
            read_now=self.read_now,
            resend_from=resend,
        )


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A box that closes its connection is no event."""


def _handler(centre: FakeCentre) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            lines = read_body(body, self.headers.get("Content-Encoding", "identity"))
            answer = {"/v1/box/enrol": centre.enrol, "/v1/box/renew": centre.renew}.get(self.path, centre.sync)
            status, headers, out = answer(lines)
            if centre.swallow > 0:
                centre.swallow -= 1
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/x-ndjson",
                "Content-Length": str(len(out)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
