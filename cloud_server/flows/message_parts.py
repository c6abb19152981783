"""The parts of messages in the store: one written with what follows for its message, and whose a report is."""

from dataclasses import replace
from typing import Final

from cloud_server.core.message_rules import MessageState, PartState, state_of
from cloud_server.ports import Unit
from cloud_server.ports.messages import PartFate
from cloud_server.ports.outbox import MessageRow, PartRow
from protocol.units import Ms

CLOCKS_DIFFER_MS: Final = 600_000
"""How far the clock of a message centre may be from ours where a report has to be matched by its time."""
SAME_DIGITS: Final = 8
"""A number in a report may carry a country code that ours has not: its last digits decide."""
NEVER_MS: Final = 2**62
"""Nothing is left to be done by itself."""
SMS: Final = "sms"


def settle_part(unit: Unit, message: MessageRow, part: PartRow, now_ms: Ms) -> None:
    """Write a part, and its message as its parts say."""
    unit.messages.put_parts([part])
    current = unit.messages.message(message.message) or message
    parts = unit.messages.parts(message.message)
    state = state_of(each.state for each in parts)
    # With nothing left to send, the network's report is what moves it on.
    waits_ms = min((each.next_at_ms for each in parts if each.state is PartState.WAITING), default=NEVER_MS)
    is_over = state not in (MessageState.SENDING, MessageState.QUEUED)
    unit.messages.put_message(
        replace(
            current,
            state=state,
            not_before_ms=waits_ms if state is MessageState.SENDING else current.not_before_ms,
            reason=part.fault if part.state in (PartState.FAILED, PartState.UNSURE) else None,
            done_at_ms=now_ms if is_over else None,
        )
    )


def part_of(unit: Unit, fate: PartFate) -> tuple[PartRow, MessageRow] | None:
    """The newest part sent with that number to that recipient; else the oldest that was handed over at that time
    and of which no more is known."""
    digits = fate.recipient[-SAME_DIGITS:]
    sent = [
        (part, message)
        for part, message in unit.messages.parts_in(PartState.SENT)
        if part.number == fate.number and message.address[-SAME_DIGITS:] == digits
    ]
    if sent:
        return sent[-1]
    lost = [*unit.messages.parts_in(PartState.HANDED), *unit.messages.parts_in(PartState.UNSURE)]
    return next(
        (
            (part, message)
            for part, message in lost
            if message.way == SMS
            and message.address[-SAME_DIGITS:] == digits
            and abs((part.handed_at_ms or 0) - fate.accepted_at_ms) <= CLOCKS_DIFFER_MS
        ),
        None,
    )
