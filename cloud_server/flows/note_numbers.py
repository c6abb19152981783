"""Numbers that were taken off file: whoever reads a message there knows whether that was meant. Part of
`note_occasions`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from cloud_server.core.message_settings import is_number
from cloud_server.core.message_texts import fill, moment_text
from cloud_server.flows.give_way import spread
from cloud_server.flows.message_desk import read_settings, text_for
from cloud_server.ports import Unit
from protocol.site_plan import CustomerPlan

if TYPE_CHECKING:
    from cloud_server.flows.note_occasions import Noter

NUMBERS: Final = "numbers"
CUSTOMERS_AT_ONCE: Final = 2_000
"""Customers of one piece: 4 µs each."""
_numbers = msgspec.json.Decoder(dict[str, list[str]])


class NumberNoter:
    """Part of the noter: what it finds goes out through it."""

    def __init__(self, noter: "Noter") -> None:
        self._noter = noter
        self._version = 0
        """The plan whose numbers are noted, once that is committed."""

    def look(self) -> int:
        """Compare the numbers of a plan that is new here with those on file before; how many messages were noted."""
        centre = self._noter.centre
        with centre.store.read() as unit:
            version = unit.books.plan_version()
            if version == self._version:
                return 0
            site = self._noter.looker.site_map(unit)
            kept = unit.messages.mark(NUMBERS)
        assert site is not None
        now = numbers_by_customer(site.plan.customers)
        before = _numbers.decode(kept) if kept is not None else now
        noted = 0
        if kept is None or before != now:
            changed = changed_numbers(before, now) if self._noter.to_phones else []
            mark, now_ms = msgspec.json.encode(now).decode(), centre.clock.wall_ms()
            with centre.store.write() as unit:
                for customer, old, new in changed:
                    noted += self._tell(unit, customer, old, new, f"number/{customer}/{old}/{now_ms}")
                unit.messages.put_mark(NUMBERS, mark)
        self._version = version
        return noted

    def _tell(self, unit: Unit, customer: str, old: str, new: str, cause: str) -> int:
        noter = self._noter
        settings, language = read_settings(unit), noter.language(unit, customer)
        values = {
            "site": noter.centre.site.name,
            "tail": new[-4:],
            "pay": settings.pay,
            "at": moment_text(noter.centre.clock.wall_ms(), noter.centre.zone),
        }
        text = fill(text_for(unit, "number_changed", language), values)
        return unit.messages.add([noter.row("number_changed", cause, old, language, text, urgent=False)])


def numbers_of(phones: Iterable[str]) -> list[str]:
    """Numbers as they are dialled, each once: without spaces and dashes; what is none is left out."""
    plain = [phone.translate(_MARKS) for phone in phones]
    return list(dict.fromkeys(number for number in plain if is_number(number)))


_MARKS: Final = {ord(mark): None for mark in " -()"}


def numbers_by_customer(customers: Sequence[CustomerPlan]) -> dict[str, list[str]]:
    """Of all customers, in pieces."""
    found: dict[str, list[str]] = {}
    done = 0

    def step() -> bool:
        nonlocal done
        some = customers[done : done + CUSTOMERS_AT_ONCE]
        found.update({one.customer: sorted(numbers_of(one.phones)) for one in some})
        done += len(some)
        return done < len(customers)

    spread(step)
    return found


def changed_numbers(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> list[tuple[str, str, str]]:
    """Customer, a number that is gone, and the first that came in its place; nobody of whom none came."""
    changed = []
    for customer, numbers in before.items():
        held = now.get(customer, [])
        new = [number for number in held if number not in numbers]
        changed += [(customer, number, new[0]) for number in numbers if new and number not in held]
    return changed
