"""What records of boxes make known: shops cut off and restored, alarms of wallets. Part of `note_occasions`.

Looked at is only what was posted behind each box's mark. What a box told is noted before its mark moves on, a few
notices at a time: after a crash between them the rest is found again, and what was noted is known by its cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cloud_server.core.message_texts import cause_words, moment_text
from cloud_server.core.occasions import Notice, notices
from cloud_server.flows.give_way import NEWS_REST_FOLD, Piece, spread
from cloud_server.flows.message_story import WalletStory, tell_wallet
from cloud_server.ports import Unit
from protocol.site_plan import WalletPlan

if TYPE_CHECKING:
    from cloud_server.flows.note_occasions import Noter

RECORDS_AT_ONCE: Final = 2_000
"""Records in one look at a box, read within 20 ms: those of a month without fibre come in several."""
BOXES_AT_ONCE: Final = 50
"""Boxes of one piece: one statement of a millisecond for each."""
TOLD_AT_ONCE: Final = 3
"""Notices that are told in one piece: 10 ms each for what is foreseen of their wallet."""
BOX: Final = "box/"
"""Beginning of the marks that say how far each box's records were looked at."""


@dataclass(frozen=True, slots=True)
class _News:
    """What one box told that somebody has to hear, and the mark behind it."""

    box: str
    found: Sequence[Notice]
    mark: str


class RecordNoter:
    """Part of the noter: what it finds goes out through it."""

    def __init__(self, noter: "Noter") -> None:
        self._noter = noter
        self._centre = noter.centre

    def look(self) -> int:
        """One look at every box that posted something since its mark; how many messages were noted."""
        noted, after = 0, ""

        def step() -> bool:
            nonlocal noted, after
            passed, news = self._pass_quiet(after)
            noted += sum(self._tell(one) for one in news)
            after = passed
            return bool(passed)

        spread(step, NEWS_REST_FOLD)
        return noted

    def _pass_quiet(self, after: str) -> tuple[str, list[_News]]:
        """Move the marks of boxes behind a name that told nothing which anybody has to hear; the last of the boxes
        that were looked at ("" where there are no more), and what the others told."""
        quiet: dict[str, str] = {}
        news: list[_News] = []
        piece, passed = Piece(), ""
        with self._centre.store.read() as unit:
            for box, epoch, seq, mark in unit.messages.boxes_beyond(BOX, after, BOXES_AT_ONCE):
                place = _place(mark)
                if place < (epoch, seq):
                    found, upto = self._found(unit, box, place)
                    new = "{}/{}".format(*(upto or (epoch, seq)))
                    if found:
                        news.append(_News(box, found, new))
                    else:
                        quiet[BOX + box] = new
                passed = box
                if piece.is_over:
                    break
        if quiet:
            with self._centre.store.note() as unit:
                unit.messages.put_marks(quiet)
        return passed, news

    def _found(self, unit: Unit, box: str, place: tuple[int, int]) -> tuple[list[Notice], tuple[int, int] | None]:
        """What is to be told of a box's records behind a place; up to where they were looked at, None for all."""
        if not self._noter.to_phones:
            return [], None
        happened, upto = unit.messages.events_after(box, *place, RECORDS_AT_ONCE)
        return notices(happened), upto

    def _tell(self, news: _News) -> int:
        """Note it, a few notices at a time, then move the mark with the last of them."""
        noted, done = 0, 0

        def step() -> bool:
            nonlocal noted, done
            some = news.found[done : done + TOLD_AT_ONCE]
            done += len(some)
            is_last = done >= len(news.found)
            stories = self._stories(some)
            with self._centre.store.write() as unit:
                for notice, story in stories:
                    noted += self._take_notice(unit, notice, story, news.found)
                if is_last:
                    unit.messages.put_mark(BOX + news.box, news.mark)
            self._centre.fail_point("some_noted")
            return not is_last

        spread(step, NEWS_REST_FOLD)
        return noted

    def _stories(self, some: Sequence[Notice]) -> list[tuple[Notice, WalletStory]]:
        """Each notice with what is known of its wallet; those of accounts that are closed, or not planned, left out.
        Made before the store's writer is held."""
        looker = self._noter.looker
        with self._centre.store.read() as unit:
            site = looker.site_map(unit)
            assert site is not None
            meant: list[tuple[Notice, WalletPlan]] = []
            for notice in some:
                wallet = site.wallets.get(notice.wallet or "") or site.wallet_of.get(notice.meter or "")
                if wallet is not None:
                    meant.append((notice, wallet))
            look = looker.look_at_wallets(unit, (wallet for _, wallet in meant))
            assert look is not None
            return [
                (notice, tell_wallet(self._centre, unit, look, wallet, notice.meter))
                for notice, wallet in meant
                if look.account_states.get(wallet.account) != "closed"
            ]

    def _take_notice(self, unit: Unit, notice: Notice, story: WalletStory, all_: Sequence[Notice]) -> int:
        if notice.meter is not None and _told_already(unit, notice):
            return 0
        if notice.occasion == "arrears" and any(
            other.occasion == "cut_off" and other.meter in story.wallet.meters for other in all_
        ):
            # The text on the cut says the same, and more.
            return 0
        language = self._noter.language(unit, story.customer.customer)
        more = {
            "cause": cause_words(language, notice.cause),
            "cut_at": moment_text(notice.at_ms, self._centre.zone),
        }
        cause = f"{notice.occasion}/{notice.place}"
        return self._noter.note(unit, story, notice.occasion, cause, more, meter=notice.meter)


def _place(mark: str | None) -> tuple[int, int]:
    """Epoch and number up to which a box's records were looked at."""
    if mark is None:
        return 0, 0
    epoch, seq = mark.split("/")
    return int(epoch), int(seq)


def _told_already(unit: Unit, notice: Notice) -> bool:
    """A cut is told once until supply is back; that it is back is told to whom a cut was told."""
    last = unit.messages.last_switch_told(notice.meter or "")
    return (last == "cut_off") == (notice.occasion == "cut_off")
