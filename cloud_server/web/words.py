"""Looks the words of closed lists up in one language. The lists stand in `word_tables` and `refusal_words`."""

from collections.abc import Callable, Mapping
from typing import Any

from cloud_server.core.mistakes import Mistake
from cloud_server.web import plan_words as p
from cloud_server.web import profile_words, refusal_words
from cloud_server.web import word_tables as t
from protocol.reason import Reason


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
        return self._translate(reason.pattern) % reason.said

    def mistake(self, mistake: Mistake) -> str:
        """The same of a mistake; in English where it is only known so."""
        return self.reason(mistake.reason) if mistake.reason is not None else mistake.message

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

    def flag(self, code: str) -> str:
        return self.of(t.FLAG, code)

    def role(self, code: str) -> str:
        return self.of(t.ROLE, code)

    def right(self, code: str) -> str:
        return self.of(t.RIGHT, code)

    def field(self, code: str, limit: str = "") -> str:
        return self.of(refusal_words.FIELD, code) % {"limit": limit}
