"""Looks the words of closed lists up in one language. The lists stand in `word_tables` and `refusal_words`."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloud_server.core.mistakes import Mistake
from cloud_server.web import plan_words as p
from cloud_server.web import profile_words, refusal_words
from cloud_server.web import word_tables as t
from protocol.meter_profile.description import Line
from protocol.reason import Reason

_PLACE: Final = re.compile(
    r"(?P<what>box|meter|bus|building|account|wallet|tariff|profile) (?P<name>.+?)"
    r"(?: version (?P<version>\d+))?(?:, (?P<rest>.+))?"
)
"""How `core/planned_site` and its like name a place."""


class Words:
    """Looks words up in one language."""

    def __init__(self, translate: Callable[[str], str]) -> None:
        self._translate = translate

    def of(self, table: Mapping[Any, str], code: str) -> str:
        """The word for a code; a code without a word stands for itself, so that nothing is ever blank."""
        return self._translate(table[code]) if code in table else code

    def state(self, code: str) -> str:
        return self.of(t.STATE, code)

    def lost_with(self, code: str) -> str:
        return self.of(t.LOST_WITH, code)

    def badge(self, code: str) -> str:
        return self.of(t.BADGE, code)

    def relay(self, code: str) -> str:
        return self.of(t.RELAY, code)

    def cause(self, code: str) -> str:
        return self.of(t.CAUSE, code)

    def method(self, code: str) -> str:
        return self.of(t.METHOD, code)

    def sale(self, code: str) -> str:
        return self.of(t.SALE, code)

    def refund(self, code: str) -> str:
        return self.of(t.REFUND, code)

    def account(self, code: str) -> str:
        return self.of(t.ACCOUNT, code)

    def closing(self, code: str) -> str:
        return self.of(t.CLOSING, code)

    def plan_item(self, code: str) -> str:
        return self.of(p.ITEM, code)

    def plan_field(self, code: str) -> str:
        return self.of(p.FIELD, code)

    def reason(self, reason: Reason) -> str:
        """Why something is wrong, with its values in their places."""
        return reason.told(self._translate)

    def mistake(self, mistake: Mistake) -> str:
        """The same of a mistake; in English where it is only known so."""
        return self.reason(mistake.reason) if mistake.reason is not None else mistake.message

    def lines(self, plan: Sequence[Line]) -> str:
        """What a profile would do, line by line."""
        return "\n".join(line.told(self._translate) for line in plan)

    def place(self, text: str) -> str:
        """Where in a plan or a list a mistake stands: `box A1`, `tariff shops version 2`; a cell or a key as it is."""
        found = _PLACE.fullmatch(text)
        if found is None:
            return self.of(p.PLACE, text)
        version = self._translate(p.VERSION) % {"n": found["version"]} if found["version"] else ""
        words = " ".join(part for part in (self.of(p.PLACE, found["what"]), found["name"], version) if part)
        return f"{words}, {found['rest']}" if found["rest"] else words

    def make(self, title: str) -> str:
        """Maker and model; what the model says in words is in the reader's language."""
        for words in profile_words.IN_MODELS:
            title = title.replace(words, self._translate(words))
        return title

    def profile_place(self, text: str) -> str:
        return self.of(profile_words.PLACE, text)

    def reach(self, code: str) -> str:
        return self.of(profile_words.REACH, code)

    def grade(self, code: str) -> str:
        return self.of(profile_words.GRADE, code)

    def request(self, code: str) -> str:
        return self.of(t.REQUEST, code)

    def task(self, code: str) -> str:
        return self.of(t.TASK, code)

    def conflict(self, code: str) -> str:
        return self.of(refusal_words.CONFLICT, code)

    def box(self, code: str) -> str:
        return self.of(t.BOX, code)

    def command(self, kind: str, what: str) -> str:
        """What was ordered, in one word: the mode, or the kind with its direction."""
        named = "observe" if kind == "in_service" and what == "off" else what
        return self.of(t.OPERATION, named if named in t.OPERATION else kind)

    def command_state(self, code: str) -> str:
        return self.of(t.COMMAND_STATE, code)

    def operation(self, code: str) -> str:
        return self.of(t.OPERATION, code)

    def mode(self, code: str) -> str:
        return self.of(t.MODE, code)

    def service(self, code: str) -> str:
        return self.of(t.SERVICE, code)

    def use(self, code: str) -> str:
        return self.of(t.USE, code)

    def test(self, code: str) -> str:
        return self.of(t.TEST, code)

    def rate(self, code: str) -> str:
        return self.of(t.RATE, code)

    def alarm(self, code: str) -> str:
        return self.of(t.ALARM, code)

    def refusal(self, code: str) -> str:
        return self.of(refusal_words.REFUSAL, code)

    def why(self, told: str) -> str:
        """What boxes answered, in words; a person's own words as they are."""
        codes = told.split(", ")
        return ", ".join(map(self.refusal, codes)) if set(codes) <= refusal_words.REFUSAL.keys() else told

    def flag(self, code: str) -> str:
        return self.of(t.FLAG, code)

    def role(self, code: str) -> str:
        return self.of(t.ROLE, code)

    def right(self, code: str) -> str:
        return self.of(t.RIGHT, code)

    def field(self, code: str, limit: str = "") -> str:
        return self.of(refusal_words.FIELD, code) % {"limit": limit}
