"""Settings, texts and the outbox as people see to them; and the settings as every flow of messages reads them."""

from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import msgspec

from cloud_server.core.message_rules import ENDED, LASTS_MS, MessageState, PartState, last_midnight_ms
from cloud_server.core.message_settings import Language, MessageSettings, settings_errors
from cloud_server.core.message_texts import TEXTS, TextMistake, text_mistakes
from cloud_server.core.mistakes import FieldError
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.ports import Actor, Refused, Unit
from cloud_server.ports.messages import ModemState
from cloud_server.ports.outbox import MessageRow, PartRow

SETTINGS = "settings"
LOOKED_THROUGH_MAX = 3_000
"""Messages of the whole site looked through for those of somebody's own buildings: weeks of a large site."""
SHOWN_MAX = 300
"""Messages on one page; whoever wants others filters by state."""
_SIMPLE = (
    "on",
    "language",
    "quiet_from_minute",
    "quiet_to_minute",
    "customer_day_max",
    "site_day_max",
    "forecast_days",
    "pay",
)
_settings = msgspec.json.Decoder(MessageSettings)


def read_settings(unit: Unit) -> MessageSettings:
    """The site's settings; those that come with the program where it never set any."""
    text = unit.messages.mark(SETTINGS)
    return _settings.decode(text) if text is not None else MessageSettings()


def text_for(unit: Unit, occasion: str, language: Language) -> str:
    """The text that holds: the site's own, or the one that comes with the program."""
    return unit.messages.templates().get((occasion, language)) or TEXTS[language][occasion]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPage:
    """What the page of messages shows. `modem` None: no modem is configured."""

    as_of_ms: int
    rows: tuple[tuple[MessageRow, tuple[PartRow, ...]], ...]
    counts: dict[str, int]
    settings: MessageSettings
    modem: ModemState | None
    ways: tuple[str, ...]
    parts_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPage:
    """One text as edited: what holds, what came with the program."""

    occasion: str
    language: Language
    text: str
    own: bool


class MessageDesk:
    """What the console does with messages."""

    def __init__(self, centre: Centre, ways: Sequence[str] = ()) -> None:
        self._centre = centre
        self.ways = tuple(ways)
        self.modem: ModemState | None = None
        """As the worker last saw it; written by it alone."""
        self._whole = self

    def within(self, centre: Centre) -> "MessageDesk":
        """The same desk, as somebody sees it who is limited to buildings."""
        part = copy(self)
        part._centre = centre  # noqa: SLF001  # a copy of itself
        return part

    def outbox(self, state: str = "") -> OutboxPage:
        """The newest messages, all or of one state."""
        now_ms = self._centre.clock.wall_ms()
        wanted = [each for each in MessageState if each.value == state]
        with self._centre.store.read() as unit:
            rows, counts = self._newest(unit, wanted)
            return OutboxPage(
                as_of_ms=now_ms,
                rows=tuple((row, tuple(unit.messages.parts(row.message))) for row in rows),
                counts=counts,
                settings=read_settings(unit),
                modem=self._whole.modem,
                ways=self.ways,
                parts_today=unit.messages.sent_today(last_midnight_ms(self._centre.zone, now_ms), None)[1],
            )

    def _newest(self, unit: Unit, wanted: Sequence[MessageState]) -> tuple[list[MessageRow], dict[str, int]]:
        """The newest messages, and how many there are by state; those to customers that may be seen."""
        if self._centre.territory.is_whole:
            return list(unit.messages.newest(wanted, SHOWN_MAX)), unit.messages.counts()
        site = Looker(self._centre).site_map(unit)
        accounts = site.accounts if site is not None else {}
        own = [row for row in unit.messages.newest([], LOOKED_THROUGH_MAX) if row.account in accounts]
        shown = [row for row in own if not wanted or row.state in wanted]
        return shown[:SHOWN_MAX], dict(Counter(row.state.value for row in own))

    def settings(self) -> MessageSettings:
        """As they hold."""
        with self._centre.store.read() as unit:
            return read_settings(unit)

    def save_settings(self, settings: MessageSettings, by: Actor) -> None:
        """Take all settings anew. Raises Refused with every mistake."""
        mistakes = settings_errors(settings, dict.fromkeys(self.ways))
        if mistakes:
            raise Refused(mistakes)
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            before = read_settings(unit)
            unit.messages.put_mark(SETTINGS, msgspec.json.encode(settings).decode())
            names = [name for name in _SIMPLE if getattr(before, name) != getattr(settings, name)]
            changed = {name: [getattr(before, name), getattr(settings, name)] for name in names}
            if (before.duty, before.steps) != (settings.duty, settings.steps):
                changed["duty"] = [len(before.duty), len(settings.duty)]
            unit.audit.append(now_ms, by.name, "message_settings_changed", "", changed)

    def switch(self, *, on: bool, by: Actor) -> None:
        """The kill switch."""
        self.save_settings(msgspec.structs.replace(self.settings(), on=on), by)

    def texts(self) -> list[TextPage]:
        """Every text in both languages."""
        with self._centre.store.read() as unit:
            own = unit.messages.templates()
        return [
            TextPage(occasion=occasion, language=language, text=own.get((occasion, language), text),
                     own=(occasion, language) in own)
            for language, texts in TEXTS.items()
            for occasion, text in texts.items()
        ]  # fmt: skip

    def save_text(self, occasion: str, language: Language, text: str | None, by: Actor) -> list[TextMistake]:
        """Take a text, or with None the program's own again; its mistakes, with which it is not taken."""
        mistakes = text_mistakes(occasion, text) if text is not None else []
        if not mistakes:
            now_ms = self._centre.clock.wall_ms()
            with self._centre.store.write() as unit:
                unit.messages.put_template(occasion, language, text, now_ms, by.name)
                detail = {"language": language, "text": text}
                unit.audit.append(now_ms, by.name, "message_text_changed", occasion, detail)
        return mistakes

    @staticmethod
    def mistakes_of(occasion: str, text: str) -> list[TextMistake]:
        """What is wrong with a text before it is taken."""
        return text_mistakes(occasion, text)

    def set_language(self, account_number: str, language: Language, by: Actor) -> bool:
        """The language of one customer's messages, by an account's number. False where there is no such account."""
        with self._centre.store.write() as unit:
            plan = unit.fleet.plan()
            accounts = plan.accounts if plan is not None else []
            customer = next((each.customer for each in accounts if each.number == account_number), None)
            if customer is None:
                return False
            unit.messages.put_mark(f"language/{customer}", language)
            now_ms, detail = self._centre.clock.wall_ms(), {"language": language}
            unit.audit.append(now_ms, by.name, "message_language_changed", customer, detail)
        return True

    def send_again(self, message: str, by: Actor) -> bool:
        """A person asks for it: the same text once more, as a new message. False where it has not ended, or is gone."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            row = unit.messages.message(message)
            if row is None or row.state not in ENDED or row.state is MessageState.DELIVERED:
                return False
            again = replace(
                row, message=self._centre.new_id(), cause=f"{row.cause}/again", made_at_ms=now_ms,
                not_before_ms=now_ms, ends_at_ms=now_ms + LASTS_MS, state=MessageState.QUEUED, reason=None,
                begun_at_ms=None, done_at_ms=None, urgent=True,
            )  # fmt: skip
            if not unit.messages.add([again]):
                return False
            unit.audit.append(now_ms, by.name, "message_sent_again", message, {"to": row.address[-4:]})
        return True

    def withdraw(self, message: str, by: Actor) -> bool:
        """Take a message back that has not left. False where any of it has."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            row = unit.messages.message(message)
            parts = unit.messages.parts(message)
            if row is None or row.state in ENDED or any(part.state is not PartState.WAITING for part in parts):
                return False
            unit.messages.put_message(replace(row, state=MessageState.WITHHELD, reason="withdrawn", done_at_ms=now_ms))
            unit.audit.append(now_ms, by.name, "message_withdrawn", message, {"to": row.address[-4:]})
        return True


def refusals(error: Refused) -> dict[str, FieldError]:
    """The mistakes of a form by field."""
    return {each.field: each for each in error.errors}
