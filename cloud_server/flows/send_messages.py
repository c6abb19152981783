"""The outbox, part by part: what may go goes, once; what became of it is kept; what is not known is said to be so.

Each step is committed before the next one acts. The order around the one step that cannot be taken back:
prompt and text to the modem, commit `handed`, the last key, the modem's number, commit `sent`. Whoever dies before
`handed` has sent nothing for certain; behind it, the modem's prompt, its late answer or the network's report says what
happened. Where none of them does, the part is `unsure` and is not sent again but by a person: docs/messages.md.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cloud_server.core.message_rules import (
    KNOWN_WITHIN_MS,
    TRIES_MAX,
    Asked,
    Drop,
    Go,
    MessageState,
    PartState,
    Wait,
    last_midnight_ms,
    may_go,
    pause_ms,
)
from cloud_server.core.sms_text import split
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.message_desk import read_settings
from cloud_server.flows.message_parts import NEVER_MS, SMS, part_of, settle_part
from cloud_server.flows.note_numbers import numbers_of
from cloud_server.ports import Unit
from cloud_server.ports.messages import LeftBehind, Modem, NotKnown, NotSent, OnePart, OtherWays, PartFate
from cloud_server.ports.outbox import MessageRow, PartRow
from protocol.units import Ms

DUE_AT_ONCE: Final = 50
"""Messages looked at in one turn; the rest has its turn within seconds."""

log = logging.getLogger(__name__)


class Sender:
    """Sends what is in the outbox. One thread uses it."""

    def __init__(self, centre: Centre, modem: Modem | None, ways: OtherWays) -> None:
        self._centre = centre
        self._modem = modem
        self._ways = ways
        self._looker = Looker(centre)

    # ----------------------------------------------------------------------------------------------------- what was

    def take_up(self) -> int:
        """After a start: parts of other ways that were handed over by a run that died, of which nothing more will be
        heard; how many."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            cut = [(p, m) for p, m in unit.messages.parts_in(PartState.HANDED) if m.way != SMS]
            for part, message in cut:
                settle_part(unit, message, replace(part, state=PartState.UNSURE, fault="ended while sending"), now_ms)
        return len(cut)

    def take_left(self, left: LeftBehind) -> None:
        """What the opened modem told of a part that was being sent when an earlier run, or the port, went away."""
        if not left.at_prompt and left.number is None:
            return
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            handed = [
                (part, message) for part, message in unit.messages.parts_in(PartState.HANDED) if message.way == SMS
            ]
            if not handed:
                return
            part, message = handed[-1]
            if left.number is not None:
                after = replace(part, state=PartState.SENT, number=left.number, sent_at_ms=now_ms)
            else:
                after = replace(part, state=PartState.WAITING, handed_at_ms=None, next_at_ms=now_ms)
            settle_part(unit, message, after, now_ms)

    # ----------------------------------------------------------------------------------------------------------- turn

    def turn(self) -> int:
        """Send what is due; how many parts left."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.read() as unit:
            due = unit.messages.due(now_ms, DUE_AT_ONCE)
        sent = 0
        for message in due:
            if message.way == SMS and (
                self._modem is None or not self._modem.is_open() or not self._modem.state().sends
            ):
                continue
            if self._may_send(message.message):
                sent += self._send(message.message)
        return sent

    def _modem_sends(self) -> bool:
        return self._modem is not None and self._modem.is_open() and self._modem.state().sends

    def _may_send(self, name: str) -> bool:
        """Judge a message as it stands now; begin it where it may go."""
        now_ms, allowed = self._centre.clock.wall_ms(), False
        with self._centre.store.write() as unit:
            message = unit.messages.message(name)
            if message is None or message.state not in (MessageState.QUEUED, MessageState.SENDING):
                return False
            match may_go(self._asked(unit, message, now_ms), read_settings(unit), self._centre.zone, now_ms):
                case Go():
                    self._begin(unit, message, now_ms)
                    allowed = True
                case Wait(until_ms, reason):
                    unit.messages.put_message(replace(message, not_before_ms=until_ms, reason=reason))
                case Drop(state, reason):
                    self._drop(unit, message, state, reason, now_ms)
        self._centre.fail_point("message_begun")
        return allowed

    def _asked(self, unit: Unit, message: MessageRow, now_ms: Ms) -> Asked:
        midnight_ms = last_midnight_ms(self._centre.zone, now_ms)
        # What has begun goes on: half a message is worth nothing, and its place in the budget is taken.
        begun = message.begun_at_ms is not None
        customer, site = (0, 0) if begun else unit.messages.sent_today(midnight_ms, message.customer)
        return Asked(
            urgent=message.urgent,
            ends_at_ms=message.ends_at_ms,
            on_file=self._is_on_file(unit, message),
            customer_today=customer,
            site_today=site,
        )

    def _is_on_file(self, unit: Unit, message: MessageRow) -> bool:
        """Numbers of the customer as they stand now, people of the duty list, other ways of the configuration; and the
        number that was on file until it was changed, for the one message that tells so."""
        if message.way != SMS:
            return message.way in self._ways.names()
        if message.occasion == "number_changed":
            return True
        if message.occasion == "duty":
            return message.address in [person.number for person in read_settings(unit).duty]
        site = self._looker.site_map(unit)
        mine = site.customers.get(message.customer or "") if site is not None else None
        return mine is not None and message.address in numbers_of(mine.phones)

    def _begin(self, unit: Unit, message: MessageRow, now_ms: Ms) -> None:
        if message.state is MessageState.QUEUED:
            texts = split(message.text).texts if message.way == SMS else (message.text,)
            unit.messages.put_parts(
                PartRow(message=message.message, n=n, text=text, next_at_ms=now_ms) for n, text in enumerate(texts, 1)
            )
            begun = replace(message, state=MessageState.SENDING, begun_at_ms=now_ms, reason=None)
            unit.messages.put_message(begun)

    def _drop(self, unit: Unit, message: MessageRow, state: MessageState, reason: str, now_ms: Ms) -> None:
        """It ends here; a message of which parts are out and others waited too long has failed."""
        if any(part.state is PartState.HANDED for part in unit.messages.parts(message.message)):
            # Whether that part left is not known yet; the message waits for the report, and sends nothing more.
            unit.messages.put_message(replace(message, not_before_ms=NEVER_MS, reason=reason))
            return
        unit.messages.put_message(replace(message, state=state, reason=reason, done_at_ms=now_ms))

    # ----------------------------------------------------------------------------------------------------------- part

    def _send(self, name: str) -> int:
        with self._centre.store.read() as unit:
            message = unit.messages.message(name)
            parts = unit.messages.parts(name)
        assert message is not None
        sent = 0
        for part in parts:
            if part.state is not PartState.WAITING:
                continue
            if part.next_at_ms > self._centre.clock.wall_ms() or not self._send_part(message, part, len(parts)):
                break
            sent += 1
        return sent

    def _send_part(self, message: MessageRow, part: PartRow, of: int) -> bool:
        """One part, once. False where the message's next part has to wait."""
        now_ms = self._centre.clock.wall_ms

        def hand_over() -> None:
            self._centre.fail_point("part_at_prompt")
            with self._centre.store.write() as unit:
                handed = replace(part, state=PartState.HANDED, handed_at_ms=now_ms(), tries=part.tries + 1)
                unit.messages.put_parts([handed])
            self._centre.fail_point("part_handed")

        try:
            number = self._hand(message, part, of, hand_over)
        except NotSent as fault:
            self._not_sent(message, part, fault)
            return False
        except NotKnown as fault:
            log.warning("part_not_known", extra={"id": message.message, "n": part.n, "fault": str(fault)})
            if message.way != SMS:
                self._write(message, part, state=PartState.UNSURE, fault=str(fault))
            return message.way == SMS and self._modem is not None and self._modem.is_open()
        self._centre.fail_point("part_answered")
        sent = PartState.SENT if message.way == SMS else PartState.DELIVERED
        self._write(message, part, state=sent, number=number, sent_at_ms=now_ms(), fault=None)
        self._centre.fail_point("part_sent")
        return True

    def _hand(self, message: MessageRow, part: PartRow, of: int, hand_over: Callable[[], None]) -> int | None:
        if message.way != SMS:
            hand_over()
            self._ways.send(message.way, message.title, part.text)
            return None
        assert self._modem is not None
        validity_min = max((message.ends_at_ms - self._centre.clock.wall_ms()) // 60_000, 5)
        one = OnePart(
            number=message.address, text=part.text, reference=message.reference, of=of, n=part.n,
            validity_min=validity_min, wide=split(message.text).is_wide,
        )  # fmt: skip
        return self._modem.send(one, hand_over)

    def _not_sent(self, message: MessageRow, part: PartRow, fault: NotSent) -> None:
        tries, now_ms = part.tries + 1, self._centre.clock.wall_ms()
        log.info("part_not_sent", extra={"id": message.message, "n": part.n, "fault": str(fault)})
        if fault.lasting or tries >= TRIES_MAX:
            self._write(message, part, state=PartState.FAILED, fault=str(fault))
        else:
            later_ms = now_ms + pause_ms(tries)
            self._write(
                message, part, state=PartState.WAITING, fault=str(fault), next_at_ms=later_ms, handed_at_ms=None
            )

    def _write(self, message: MessageRow, part: PartRow, **changes: object) -> None:
        with self._centre.store.write() as unit:
            stored = next(each for each in unit.messages.parts(message.message) if each.n == part.n)
            # A refusal before the hand-over counts as a try as well.
            tries = max(stored.tries, part.tries + 1)
            after = replace(stored, tries=tries, **changes)  # type: ignore[arg-type]  # the names are those of the fields
            settle_part(unit, message, after, self._centre.clock.wall_ms())

    # -------------------------------------------------------------------------------------------------------- reports

    def take_reports(self, fates: Sequence[PartFate]) -> int:
        """What the network told; how many parts were found that it is about."""
        return sum(self._take_report(fate) for fate in fates)

    def _take_report(self, fate: PartFate) -> int:
        if fate.fate == "trying":
            return 0
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            found = part_of(unit, fate)
            if found is None:
                log.info("report_of_no_part", extra={"number": fate.number})
                return 0
            part, message = found
            state = PartState.DELIVERED if fate.fate == "delivered" else PartState.FAILED
            after = replace(
                part,
                state=state,
                number=fate.number,
                sent_at_ms=part.sent_at_ms or fate.accepted_at_ms,
                reported_at_ms=now_ms,
                fault=None if state is PartState.DELIVERED else f"status {fate.status}",
            )
            settle_part(unit, message, after, now_ms)
        return 1

    def give_up(self) -> int:
        """Parts that were handed over so long ago that no report will come: not known, for a person to see."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            old = [
                (part, message)
                for part, message in unit.messages.parts_in(PartState.HANDED)
                if now_ms - (part.handed_at_ms or 0) >= KNOWN_WITHIN_MS
            ]
            for part, message in old:
                settle_part(unit, message, replace(part, state=PartState.UNSURE, fault="no answer, no report"), now_ms)
        return len(old)
