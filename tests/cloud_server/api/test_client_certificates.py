"""The second lock: a connection's client certificate may only agree with the signature on the line."""

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from cloud_server.ports.database import PostgresAddress
from tests.cloud_server.api.site_process import SiteProcess, exchange, now_ms, post, site_process
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import box_id

pytestmark = [pytest.mark.xdist_group("cloud_server_process"), pytest.mark.sqlite_first]
YEAR = datetime.timedelta(days=365)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("site"), module_database) as made:
        made.plan(shops=2)
        yield made


@pytest.fixture(scope="module")
def box(site: SiteProcess) -> SpeakingBox:
    return site.enrol(1)


def connection(site: SiteProcess, folder: Path, name: str, *, ended: bool = False, own_ca: bool = True) -> httpx.Client:
    """A client with a certificate for a name, by the site's CA or by one that somebody made up."""
    ca_key = load_pem_private_key((site.config.keys_dir / "ca.key").read_bytes(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    ca = x509.load_pem_x509_certificate((site.config.keys_dir / "ca.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    end = datetime.datetime.now(datetime.UTC) + (-YEAR if ended else YEAR)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 2 * YEAR)
        .not_valid_after(end)
        .sign(ca_key if own_ca else ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    pem = folder / "client.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    trust = ssl.create_default_context(cafile=str(site.config.keys_dir / "ca.pem"))
    trust.load_cert_chain(pem)
    return httpx.Client(base_url=site.url, verify=trust, timeout=20, trust_env=False)


def test_a_box_comes_in_with_its_own_certificate_or_with_none(
    site: SiteProcess, box: SpeakingBox, tmp_path: Path
) -> None:
    with connection(site, tmp_path, box.box) as wire:
        exchange(wire, box)
    with site.client() as wire:
        exchange(wire, box)


def test_a_lapsed_certificate_still_lets_a_box_in_to_renew_it(
    site: SiteProcess, box: SpeakingBox, tmp_path: Path
) -> None:
    with connection(site, tmp_path, box.box, ended=True) as wire:
        exchange(wire, box)


def test_another_box_s_certificate_is_refused_though_the_signature_is_good(
    site: SiteProcess, box: SpeakingBox, tmp_path: Path
) -> None:
    with connection(site, tmp_path, box_id(2)) as wire:
        box.now_ms = now_ms()
        answer = post(wire, "sync", box.request(0))
    assert answer.status_code == 401
    assert "names another box" in answer.text
    with site.client() as wire:
        exchange(wire, box)


def test_a_certificate_of_nobody_s_is_no_connection_at_all(site: SiteProcess, box: SpeakingBox, tmp_path: Path) -> None:
    with (
        connection(site, tmp_path, box.box, own_ca=False) as wire,
        pytest.raises(httpx.TransportError),
    ):
        post(wire, "sync", box.request(0))
