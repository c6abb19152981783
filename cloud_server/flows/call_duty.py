"""Telling the duty list of alarms that nobody has acknowledged, step by step, in one message where there are many."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cloud_server.core.alarm_rules import TOLD_AT_ONCE_MAX, DutyCall, duty_calls, severity_of
from cloud_server.core.alarm_views import AlarmEntry, AlarmFilter
from cloud_server.core.message_rules import LASTS_MS, MessageState
from cloud_server.core.message_settings import Language, MessageSettings
from cloud_server.core.message_texts import fill, moment_text, word
from cloud_server.flows.centre import Centre
from cloud_server.flows.message_desk import read_settings, text_for
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.ports import Unit
from cloud_server.ports.outbox import MessageRow

KindName = Callable[[str, Language], str]
"""What an alarm of a kind is called in a language."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One call to one address."""

    cause: str
    way: str
    address: str
    call: DutyCall


class DutyCaller:
    """Looks at what stands and puts what is due into the outbox."""

    def __init__(self, centre: Centre, alarms: AlarmOffice, kind_name: KindName, ways: Iterable[str]) -> None:
        self._centre = centre
        self._alarms = alarms
        self._kind_name = kind_name
        self._ways = frozenset(ways)

    def look(self) -> int:
        """How many messages were noted."""
        with self._centre.store.read() as unit:
            settings = read_settings(unit)
        steps = settings.duty_steps()
        if not steps:
            return 0
        now_ms = self._centre.clock.wall_ms()
        calls = duty_calls(self._alarms.page(AlarmFilter()).entries, steps, now_ms)
        told = list(self._addressed(calls, settings))
        with self._centre.store.read() as unit:
            known = unit.messages.known_causes(one.cause for one in told)
        if all(one.cause in known for one in told):
            # The one writer of the store is not held for nothing.
            return 0
        with self._centre.store.write() as unit:
            known = unit.messages.known_causes(one.cause for one in told)
            new: dict[tuple[str, str], list[_Told]] = {}
            for one in told:
                if one.cause not in known:
                    new.setdefault((one.way, one.address), []).append(one)
            return sum(self._note(unit, settings, each, now_ms) for each in new.values())

    def _addressed(self, calls: Iterable[DutyCall], settings: MessageSettings) -> Iterable[_Told]:
        numbers = {person.name: person.number for person in settings.duty}
        for call in calls:
            for name in call.names:
                cause = f"duty/{call.entry.alarm}/{call.step}/{name}"
                if name in numbers:
                    yield _Told(cause, "sms", numbers[name], call)
                elif name in self._ways:
                    yield _Told(cause, name, name, call)

    def _note(self, unit: Unit, settings: MessageSettings, told: list[_Told], now_ms: int) -> int:
        """One message each, or one for all of them; what was told together is kept as such, so that it is not again."""
        rows = [self._row(unit, settings, one, now_ms) for one in told]
        if len(rows) > TOLD_AT_ONCE_MAX:
            kinds: dict[str, int] = {}
            for one in told:
                name = self._kind_name(one.call.entry.kind, settings.language)
                kinds[name] = kinds.get(name, 0) + 1
            counted = "、".join(f"{name}×{count}" for name, count in sorted(kinds.items(), key=lambda pair: -pair[1]))
            gravest = min(told, key=lambda one: _RANK[severity_of(one.call.entry.kind)])
            text = self._text(unit, settings, gravest.call, what=counted, where=self._centre.site.name)
            together = [replace(row, state=MessageState.WITHHELD, reason="told_together") for row in rows[1:]]
            rows = [replace(rows[0], text=text), *together]
        return unit.messages.add(rows)

    def _row(self, unit: Unit, settings: MessageSettings, one: _Told, now_ms: int) -> MessageRow:
        entry = one.call.entry
        what = self._kind_name(entry.kind, settings.language)
        return MessageRow(
            message=self._centre.new_id(),
            cause=one.cause,
            occasion="duty",
            way=one.way,
            address=one.address,
            language=settings.language,
            title=f"{self._centre.site.name}: {what}",
            text=self._text(unit, settings, one.call, what=what, where=place_of(entry)),
            urgent=True,
            reference=int.from_bytes(self._centre.chance.draw(2), "big"),
            made_at_ms=now_ms,
            not_before_ms=now_ms,
            ends_at_ms=now_ms + LASTS_MS,
        )

    def _text(self, unit: Unit, settings: MessageSettings, call: DutyCall, *, what: str, where: str) -> str:
        values = {
            "site": self._centre.site.name,
            "what": what,
            "where": where,
            "since": moment_text(call.entry.raised_at_ms, self._centre.zone),
            "severity": word(settings.language, severity_of(call.entry.kind)),
            "step": str(call.step + 1),
        }
        return fill(text_for(unit, "duty", settings.language), values)


_RANK = {"critical": 0, "severe": 1, "warning": 2, "notice": 3}


def place_of(entry: AlarmEntry) -> str:
    """Where it is, as people say: building, box, bus, shop."""
    parts = (entry.building_name, entry.box_name, entry.bus_name, entry.shop)
    return " ".join(part for part in parts if part)
