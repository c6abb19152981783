"""A box that knows what this centre has forgotten brings it back: epochs, the centre's own commands, then its batches.

Epoch lines are kept as they come and take effect in turn, each when all batches that it closes have been posted.
Recovery of a box is over when both say the same of both chains; then what waited for it is signed.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from cloud_server.core.fleet import Box, BoxState, OpenedEpoch
from cloud_server.core.recovery import BoxRecovery
from cloud_server.flows.alarm_life import clear_alarm, raise_alarm
from cloud_server.flows.ask_back import sign_waiting_reclaims
from cloud_server.flows.centre import Centre
from cloud_server.flows.sell_again import BY_RECOVERY, grant_parts_anew
from cloud_server.flows.sign_lines import issue_command, sign_waiting_grants
from cloud_server.flows.take_back import take_back_command, void_from
from cloud_server.ports import Unit
from protocol.box_config import text_hash
from protocol.chain import Head
from protocol.commands import Command, Configure, Grant, read_body
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import BadPayload, TheirFault, WireError
from protocol.messages import Epoch, Sync
from protocol.payload import read_payload
from protocol.records import Subject
from protocol.signing import public_key_from_text

log = logging.getLogger(__name__)


def begin_recovery(centre: Centre, unit: Unit, box: Box, why: str) -> Box:
    """The box knows, or may know, more than this centre: no command is signed for it until that has been mended."""
    if box.recovery:
        return box
    now_ms = centre.clock.wall_ms()
    unit.recovery.begin(
        BoxRecovery(box=box.box, term=centre.term, began_at_ms=now_ms, why=why, commands_taken=0, batches_taken=0)
    )
    raise_alarm(unit, "recovery", now_ms, Subject(box=box.box))
    unit.audit.append(now_ms, f"box:{box.box}", "recovery_begun", box.box, {"why": why})
    log.warning("recovery_begun", extra={"box": box.box, "why": why})
    after = replace(box, recovery=True)
    unit.fleet.save_box(after)
    return after


def bring_back(centre: Centre, unit: Unit, box: Box, lines: Sequence[Line]) -> Box:
    """Take the epoch and command lines of a request as far as they fit; the box's row after, saved."""
    taken = 0
    for line in lines:
        try:
            if line.type_name == "epoch":
                keep_epoch(centre, unit, box, line)
                continue
            before = box.command_head
            box = take_back_command(centre, unit, box, line)
            taken += box.command_head != before
        except TheirFault as fault:
            log.warning("line_not_taken_back", extra={"box": box.box, "hash": line.hash, "fault": str(fault)})
    under_way = unit.recovery.open_of(box.box)
    if taken and under_way is not None:
        unit.recovery.save(replace(under_way, commands_taken=under_way.commands_taken + taken))
    return adopt_epochs(centre, unit, box)


def keep_epoch(centre: Centre, unit: Unit, box: Box, line: Line) -> Epoch:
    """Keep an epoch line of this centre that it has forgotten. Raises TheirFault."""
    check_signature(line, centre.authority.command_keys)
    epoch = read_payload(line.payload, Epoch)
    if (epoch.site, epoch.box) != (box.site, box.box):
        raise BadPayload(f"epoch of box {epoch.box}")
    if epoch.epoch > box.epoch and unit.lines.line("epoch", box.box, epoch.epoch) is None:
        unit.lines.add_lines([(line, box.box, epoch.epoch)], centre.clock.wall_ms())
    return epoch


def next_epoch(unit: Unit, box: Box) -> tuple[Line, Epoch] | None:
    """The epoch behind the one in force, where a box has brought it."""
    raw = unit.lines.line("epoch", box.box, box.epoch + 1)
    if raw is None:
        return None
    line = read_line(raw)
    return line, read_payload(line.payload, Epoch)


def closes_at(unit: Unit, box: Box) -> int | None:
    """The number of the last batch of the epoch in force that may be posted, where a later epoch has closed it."""
    found = next_epoch(unit, box) if box.recovery else None
    return found[1].closes.seq if found is not None and found[1].closes is not None else None


def adopt_epochs(centre: Centre, unit: Unit, box: Box) -> Box:
    """Let the epochs that were brought take effect, as far as all that they close has been posted."""
    while (found := next_epoch(unit, box)) is not None:
        line, epoch = found
        closes = epoch.closes
        if closes is not None and (closes.epoch, closes.seq) != (box.epoch, box.posted_seq):
            return box
        box = adopt_epoch(centre, unit, box, line, epoch)
    return box


def adopt_epoch(centre: Centre, unit: Unit, box: Box, line: Line, epoch: Epoch) -> Box:
    """Let an epoch that was brought take effect: the box's row after, saved."""
    config_hash = text_hash(epoch.config)
    if unit.enrolments.configuration(box.box, epoch.config_version) is None:
        unit.enrolments.add_configuration(box.box, epoch.config_version, config_hash, epoch.config, epoch.issued_at_ms)
    unit.readings.fence_parked(box.box)
    unit.enrolments.add_epoch(
        OpenedEpoch(
            box=box.box,
            epoch=epoch.epoch,
            hash=line.hash,
            record_key=epoch.record_key,
            keyid=public_key_from_text(epoch.record_key).keyid,
            closes=epoch.closes,
            why=epoch.why,
            opened_at_ms=epoch.issued_at_ms,
        )
    )
    is_newest = epoch.config_version >= box.config_version
    after = replace(
        box,
        state=BoxState.ENROLLED,
        epoch=epoch.epoch,
        record_key=epoch.record_key,
        batch_head=Head(0, line.hash),
        posted_seq=0,
        config_version=epoch.config_version if is_newest else box.config_version,
        config_hash=config_hash if is_newest else box.config_hash,
        held_version=epoch.config_version,
    )
    unit.fleet.save_box(after)
    unit.audit.append(
        centre.clock.wall_ms(), f"box:{box.box}", "epoch_taken_back", box.box, {"epoch": epoch.epoch, "why": epoch.why}
    )
    return after


def says_the_same(unit: Unit, box: Box, sync: Sync) -> bool:
    """Whether box and centre agree on epoch, batches and commands."""
    if sync.epoch != box.epoch or sync.batch_head.seq != box.batch_head.seq:
        return False
    if sync.batch_head.seq and sync.batch_head.hash != box.batch_head.hash:
        return False
    seq = sync.command_head.seq
    return seq == 0 or unit.lines.command_hash(box.box, seq) == sync.command_head.hash


def end_recovery(centre: Centre, unit: Unit, box: Box, sync: Sync) -> Box:
    """Both say the same: what was awaited of this box and did not come is signed anew, what waited is signed."""
    now_ms = centre.clock.wall_ms()
    under_way = unit.recovery.open_of(box.box)
    box = _void_of_older_term(centre, unit, replace(box, recovery=False), sync.command_head.seq + 1)
    unit.fleet.save_box(box)
    grant_parts_anew(centre, unit, box)
    if under_way is not None:
        box = _sign_voided_again(centre, unit, box, under_way.began_at_ms)
        unit.recovery.save(replace(under_way, ended_at_ms=now_ms))
    box = sign_waiting_grants(centre, unit, box)
    box = sign_waiting_reclaims(centre, unit, box)
    clear_alarm(unit, "recovery", now_ms, Subject(box=box.box))
    unit.audit.append(now_ms, f"box:{box.box}", "recovery_ended", box.box, {"commands": box.command_head.seq})
    log.warning("recovery_ended", extra={"box": box.box})
    return box


def _void_of_older_term(centre: Centre, unit: Unit, box: Box, seq: int) -> Box:
    """Commands that the box has not fetched and would refuse, having seen a higher term: they get new numbers."""
    raw = unit.lines.line("command", box.box, seq)
    if raw is None or read_payload(read_line(raw).payload, Command).term >= centre.term:
        return box
    return void_from(centre, unit, box, seq)


def _sign_voided_again(centre: Centre, unit: Unit, box: Box, since_ms: int) -> Box:
    """What was signed under a number that the box holds with other contents gets a new one, its money the same id."""
    now_ms = centre.clock.wall_ms()
    for raw in unit.recovery.voided(box.box, since_ms):
        try:
            command = read_payload(read_line(raw).payload, Command)
            body = read_body(command)
        except WireError:
            continue
        if isinstance(body, Configure) or (command.expires_at_ms is not None and command.expires_at_ms < now_ms):
            continue
        grant = unit.ledger.grants([body.grant]).get(body.grant) if isinstance(body, Grant) else None
        if grant is not None and grant.command is not None:
            continue
        who = body.operator if isinstance(body, Grant) else BY_RECOVERY
        box = issue_command(centre, unit, box, body, who, command.expires_at_ms)
        if grant is not None:
            unit.ledger.save_grant(replace(grant, command=box.command_head.seq))
    return box
