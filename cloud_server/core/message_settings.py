"""What a site sets for its messages: switch, quiet hours, budgets, duty list. Pure; read with every mistake named."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from cloud_server.core.alarm_rules import SEVERITIES, STEPS_MAX, DutyStep, Severity
from cloud_server.core.mistakes import FieldError
from protocol.reason import Reason

Language = Literal["zh-CN", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh-CN", "en")
DAY_MINUTES: Final = 1_440
BUDGET_MAX: Final = 100_000
"""No site of ten thousand shops sends more parts in a day."""
PAY_CHARACTERS_MAX: Final = 60
"""Where and until when to pay, in every text: it is paid for in every part."""
DUTY_MAX: Final = 20

NUMBER: Final = Reason("a whole number from 0 to %(most)s")
SO_LONG: Final = Reason("1 to %(most)s characters")
ONE_OF: Final = Reason("one of %(allowed)s")
DUTY_SIZE: Final = Reason("at most %(people)s people and %(steps)s steps")
PERSON: Final = Reason("a name and a telephone number")
MINUTES: Final = Reason("0 to %(most)s minutes")
REASONS: Final = (NUMBER, SO_LONG, ONE_OF, DUTY_SIZE, PERSON, MINUTES)


class DutyPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the duty list, by telephone."""

    name: str
    number: str


class StepSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of alarms that nobody has acknowledged for so long; names of people and of other ways."""

    after_min: int
    names: tuple[str, ...]
    severities: tuple[Severity, ...] = ("critical", "severe")


class MessageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One site's settings. Minutes count from midnight in the site's zone; quiet from = quiet to: no quiet hours."""

    on: bool = True
    language: Language = "zh-CN"
    quiet_from_minute: int = 22 * 60
    quiet_to_minute: int = 7 * 60
    customer_day_max: int = 6
    """Messages to one customer in a day."""
    site_day_max: int = 2_000
    """Parts from the whole site in a day: parts are what is paid for."""
    forecast_days: int = 3
    """A forecast is told when so few days are left; 0: never."""
    pay: str = "物业收费处，8:30-20:00"
    duty: tuple[DutyPerson, ...] = ()
    steps: tuple[StepSetting, ...] = ()

    def duty_steps(self) -> tuple[DutyStep, ...]:
        """The steps of escalation as the rules want them."""
        return tuple(DutyStep(step.after_min, step.names, frozenset(step.severities)) for step in self.steps)


def settings_errors(settings: MessageSettings, ways: Mapping[str, object]) -> list[FieldError]:
    """Everything about the settings that cannot be, by field."""
    found = [
        _error(name, value, NUMBER(most=most))
        for name, value, most in (
            ("quiet_from_minute", settings.quiet_from_minute, DAY_MINUTES - 1),
            ("quiet_to_minute", settings.quiet_to_minute, DAY_MINUTES - 1),
            ("customer_day_max", settings.customer_day_max, BUDGET_MAX),
            ("site_day_max", settings.site_day_max, BUDGET_MAX),
            ("forecast_days", settings.forecast_days, 30),
        )
        if not 0 <= value <= most
    ]
    if not 0 < len(settings.pay) <= PAY_CHARACTERS_MAX:
        found.append(_error("pay", settings.pay, SO_LONG(most=PAY_CHARACTERS_MAX)))
    if settings.language not in LANGUAGES:
        found.append(_error("language", settings.language, ONE_OF(allowed=", ".join(LANGUAGES))))
    return [*found, *_duty_errors(settings, ways)]


def _duty_errors(settings: MessageSettings, ways: Mapping[str, object]) -> list[FieldError]:
    found = []
    if len(settings.duty) > DUTY_MAX or len(settings.steps) > STEPS_MAX:
        found.append(_error("duty", len(settings.duty), DUTY_SIZE(people=DUTY_MAX, steps=STEPS_MAX)))
    found += [
        _error("duty", f"{person.name} {person.number}", PERSON)
        for person in settings.duty
        if not person.name.strip() or not is_number(person.number)
    ]
    known = {person.name for person in settings.duty} | set(ways)
    for step in settings.steps:
        found += [
            _error("steps", name, ONE_OF(allowed=", ".join(sorted(known)))) for name in step.names if name not in known
        ]
        if not 0 <= step.after_min <= DAY_MINUTES:
            found.append(_error("steps", step.after_min, MINUTES(most=DAY_MINUTES)))
        found += [
            _error("steps", each, ONE_OF(allowed=", ".join(SEVERITIES)))
            for each in step.severities
            if each not in SEVERITIES
        ]
    return found


def is_number(text: str) -> bool:
    """Whether a telephone could be called so: 3 to 20 digits, a + before a country code."""
    digits = text.removeprefix("+")
    return digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 20


def _error(field: str, value: object, right: Reason) -> FieldError:
    return FieldError(field=field, value=str(value), code="unknown", message=str(right), reason=right)
