"""Money that was paid back, and sales that were undone: told to the customer as a sale is. Part of `note_occasions`.

How far they were looked at is a mark; the cause of each is its own id, so that a look that is done twice tells nobody
twice.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cloud_server.core.message_texts import money_text
from cloud_server.flows.give_way import NEWS_REST_FOLD, spread
from cloud_server.flows.message_story import WalletStory, tell_wallet
from cloud_server.flows.note_numbers import numbers_of
from cloud_server.ports.outbox import MoneyBack
from protocol.units import Ms

if TYPE_CHECKING:
    from cloud_server.flows.note_occasions import Noter

MONEY_BACK: Final = "money_back"
LOOK_EVERY_MS: Final = 10_000
"""Refunds and reversals are few, and nobody waits for the message: he stands at the desk."""
BACK_MS: Final = 60_000
"""They are committed within a second of their time; a minute behind the mark nothing is added any more."""
JOURNALED_WITHIN_MS: Final = 5_000
"""What the journal has not taken by then, it cannot take, and nothing is told meanwhile."""
TOLD_AT_ONCE: Final = 3
"""Told in one piece: 10 ms each for what is foreseen of their wallet."""


class MoneyBackNoter:
    """Part of the noter: what it finds goes out through it."""

    def __init__(self, noter: "Noter") -> None:
        self._noter = noter
        self._looked_at_ms: Ms = 0

    def look(self) -> int:
        """Tell what was paid back or undone since the mark; how many messages were noted."""
        centre = self._noter.centre
        now_ms = centre.clock.wall_ms()
        if 0 <= now_ms - self._looked_at_ms < LOOK_EVERY_MS or centre.journal.fault is not None:
            return 0
        self._looked_at_ms = now_ms
        upto_ms = now_ms - JOURNALED_WITHIN_MS
        with centre.store.read() as unit:
            mark = unit.messages.mark(MONEY_BACK)
            # Without a mark nobody has looked before: what was then is nobody's news.
            from_ms = int(mark) if mark is not None else upto_ms
            found = unit.messages.money_back(from_ms, upto_ms) if self._noter.to_phones else []
            told = unit.messages.known_causes(one.cause for one in found)
        noted = self._tell([one for one in found if one.cause not in told])
        if mark is None or upto_ms - BACK_MS - from_ms >= BACK_MS:
            with centre.store.note() as unit:
                unit.messages.put_mark(MONEY_BACK, str(upto_ms if mark is None else upto_ms - BACK_MS))
        return noted

    def _tell(self, due: Sequence[MoneyBack]) -> int:
        noted, done = 0, 0

        def step() -> bool:
            nonlocal noted, done
            some = due[done : done + TOLD_AT_ONCE]
            done += len(some)
            stories = self._stories(some)
            if stories:
                with self._noter.centre.store.write() as unit:
                    for one, story in stories:
                        more = {"amount": money_text(one.amount_micro), "receipt": one.receipt}
                        noted += self._noter.note(unit, story, one.occasion, one.cause, more)
                self._noter.centre.fail_point("some_noted")
            return done < len(due)

        if due:
            spread(step, NEWS_REST_FOLD)
        return noted

    def _stories(self, some: Sequence[MoneyBack]) -> list[tuple[MoneyBack, WalletStory]]:
        """Each with the wallet that it came from, else the account's first; made before the writer is held."""
        looker, centre = self._noter.looker, self._noter.centre
        with centre.store.read() as unit:
            site = looker.site_map(unit)
            assert site is not None
            meant = []
            for one in some:
                wallets = site.wallets_of.get(one.account, ())
                wallet = site.wallets.get(one.wallet or "") or (wallets[0] if wallets else None)
                if wallet and numbers_of(site.customers[site.accounts[one.account].customer].phones):
                    meant.append((one, wallet))
            look = looker.look_at_wallets(unit, (wallet for _, wallet in meant))
            assert look is not None
            return [(one, tell_wallet(centre, unit, look, wallet)) for one, wallet in meant]
