"""Another command key while a box is away: what it has not fetched yet carries the signature of both."""

from pathlib import Path

from cloud_server.flows import synchronise
from cloud_server.flows.courier import file_for
from protocol.envelope import check_signature
from protocol.signing import public_key_from_text
from provisioning import rotate_keys
from tests.cloud_server.site_rig import open_rig
from tests.cloud_server.street import box_id


def test_an_epoch_that_was_not_fetched_before_the_key_changed_is_believed(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        box = rig.enrol(1)
        hash_before = box.batch_head.hash
    rotate_keys.carry_out(rotate_keys.plan(tmp_path / "site", tmp_path / "root"), None)
    with open_rig(tmp_path) as rig:
        key = public_key_from_text(rig.centre.authority.keys.command_keys[0])
        box.epoch = 0
        asked = synchronise.exchange(rig.centre, box.request())
        by_fibre = [line for line in asked.lines if line.type_name == "epoch"]
        by_hand = [line for line in file_for(rig.centre, box_id(1)).lines if line.type_name == "epoch"]
        assert [line.hash for line in (*by_fibre, *by_hand)] == [hash_before] * 2, "the hash names it for ever"
        for line in (*by_fibre, *by_hand):
            check_signature(line, {key.keyid: key})
            assert len(line.signatures) == 2
