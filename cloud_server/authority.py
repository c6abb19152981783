"""The centre's keys and the site's CA: loads them, signs lines and certificates. Decides nothing, stores nothing.

Command and answer key are Ed25519, the CA's is ECDSA P-256; all lie in files that only the centre's user reads.
"""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud_server.ports import BadProof, BoxCertificate
from protocol.envelope import Line, check_signature, read_line, seal, sign_again
from protocol.errors import TheirFault
from protocol.messages import Keys, Limits
from protocol.payload import Payload, read_payload, write_payload
from protocol.signing import PublicKey, SigningKey, public_key_from_text, signing_key
from protocol.units import Ms

CERTIFICATE_DAYS: Final = 397
"""A box that was cut off for a year still has a certificate; renewal begins long before."""
BACKDATED_S: Final = 3_600
"""A box whose clock is up to an hour slow still finds its certificate valid."""
_OTHERS_READ: Final = stat.S_IRWXG | stat.S_IRWXO

Loaded = TypeVar("Loaded")


def certificate_ends_ms(path: Path) -> Ms:
    """When a certificate on disk, the first of its file, ends. Raises OSError, ValueError."""
    return int(x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp() * 1000)


class KeysFault(Exception):
    """Key files that cannot be used; `mistakes` names each file and what is wrong with it."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class KeyFolder:
    """The site's keys as loaded from files. Its keys are used from any thread."""

    def __init__(self, folder: Path, keys_line: Path, limits_line: Path | None, root_public: Path, site: str) -> None:
        """Load and check everything. Raises KeysFault with all mistakes."""
        mistakes: list[str] = []

        def load(path: Path, read: Callable[[bytes], Loaded]) -> Loaded | None:
            try:
                return read(path.read_bytes())
            except OSError as fault:
                mistakes.append(f"{path}: {fault.strerror}")
            except (ValueError, TypeError, TheirFault) as fault:
                mistakes.append(f"{path}: {fault}")
            return None

        for name in ("command.key", "answer.key", "ca.key"):
            mistakes += _open_to_others(folder / name)
        command = load(folder / "command.key", _ed25519)
        answer = load(folder / "answer.key", _ed25519)
        ca_key = load(folder / "ca.key", _p256)
        ca = load(folder / "ca.pem", x509.load_pem_x509_certificate)
        root = load(root_public, lambda raw: public_key_from_text(raw.decode("ascii").strip()))
        line = load(keys_line, lambda raw: read_line(raw.strip()))
        limits = load(limits_line, _read_lines) if limits_line is not None else []
        if not (command and answer and ca_key and ca and root and line) or limits is None or mistakes:
            raise KeysFault(mistakes)
        self.root_public: PublicKey = root
        self._command: SigningKey = command
        self._answer: SigningKey = answer
        self._ca_key = ca_key
        self._ca = ca
        self.keys_line: Line = line
        self._limits: list[tuple[Line, Limits]] = []
        self.keys = self._checked(site, keys_line, limits, limits_line)
        texts = [*self.keys.command_keys, *_earlier_keys(folder, self.root_public, site)]
        self.command_keys = {key.keyid: key for key in map(public_key_from_text, texts)}
        self.ca_pem = ca.public_bytes(Encoding.PEM).decode()
        self.ca_sha256 = ca.fingerprint(hashes.SHA256()).hex()

    def _checked(self, site: str, keys_path: Path, limits: list[Line], limits_path: Path | None) -> Keys:
        mistakes = []
        root = {self.root_public.keyid: self.root_public}
        try:
            check_signature(self.keys_line, root)
            keys = read_payload(self.keys_line.payload, Keys)
            for line in limits:
                check_signature(line, root)
                self._limits.append((line, read_payload(line.payload, Limits)))
            if any(read.site != site for _, read in self._limits):
                mistakes.append(f"{limits_path}: is of another site")
        except TheirFault as fault:
            raise KeysFault([f"{keys_path} or {limits_path}: {fault}"]) from None
        if keys.site != site:
            mistakes.append(f"{keys_path}: site {keys.site}; the configuration says {site}")
        if self._command.public.text not in keys.command_keys:
            mistakes.append(f"{keys_path}: does not name the public half of command.key")
        if self._answer.public.text not in keys.answer_keys:
            mistakes.append(f"{keys_path}: does not name the public half of answer.key")
        if mistakes:
            raise KeysFault(mistakes)
        return keys

    def limits_for(self, box: str, held_generation: int) -> Line | None:
        """The newest root-signed limits for this box, where it keeps older ones, or none (generation 0)."""
        mine = [(read.limits_generation, line) for line, read in self._limits if read.box in (None, box)]
        generation, line = max(mine, key=lambda found: found[0], default=(0, None))
        return line if generation > held_generation else None

    def command_line(self, type_name: str, payload: Payload) -> Line:
        """Sign with the command key: `command`, `epoch`, `money`."""
        return seal(type_name, write_payload(payload), self._command)

    def countersigned(self, line: Line) -> Line:
        """A line of ours with the signature of the command key in force beside that of an older one; its hash stays."""
        if any(keyid == self._command.public.keyid for keyid, _ in line.signatures):
            return line
        return sign_again(line, self._command)

    def answer_line(self, payload: Payload) -> Line:
        """Sign an answer."""
        return seal("answer", write_payload(payload), self._answer)

    def check_proof(self, csr_pem: str, proof: bytes, proved: bytes) -> None:
        """Look whether a CSR signed itself and its key signed `proved`. Raises BadProof."""
        _proved_request(csr_pem, proof, proved)

    def certify(self, box: str, csr_pem: str, proof: bytes, proved: bytes, now_ms: int) -> BoxCertificate:
        """Make a client certificate for the key of a CSR that signed itself and `proved`. Raises BadProof.

        Of the CSR only the key is taken: the name is the box's id, whatever the CSR says.
        """
        request = _proved_request(csr_pem, proof, proved)
        now = datetime.fromtimestamp(now_ms // 1000, UTC)
        ends = min(now + timedelta(days=CERTIFICATE_DAYS), self._ca.not_valid_after_utc)
        serial = x509.random_serial_number()
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        issuer_key = self._ca_key.public_key()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)]))
            .issuer_name(self._ca.subject)
            .public_key(request.public_key())
            .serial_number(serial)
            .not_valid_before(now - timedelta(seconds=BACKDATED_S))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )
        pem = certificate.public_bytes(Encoding.PEM).decode() + self.ca_pem
        return BoxCertificate(serial=f"{serial:x}", pem=pem, ends_at_ms=int(ends.timestamp() * 1000))


def _proved_request(csr_pem: str, proof: bytes, proved: bytes) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode("ascii"))
    except ValueError:
        raise BadProof("csr: is no certificate signing request in PEM") from None
    if not request.is_signature_valid:
        raise BadProof("csr: is not signed by its own key")
    key = request.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            key.verify(proof, proved, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(proof, proved)
        else:
            raise BadProof("csr: the key must be ECDSA P-256 or Ed25519")
    except InvalidSignature:
        raise BadProof("csr_proof: is no signature by the key of the csr") from None
    return request


def _read_lines(raw: bytes) -> list[Line]:
    """A file of lines, empty ones passed by. Raises TheirFault."""
    return [read_line(line.strip()) for line in raw.splitlines() if line.strip()]


def _ed25519(pem: bytes) -> SigningKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise TypeError("must be an Ed25519 key (PKCS#8, PEM)")
    return signing_key(key.private_bytes_raw())


def _p256(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("must be an ECDSA P-256 key (PKCS#8, PEM)")
    return key


def _earlier_keys(folder: Path, root: PublicKey, site: str) -> list[str]:
    """Command keys of earlier generations, by the root's own lines that were kept: `keys-<generation>.line`.

    What they signed stands in the books for ever. A line that the root did not sign counts for nothing.
    """
    found: list[str] = []
    for path in sorted(folder.glob("keys-*.line")):
        try:
            line = read_line(path.read_bytes().strip())
            check_signature(line, {root.keyid: root})
            keys = read_payload(line.payload, Keys)
        except (OSError, TheirFault) as fault:
            raise KeysFault([f"{path}: {fault}"]) from None
        found += keys.command_keys if keys.site == site else []
    return found


def _open_to_others(path: Path) -> list[str]:
    """A key that others can read is no key, and whoever owns its file can change that."""
    try:
        told = path.stat()
    except OSError:
        return []
    ours, found = os.geteuid(), []
    if told.st_mode & _OTHERS_READ:
        found.append(f"{path}: mode {stat.S_IMODE(told.st_mode):04o} lets others read it; chmod 0400")
    # Root looks at everybody's files, and runs no centre.
    if ours and told.st_uid not in (ours, 0):
        found.append(f"{path}: belongs to user {told.st_uid}; right would be user {ours}, who runs the centre")
    return found
