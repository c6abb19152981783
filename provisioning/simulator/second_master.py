"""Another master on a line: an old box that came back to life, or a laptop that somebody left clamped on.

It asks its questions one after the other, each when it is due and the line is silent. Its timing only: that meters
answer it, and that the first master hears both, is the line's.
"""

from dataclasses import dataclass, field

from provisioning.simulator.frames import READ_HOLDING, with_crc


def read_question(unit: int, address: int, count: int) -> bytes:
    """A read of holding registers, as any master sends it."""
    return with_crc(bytes((unit, READ_HOLDING)) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


@dataclass(slots=True)
class SecondMaster:
    """Asks `questions` in turn, one every `every_ns` (monotonic), from `next_ns` on."""

    questions: tuple[bytes, ...]
    every_ns: int
    next_ns: int
    asked: int = field(default=0)

    def question_at(self, now_ns: int) -> bytes | None:
        """The question that is due, on a line that is silent; None before its time."""
        if now_ns < self.next_ns:
            return None
        question = self.questions[self.asked % len(self.questions)]
        self.asked += 1
        self.next_ns = now_ns + self.every_ns
        return question
