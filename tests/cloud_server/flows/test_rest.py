"""A request with nothing in it is answered as the whole exchange would answer it, or left to the whole exchange."""

import asyncio
import hashlib
from collections.abc import Callable

import pytest

from cloud_server.flows import synchronise
from cloud_server.flows.box_hardware import revoke_box
from cloud_server.flows.read_on_demand import read_now
from cloud_server.flows.rest import Rest
from cloud_server.flows.synchronise import Exchange
from cloud_server.flows.waiting import hear
from cloud_server.flows.who_asks import Stranger
from protocol.chain import Head
from protocol.envelope import Line, seal
from protocol.messages import Sync
from protocol.payload import read_payload, write_payload
from protocol.signing import signing_key
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import box_id, meter_id


def take(rig: SiteRig, line: Line, shown: str | None = None) -> Exchange | None:
    return asyncio.run(Rest(rig.centre).take(line, shown))


def at_rest(rig: SiteRig) -> SpeakingBox:
    """A box that has applied a sale and has nothing more to say."""
    rig.plan()
    box = rig.enrol(1)
    rig.sell("10.00")
    rig.settle(box)
    return box


def bent(speaker: SpeakingBox, **fields: object) -> Line:
    """The box's next line with other fields, signed by its key all the same."""
    sync = read_payload(speaker.sync_line(20).payload, Sync)
    made = Sync(**({name: getattr(sync, name) for name in sync.__struct_fields__} | fields))
    return seal("sync", write_payload(made), speaker.key)


def seen_ms(rig: SiteRig) -> int | None:
    with rig.store.read() as unit:
        row = unit.fleet.box(box_id(1))
    assert row is not None
    return row.seen_at_ms


def test_it_is_told_what_the_whole_exchange_tells(rig: SiteRig) -> None:
    box = at_rest(rig)
    line = box.sync_line(20)
    short = take(rig, line)
    assert short is not None
    assert short.idle
    assert short == synchronise.exchange(rig.centre, [line])
    assert short.command_head.seq == 1
    assert short.batch_ack.seq > 0
    again = asyncio.run(Rest(rig.centre).look_again(short))
    assert again == synchronise.look_again(rig.centre, short)


def test_that_a_box_was_heard_is_noted_later_and_never_backwards(rig: SiteRig) -> None:
    box = at_rest(rig)
    before = seen_ms(rig)
    rest = Rest(rig.centre)
    rig.clock.advance(25_000)
    assert asyncio.run(rest.take(box.sync_line(20), None)) is not None
    assert seen_ms(rig) == before
    rig.clock.advance(5_000)
    assert rest.note_heard() == 1
    assert seen_ms(rig) == rig.clock.now_ms - 5_000
    assert rest.note_heard() == 0, "it is written once"
    with rig.store.note() as unit:
        assert unit.standings.note_heard([box.box], rig.clock.now_ms - 20_000) == 0
    assert rig.breaches() == []


def forged(rig: SiteRig, box: SpeakingBox) -> Line:
    line = box.sync_line(20)
    return Line(line.raw, line.type_name, line.payload + b" ", line.signatures)


def of_a_stranger(rig: SiteRig, box: SpeakingBox) -> Line:
    return seal("sync", box.sync_line(20).payload, signing_key(hashlib.sha256(b"stranger").digest()))


def of_a_revoked_box(rig: SiteRig, box: SpeakingBox) -> Line:
    revoke_box(rig.centre, box.box, "provisioner", "stolen")
    return box.sync_line(20)


def by_a_revoked_key(rig: SiteRig, box: SpeakingBox) -> Line:
    with rig.store.write() as unit:
        unit.memory.revoke_key(box.key.public.keyid, box.box, 1, "provisioner", "copied")
    return box.sync_line(20)


def with_a_sale_waiting(rig: SiteRig, box: SpeakingBox) -> Line:
    rig.sell("20.00")
    return box.sync_line(20)


def behind_its_chain(rig: SiteRig, box: SpeakingBox) -> Line:
    box.batch_head = Head(0, "e" * 64)
    return box.sync_line(20)


def on_another_branch(rig: SiteRig, box: SpeakingBox) -> Line:
    box.batch_head = Head(box.batch_head.seq, "e" * 64)
    return box.sync_line(20)


def after_a_long_silence(rig: SiteRig, box: SpeakingBox) -> Line:
    rig.clock.advance(120_000)
    return box.sync_line(20)


def heard_behind_lately(rig: SiteRig, box: SpeakingBox) -> Line:
    with rig.store.write() as unit:
        unit.memory.note_behind(box.box, "1 n 0", rig.clock.now_ms)
    return box.sync_line(20)


def settle(rig: SiteRig, box: SpeakingBox) -> None:
    rig.settle(box)


def stand_where_it_stood(rig: SiteRig, box: SpeakingBox) -> None:
    with rig.store.read() as unit:
        row = unit.fleet.box(box.box)
    assert row is not None
    box.batch_head = row.batch_head


def let_the_note_lapse(rig: SiteRig, box: SpeakingBox) -> None:
    rig.clock.advance(601_000)
    rig.settle(box)


def nothing(rig: SiteRig, box: SpeakingBox) -> None:
    """The next line is as it should be by itself."""


LEFT: list[tuple[Callable[[SiteRig, SpeakingBox], Line], Callable[[SiteRig, SpeakingBox], None]]] = [
    (forged, nothing),
    (of_a_stranger, nothing),
    (with_a_sale_waiting, settle),
    (behind_its_chain, stand_where_it_stood),
    (on_another_branch, stand_where_it_stood),
    (after_a_long_silence, settle),
    (heard_behind_lately, let_the_note_lapse),
    (lambda _, box: bent(box, agent="another"), nothing),
    (lambda _, box: bent(box, epoch=2), nothing),
    (lambda _, box: bent(box, key_generation=0), nothing),
    (lambda _, box: bent(box, term_seen=box.term + 1), nothing),
    (lambda _, box: bent(box, site="e" * 32), nothing),
    (lambda _, box: bent(box, box=box_id(2)), nothing),
]


def test_whatever_differs_is_left_to_the_whole_exchange(rig: SiteRig) -> None:
    box = at_rest(rig)
    for number, (bend, mend) in enumerate(LEFT):
        assert take(rig, bend(rig, box)) is None, f"{number}: {bend.__name__}"
        mend(rig, box)
        assert take(rig, box.sync_line(20)) is not None, f"{number}: at rest again after {bend.__name__}"


@pytest.mark.parametrize("bend", [of_a_revoked_box, by_a_revoked_key], ids=lambda bend: bend.__name__)
def test_nobody_is_answered_who_is_believed_no_more(rig: SiteRig, bend: Callable[[SiteRig, SpeakingBox], Line]) -> None:
    box = at_rest(rig)
    held = take(rig, box.sync_line(20))
    assert held is not None
    line = bend(rig, box)
    assert take(rig, line) is None
    with pytest.raises(Stranger):
        synchronise.exchange(rig.centre, [line])
    assert asyncio.run(Rest(rig.centre).look_again(held)) is None, "nor who was held when it came about"


def test_another_certificate_is_left_to_the_whole_exchange(rig: SiteRig) -> None:
    box = at_rest(rig)
    assert take(rig, box.sync_line(20), box_id(2)) is None
    assert take(rig, box.sync_line(20), box.box) is not None


def test_a_command_that_is_not_in_the_journal_yet_is_no_rest(rig: SiteRig) -> None:
    box = at_rest(rig)
    held = take(rig, box.sync_line(20))
    assert held is not None
    rig.sell("5.00")
    assert asyncio.run(Rest(rig.centre).look_again(held)) is None
    rig.settle(box)
    assert take(rig, box.sync_line(20)) is not None


def test_many_are_looked_up_at_once(rig: SiteRig) -> None:
    box = at_rest(rig)
    other = rig.enrol(2)
    rig.settle(other)

    async def story() -> list[Exchange | None]:
        rest = Rest(rig.centre)
        lines = [box.sync_line(20), other.sync_line(20), of_a_stranger(rig, box), box.sync_line(20)]
        return await asyncio.gather(*(rest.take(line, None) for line in lines))

    found = asyncio.run(story())
    assert [one.box if one is not None else None for one in found] == [box.box, other.box, None, box.box]


def test_a_wanted_reading_ends_the_waiting_and_other_processes_are_told(rig: SiteRig) -> None:
    box = at_rest(rig)
    told: list[str] = []
    rig.centre.wishes.tell = told.append
    read_now(rig.centre, meter_id(1, 2))
    short = take(rig, box.sync_line(20))
    assert short is not None
    assert not short.idle
    assert told == [f"read {box.box} {meter_id(1, 2)}"]
    assert synchronise.sign_answer(rig.centre, short)
    hear(rig.bells, rig.live, rig.centre.wishes, told[0])
    assert rig.centre.wishes.take(box.box) == (meter_id(1, 2),)
