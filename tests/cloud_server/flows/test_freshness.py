"""What goes with an answer: a reading that somebody wants, a pause when a whole site returns, a second signature."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.authority import KeyFolder, KeysFault
from cloud_server.core.mistakes import NotFound
from cloud_server.flows import synchronise
from cloud_server.flows.read_on_demand import read_now
from cloud_server.flows.read_wishes import BUSY_EXCHANGES, SLOWER_MAX_S
from cloud_server.ports.database import PostgresAddress
from protocol.envelope import Line, check_signature, read_line, seal
from protocol.messages import Keys
from protocol.payload import write_payload
from protocol.signing import PublicKey, public_key_from_text, signing_key
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.street import meter_id


@pytest.fixture
def rig(tmp_path: Path, database: PostgresAddress | None) -> Iterator[SiteRig]:
    with open_rig(tmp_path, database=database) as made:
        made.plan()
        yield made


def test_a_wanted_reading_is_told_once(rig: SiteRig) -> None:
    box = rig.enrol(1)
    rig.settle(box)
    held = synchronise.exchange(rig.centre, box.request(wait_s=25))
    assert held.idle
    assert read_now(rig.centre, meter_id(1, 2)) is True
    assert not synchronise.look_again(rig.centre, held).idle, "a held request is let go for it"
    assert rig.exchange(box).read_now == (meter_id(1, 2),)
    assert rig.exchange(box).read_now == ()
    read_now(rig.centre, meter_id(1, 2))
    rig.clock.now_ms += 60_000
    assert rig.exchange(box).read_now == (), "nobody waits for it any more"
    with pytest.raises(NotFound):
        read_now(rig.centre, "f" * 32)


def test_a_whole_site_is_slowed(rig: SiteRig) -> None:
    box = rig.enrol(1)
    assert rig.exchange(box).retry_after_s is None
    for _ in range(BUSY_EXCHANGES + 1):
        rig.centre.crowd.enter(0)
    first = rig.exchange(box).retry_after_s
    for _ in range(20 * BUSY_EXCHANGES):
        rig.centre.crowd.enter(0)
    assert first is not None
    assert 0 < first < SLOWER_MAX_S
    assert rig.exchange(box).retry_after_s == SLOWER_MAX_S


def test_what_was_not_delivered_gets_the_signature_of_the_new_key(rig: SiteRig) -> None:
    """The root names another command key; lines that the former one signed stay as they are, and are signed again."""
    box = rig.enrol(1)
    rig.settle(box)
    rig.sell("100")
    config, former = rig.config, rig.centre.authority.command_keys
    with rig.store.read() as unit:
        raw = unit.lines.line("command", box.box, 1)
    new = signing_key(b"n" * 32)
    folder = config.keys_dir
    root = signing_key(b"r" * 32)
    line = read_line(raw or b"")
    keyring = {new.public.keyid: new.public}
    with pytest.raises(Exception, match="no signature"):
        check_signature(line, keyring)
    again = _countersigned(rig, new, line)
    assert check_signature(again, keyring).keyid == new.public.keyid
    assert check_signature(again, former).keyid in former
    assert again.hash == line.hash
    assert _countersigned(rig, new, again) == again
    old = Keys(
        site=rig.site,
        key_generation=7,
        command_keys=[new.public.text],
        answer_keys=[new.public.text],
        issued_at_ms=1,
    )
    (folder / "keys-7.line").write_bytes(seal("keys", write_payload(old), root).raw + b"\n")
    with pytest.raises(KeysFault, match=r"keys-7\.line"):
        KeyFolder(folder, config.keys_line, None, config.root_public, rig.site)


def _countersigned(rig: SiteRig, new: object, line: Line) -> Line:
    authority = rig.centre.authority
    assert isinstance(authority, KeyFolder)
    authority._command = new  # type: ignore[assignment]  # as after a start with the new key's file
    return authority.countersigned(line)


def test_earlier_generations_go_on_being_believed(rig: SiteRig) -> None:
    config = rig.config
    (config.keys_dir / "keys-1.line").write_bytes(config.keys_line.read_bytes())
    loaded = KeyFolder(config.keys_dir, config.keys_line, None, config.root_public, rig.site)
    mine: dict[str, PublicKey] = loaded.command_keys
    assert set(mine) == {public_key_from_text(text).keyid for text in loaded.keys.command_keys}
