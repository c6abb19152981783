"""Who the box is: keys made once, files that only the owner reads, proofs that hold."""

import base64
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.sync.identity import (
    CA,
    CERTIFICATE,
    FOLDER,
    PLACE,
    RECORD_KEY,
    TLS_KEY,
    ClaimedPlace,
    Identity,
    IdentityFault,
    is_enrolled,
    make_identity,
    read_identity,
)
from protocol.signing import signing_key
from tests.fakes.fake_centre import Authority, make_authority

CLAIMED = ClaimedPlace("1" * 32, "2" * 32, "A1", "https://127.0.0.1:1", signing_key(b"r" * 32).public.text)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def identity(tmp_path: Path, authority: Authority) -> Identity:
    return make_identity(tmp_path, CLAIMED, authority.ca_pem)


def test_keys_are_made_once_and_read_again(tmp_path: Path, identity: Identity, authority: Authority) -> None:
    again = make_identity(tmp_path, CLAIMED, authority.ca_pem)
    assert again.record_key.public == identity.record_key.public
    assert read_identity(tmp_path).fingerprint == identity.fingerprint
    assert identity.fingerprint.replace(" ", "") == identity.record_key.public.keyid[:16]
    assert not is_enrolled(tmp_path)


def test_files_belong_to_the_owner_alone(tmp_path: Path, identity: Identity) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in identity.folder.iterdir()}
    assert modes == {RECORD_KEY: 0o400, TLS_KEY: 0o400, CA: 0o400, PLACE: 0o400}
    assert identity.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", [RECORD_KEY, TLS_KEY, CA, PLACE])
def test_a_file_that_others_may_read_or_change_is_refused_by_name(
    tmp_path: Path, identity: Identity, name: str
) -> None:
    (identity.folder / name).chmod(0o440)
    with pytest.raises(IdentityFault, match=rf"{name}: mode 0440 .* right is 0400"):
        read_identity(tmp_path)


@pytest.mark.parametrize("name", [RECORD_KEY, TLS_KEY, CA, PLACE])
def test_a_file_of_another_user_is_refused_by_name(
    tmp_path: Path, identity: Identity, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(identity.folder / name, 4_711, -1)
    owner = (identity.folder / name).stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: 4_712)
    with pytest.raises(IdentityFault, match=rf"{name}: belongs to user {owner}; right would be user 4712"):
        read_identity(tmp_path)


def test_all_files_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(IdentityFault) as caught:
        read_identity(tmp_path)
    for name in (RECORD_KEY, TLS_KEY, CA, PLACE):
        assert name in str(caught.value)


def test_a_state_dir_serves_one_place(tmp_path: Path, identity: Identity, authority: Authority) -> None:
    other = ClaimedPlace("1" * 32, "9" * 32, "B", "https://127.0.0.1:1", CLAIMED.root_key)
    with pytest.raises(IdentityFault, match="belongs to box"):
        make_identity(tmp_path, other, authority.ca_pem)
    assert read_identity(tmp_path).place == CLAIMED


def test_the_request_and_the_proof_are_of_one_key_and_name_the_place(identity: Identity) -> None:
    request = x509.load_pem_x509_csr(identity.csr().encode())
    assert request.is_signature_valid
    assert [attribute.value for attribute in request.subject] == [CLAIMED.box]
    public = request.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(base64.b64decode(identity.prove_tls_key("token")), b"token", ec.ECDSA(hashes.SHA256()))


def test_a_certificate_for_another_key_is_refused(
    tmp_path: Path, identity: Identity, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = make_identity(tmp_path_factory.mktemp("other"), CLAIMED, authority.ca_pem)
    with pytest.raises(IdentityFault, match="not for this box"):
        identity.keep_certificate(authority.sign_csr(stranger.csr()))
    with pytest.raises(IdentityFault, match="cannot be read"):
        identity.keep_certificate("no certificate")
    assert not is_enrolled(tmp_path)
    identity.keep_certificate(authority.sign_csr(identity.csr()))
    assert is_enrolled(tmp_path)
    assert (tmp_path / FOLDER / CERTIFICATE).stat().st_mode & 0o777 == 0o400
    identity.tls_context()


def test_nothing_secret_is_in_what_is_printed(identity: Identity) -> None:
    secret = base64.b64encode(identity.record_key.seed()).decode()
    assert secret not in repr(identity)
    assert (identity.folder / RECORD_KEY).read_text() == secret
