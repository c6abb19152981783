"""Second factors in memory, and codes that are as good as real ones: the same flows, no rows."""

from cloud_server.flows.second_factor import SecondFactor
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import Chance, WallClock
from cloud_server.ports.factors import Factor
from cloud_server.web.codes import TimeCodes


class FakeFactors:
    """Implements `Factors`."""

    def __init__(self) -> None:
        self.rows: dict[str, Factor] = {}
        self.recovery: dict[str, set[str]] = {}
        self.proofs: dict[str, tuple[str, int]] = {}

    def factor(self, staff: str) -> Factor | None:
        return self.rows.get(staff)

    def offer(self, staff: str, secret: str, at_ms: int) -> None:
        self.rows.setdefault(staff, Factor(secret=secret, last_step=0, confirmed=False))

    def confirm(self, staff: str, step: int, code_hashes: tuple[str, ...], at_ms: int, by: str) -> bool:
        if self.rows[staff].confirmed:
            return False
        self.rows[staff] = Factor(secret=self.rows[staff].secret, last_step=step, confirmed=True)
        self.recovery[staff] = set(code_hashes)
        return True

    def use_step(self, staff: str, step: int) -> bool:
        if step <= self.rows[staff].last_step:
            return False
        self.rows[staff] = Factor(secret=self.rows[staff].secret, last_step=step, confirmed=True)
        return True

    def use_recovery(self, staff: str, code_hash: str, at_ms: int, by: str) -> bool:
        left = self.recovery.get(staff, set())
        known = code_hash in left
        left.discard(code_hash)
        return known

    def recovery_left(self, staff: str) -> int:
        return len(self.recovery.get(staff, ()))

    def remove(self, staff: str, at_ms: int, by: str) -> bool:
        self.recovery.pop(staff, None)
        self.proofs = {token: proof for token, proof in self.proofs.items() if proof[0] != staff}
        return self.rows.pop(staff, None) is not None

    def proven_at_ms(self, token_hash: str) -> int | None:
        return self.proofs[token_hash][1] if token_hash in self.proofs else None

    def note_proof(self, token_hash: str, staff: str, at_ms: int) -> None:
        self.proofs[token_hash] = (staff, at_ms)

    def forget_proofs_before(self, before_ms: int) -> int:
        old = [token for token, (_, at_ms) in self.proofs.items() if at_ms < before_ms]
        for token in old:
            del self.proofs[token]
        return len(old)


def second_factor(
    sign_in: SignIn, clock: WallClock, chance: Chance, *, demanded: bool = False, factors: FakeFactors | None = None
) -> SecondFactor:
    """The real flow over rows in memory, with real codes."""
    return SecondFactor(
        factors or FakeFactors(), TimeCodes(), sign_in, clock, chance, demanded=demanded, issuer="Riverside"
    )
