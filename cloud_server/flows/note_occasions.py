"""What customers are to be told: found in posted records, sales, forecasts and changed numbers, and put in the outbox.

Each look takes up where the last one ended, and is done in pieces (`give_way`). What it found is noted before it is
marked as looked at; a look that is done twice finds the same causes, and the same cause makes no second message.
"""

from collections.abc import Sequence
from typing import Final

from cloud_server.core.message_rules import LASTS_MS, Occasion, is_urgent
from cloud_server.core.message_settings import Language, MessageSettings
from cloud_server.core.message_texts import fill, moment_text, money_text
from cloud_server.flows.centre import Centre
from cloud_server.flows.foretell import Foreteller
from cloud_server.flows.give_way import NEWS_REST_FOLD, spread
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.look import Looker
from cloud_server.flows.message_desk import read_settings, text_for
from cloud_server.flows.message_story import WalletStory, story_values, tell_wallet
from cloud_server.flows.note_money_back import MONEY_BACK, MoneyBackNoter
from cloud_server.flows.note_numbers import NumberNoter, numbers_of
from cloud_server.flows.note_records import BOX, RecordNoter
from cloud_server.ports import Unit
from cloud_server.ports.outbox import MessageRow, SaleToTell
from protocol.units import Ms

SALE_WAITS_MS: Final = 120_000
"""A sale whose credit has not reached its box by then is told as on its way."""
SALES_BACK_MS: Final = 60_000
"""Sales are committed within a second of their time; a minute behind the newest one nothing is added any more."""
LOOK_EVERY_MS: Final = 60_000
"""How far sales were looked at is marked once a minute; where nobody is told of any, they are not looked at between."""
SALES_AT_ONCE: Final = 3
"""Sales that are told in one piece: 10 ms each for what is foreseen of their wallet."""
BOXES_AT_ONCE: Final = 1_000
"""Marks of the very first look, in one statement."""
BEGUN: Final = "begun"
SALES: Final = "sales"


class Noter:
    """Looks and notes. `to_phones` False: no modem is configured, and nothing is noted for customers' phones."""

    def __init__(self, centre: Centre, links: LinkKeeper, *, to_phones: bool) -> None:
        self.centre = centre
        self.to_phones = to_phones
        self.looker = Looker(centre)
        self._links = links
        self._foreteller = Foreteller(self)
        self._records = RecordNoter(self)
        self._numbers = NumberNoter(self)
        self._money_back = MoneyBackNoter(self)
        self._looked_at_ms: Ms = 0
        self._has_begun = False

    def look(self) -> int:
        """One look at what came since the last; how many messages were noted."""
        with self.centre.store.read() as unit:
            if unit.books.plan_version() == 0:
                return 0
            begun = unit.messages.mark(BEGUN)
        self._has_begun = True
        if begun is None:
            self._begin()
            return 0
        noted = self._records.look() + self._take_sales() + self._money_back.look() + self._numbers.look()
        self.centre.fail_point("message_noted")
        return noted

    def foretell(self) -> bool:
        """Look for warnings at the next of all forecasts; whether there are more to look at before the next pass."""
        return self.to_phones and self._has_begun and self._foreteller.piece()

    def _begin(self) -> None:
        """The very first look: what was before is nobody's news."""
        now_ms = self.centre.clock.wall_ms()
        with self.centre.store.write() as unit:
            after = ""
            while boxes := unit.messages.boxes_beyond(BOX, after, BOXES_AT_ONCE):
                unit.messages.put_marks({BOX + box: f"{epoch}/{seq}" for box, epoch, seq, _ in boxes})
                after = boxes[-1][0]
            unit.messages.put_mark(SALES, str(now_ms))
            unit.messages.put_mark(MONEY_BACK, str(now_ms))
            unit.messages.put_mark(BEGUN, str(now_ms))

    # ---------------------------------------------------------------------------------------------------------- sales

    def _take_sales(self) -> int:
        """Tell the sales that have reached their boxes, or have waited too long, then mark how far all were told."""
        now_ms = self.centre.clock.wall_ms()
        if not self.to_phones and 0 <= now_ms - self._looked_at_ms < LOOK_EVERY_MS:
            return 0
        self._looked_at_ms = now_ms
        with self.centre.store.read() as unit:
            mark_ms = int(unit.messages.mark(SALES) or now_ms)
            sales = unit.messages.sales_to_tell(mark_ms)
            told = unit.messages.known_causes(f"sale/{sale.sale}" for sale in sales)
        due, open_from_ms = [], now_ms - SALES_BACK_MS
        for sale in sales:
            late = now_ms - sale.paid_at_ms >= SALE_WAITS_MS and self.centre.journal.fault is None
            if not sale.applied and not late:
                open_from_ms = min(open_from_ms, sale.paid_at_ms)
            elif f"sale/{sale.sale}" not in told and self.to_phones:
                due.append(sale)
        noted = self._tell_sales(due) if due else 0
        if open_from_ms - mark_ms >= LOOK_EVERY_MS:
            with self.centre.store.note() as unit:
                unit.messages.put_mark(SALES, str(open_from_ms))
        return noted

    def _tell_sales(self, due: Sequence[SaleToTell]) -> int:
        noted, done = 0, 0

        def step() -> bool:
            nonlocal noted, done
            some = due[done : done + SALES_AT_ONCE]
            done += len(some)
            stories = self._stories(some)
            if stories:
                with self.centre.store.write() as unit:
                    noted += sum(self._tell_sale(unit, *each) for each in stories)
                self.centre.fail_point("some_noted")
            return done < len(due)

        spread(step, NEWS_REST_FOLD)
        return noted

    def _stories(self, some: Sequence[SaleToTell]) -> list[tuple[SaleToTell, WalletStory, Sequence[str]]]:
        """Each sale of which somebody can be told, with its first wallet, and with the shops of all where there are
        several. Made before the store's writer is held."""
        with self.centre.store.read() as unit:
            site = self.looker.site_map(unit)
            assert site is not None
            meant = []
            for sale in some:
                wallets = site.wallets_of.get(sale.account, ())
                if wallets and numbers_of(site.customers[site.accounts[sale.account].customer].phones):
                    meant.append((sale, wallets))
            look = self.looker.look_at_wallets(unit, (wallets[0] for _, wallets in meant))
            assert look is not None
            return [
                (
                    sale,
                    tell_wallet(self.centre, unit, look, wallets[0]),
                    [shop for wallet in wallets for shop in site.shops(wallet)] if len(wallets) > 1 else (),
                )
                for sale, wallets in meant
            ]

    def _tell_sale(self, unit: Unit, sale: SaleToTell, story: WalletStory, shops: Sequence[str]) -> int:
        zone, more = self.centre.zone, {"amount": money_text(sale.amount_micro), "receipt": sale.receipt}
        if shops:
            more["shop"] = "、".join(shops)
        if sale.applied and sale.after_micro is not None and sale.applied_at_ms is not None:
            more |= {"balance": money_text(sale.after_micro), "at": moment_text(sale.applied_at_ms, zone)}
        elif not sale.applied and sale.before_micro is not None and sale.before_at_ms is not None:
            more |= {"balance": money_text(sale.before_micro), "at": moment_text(sale.before_at_ms, zone)}
        return self.note(unit, story, "sale" if sale.applied else "sale_waiting", f"sale/{sale.sale}", more)

    # ----------------------------------------------------------------------------------------------------------- note

    def language(self, unit: Unit, customer: str) -> Language:
        """The customer's own language, else the site's."""
        own = unit.messages.mark(f"language/{customer}")
        return "en" if own == "en" else "zh-CN" if own == "zh-CN" else read_settings(unit).language

    def note(
        self, unit: Unit, story: WalletStory, occasion: Occasion, cause: str, more: dict[str, str],
        meter: str | None = None,
    ) -> int:  # fmt: skip
        """Put one message for each number of the wallet's customer into the outbox."""
        numbers = numbers_of(story.customer.phones)
        if not numbers:
            return 0
        settings = read_settings(unit)
        language = self.language(unit, story.customer.customer)
        link = self._links.url(unit, story.account.account)
        values = story_values(self.centre, story, language, settings.pay, link) | more
        text = fill(text_for(unit, occasion, language), values)
        urgent = self._urgent(occasion, story, settings)
        rows = [
            self.row(
                occasion,
                cause if place == 0 else f"{cause}/{place}",
                number,
                language,
                text,
                urgent=urgent,
                customer=story.customer.customer,
                account=story.account.account,
                meter=meter,
            )
            for place, number in enumerate(numbers)
        ]
        return unit.messages.add(rows)

    def _urgent(self, occasion: Occasion, story: WalletStory, settings: MessageSettings) -> bool:
        # Foreseen and not within two months: no cut is near. Not foreseen: it may be.
        cut_at_ms = story.cut_at_ms
        if story.is_foreseen and cut_at_ms is None:
            cut_at_ms = story.now_ms + 2 * LASTS_MS
        return is_urgent(occasion, cut_at_ms, settings, self.centre.zone, story.now_ms)

    def row(
        self, occasion: str, cause: str, number: str, language: Language, text: str, *, urgent: bool,
        customer: str | None = None, account: str | None = None, meter: str | None = None,
    ) -> MessageRow:  # fmt: skip
        """One short message that has not been sent."""
        now_ms: Ms = self.centre.clock.wall_ms()
        return MessageRow(
            message=self.centre.new_id(),
            cause=cause,
            occasion=occasion,
            way="sms",
            address=number,
            customer=customer,
            account=account,
            meter=meter,
            language=language,
            text=text,
            urgent=urgent,
            reference=int.from_bytes(self.centre.chance.draw(2), "big"),
            made_at_ms=now_ms,
            not_before_ms=now_ms,
            ends_at_ms=now_ms + LASTS_MS,
        )
