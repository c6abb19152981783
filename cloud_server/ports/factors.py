"""What second factors ask of the parts that touch the world: the rows that keep them, and the arithmetic of codes."""

from dataclasses import dataclass
from typing import Protocol

from protocol.ids import Id
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A person's second factor: the secret that their phone holds too, and the last step whose code was used.

    `confirmed` is False until one code was right: till then it demands nothing.
    """

    secret: str
    last_step: int
    confirmed: bool


class Factors(Protocol):
    """Second factors, recovery codes, and when a session last proved who it is. Each call is one unit of work."""

    def factor(self, staff: Id) -> Factor | None: ...

    def offer(self, staff: Id, secret: str, at_ms: Ms) -> None:
        """Keep a secret that is not confirmed yet; one that is confirmed stays."""
        ...

    def confirm(self, staff: Id, step: int, code_hashes: tuple[str, ...], at_ms: Ms, by: str) -> bool:
        """The first code was right: from here on it is asked. False where another request was quicker."""
        ...

    def use_step(self, staff: Id, step: int) -> bool:
        """Use the code of a step; False for one that is not later than the last one used."""
        ...

    def use_recovery(self, staff: Id, code_hash: str, at_ms: Ms, by: str) -> bool:
        """Use up a recovery code; False where there is none such."""
        ...

    def recovery_left(self, staff: Id) -> int: ...

    def remove(self, staff: Id, at_ms: Ms, by: str) -> bool:
        """Take the factor and its recovery codes away, and end the person's sessions; False where there was none."""
        ...

    def proven_at_ms(self, token_hash: str) -> Ms | None:
        """When this session last proved who it is, beyond its sign-in."""
        ...

    def note_proof(self, token_hash: str, staff: Id, at_ms: Ms) -> None: ...

    def forget_proofs_before(self, before_ms: Ms) -> int: ...


class Codes(Protocol):
    """One-time codes by time (RFC 6238): six digits, a new one every 30 seconds."""

    def new_secret(self) -> str: ...

    def address(self, secret: str, name: str, issuer: str) -> str:
        """What a phone reads from the QR picture."""
        ...

    def step_of(self, secret: str, code: str, now_ms: Ms) -> int | None:
        """The step whose code this is, at most one away from now; None where it is no code of now."""
        ...
