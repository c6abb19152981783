"""Opening an epoch: the place's state as of the last posted batch, signed for one piece of hardware.

Signing it and fencing the epoch before are one transaction. What a fenced epoch brings later is evidence.
"""

from dataclasses import replace

from cloud_server.core import accounts
from cloud_server.core.box_place import place_from_config
from cloud_server.core.epochs import epoch_state
from cloud_server.core.fleet import Box, BoxState, OpenedEpoch
from cloud_server.core.planned_site import config_of
from cloud_server.flows.alarm_life import clear_alarm
from cloud_server.flows.ask_back import sign_waiting_reclaims
from cloud_server.flows.centre import Centre
from cloud_server.flows.sell_again import grant_parts_anew
from cloud_server.flows.sign_lines import sign_waiting_grants
from cloud_server.ports import Unit
from protocol.box_config import text_hash
from protocol.chain import Head
from protocol.config_text import write_config
from protocol.messages import BatchHead, ChainHead, Epoch, EpochWhy
from protocol.records import Subject


def begin_epoch(centre: Centre, unit: Unit, box: Box, keyid: str, why: EpochWhy) -> Box:
    """Open an epoch and sign all that waited for this place to take commands; the box's row after."""
    fenced = unit.readings.fence_parked(box.box)
    after = open_epoch(centre, unit, box, keyid, why)
    unit.memory.forget_behind(box.box)
    now_ms = centre.clock.wall_ms()
    for kind in ("box_forked", "batch_parked") if fenced or box.state is BoxState.QUARANTINED else ():
        clear_alarm(unit, kind, now_ms, Subject(box=box.box))
    grant_parts_anew(centre, unit, after)
    after = sign_waiting_grants(centre, unit, after)
    return sign_waiting_reclaims(centre, unit, after)


def open_epoch(centre: Centre, unit: Unit, box: Box, keyid: str, why: EpochWhy) -> Box:
    """Sign a box's next epoch with its state and configuration, fence the one before; the box's row after.

    Both the state and the base of the commands are as of the last posted batch: a command that no posted batch answers
    for is carried out in the new epoch, whatever became of it in the old one.
    """
    plan = unit.fleet.plan()
    assert plan is not None
    assert box.record_key is not None
    known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
    planned = next(planned for planned in plan.boxes if planned.box == box.box)
    config = config_of(plan, planned, known.account_states, known.closed_wallets)
    text = write_config(config)
    now_ms = centre.clock.wall_ms()
    place = place_from_config(config)
    answered = unit.lines.last_answered(box.box)
    epoch = Epoch(
        site=centre.site.site,
        box=box.box,
        epoch=box.epoch + 1,
        term=centre.term,
        record_key=box.record_key,
        closes=_closed_head(unit, box),
        commands_base=ChainHead(seq=answered.seq, hash=answered.hash),
        config_version=box.config_version + 1,
        config=text,
        state=epoch_state(
            place,
            unit.readings.meter_states(box.box),
            unit.readings.wallet_states(box.box),
            unit.ledger.sums(map(accounts.wallet, place.wallets)),
            now_ms,
        ),
        why=why,
        issued_at_ms=now_ms,
    )
    return _store_epoch(centre, unit, box, epoch, keyid)


def _closed_head(unit: Unit, box: Box) -> BatchHead | None:
    """The last posted batch of the epoch that ends, or its own line where it has none; None before the first epoch."""
    if box.epoch == 0:
        return None
    head_hash = unit.readings.batch_hash(box.box, box.epoch, box.posted_seq) if box.posted_seq else None
    opened = unit.lines.chain_head("epoch", box.box, journaled_only=False)
    return BatchHead(epoch=box.epoch, seq=box.posted_seq, hash=head_hash or opened.hash)


def _store_epoch(centre: Centre, unit: Unit, box: Box, epoch: Epoch, keyid: str) -> Box:
    line = centre.authority.command_line("epoch", epoch)
    config_hash = text_hash(epoch.config)
    unit.lines.add_lines([(line, box.box, epoch.epoch)], epoch.issued_at_ms)
    unit.enrolments.add_configuration(box.box, epoch.config_version, config_hash, epoch.config, epoch.issued_at_ms)
    unit.enrolments.add_epoch(
        OpenedEpoch(
            box=box.box,
            epoch=epoch.epoch,
            hash=line.hash,
            record_key=epoch.record_key,
            keyid=keyid,
            closes=epoch.closes,
            why=epoch.why,
            opened_at_ms=epoch.issued_at_ms,
        )
    )
    after = replace(
        box,
        state=BoxState.ENROLLED,
        epoch=epoch.epoch,
        batch_head=Head(0, line.hash),
        posted_seq=0,
        fetched_seq=epoch.commands_base.seq,
        applied_seq=epoch.commands_base.seq,
        config_version=epoch.config_version,
        config_hash=config_hash,
        held_version=epoch.config_version,
    )
    unit.fleet.save_box(after)
    return after
