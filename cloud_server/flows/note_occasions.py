"""What customers are to be told: found in posted records, sales, forecasts and changed numbers, and put in the outbox.

Each look takes up where the last one ended; what it found and where it ended are one commit. A look that is done twice
finds the same causes, and the same cause makes no second message.
"""

import json
from collections.abc import Iterable
from typing import Final

from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.message_rules import LASTS_MS, Occasion, is_urgent
from cloud_server.core.message_settings import Language, MessageSettings, is_number
from cloud_server.core.message_texts import cause_words, fill, moment_text, money_text
from cloud_server.core.occasions import Notice, notices
from cloud_server.flows.centre import Centre
from cloud_server.flows.foretell import Foreteller
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.look import Look, Looker
from cloud_server.flows.message_desk import read_settings, text_for
from cloud_server.flows.message_story import WalletStory, story_values, tell_wallet
from cloud_server.ports import Unit
from cloud_server.ports.outbox import MessageRow, SaleToTell
from protocol.units import Ms

RECORDS_AT_ONCE: Final = 5_000
"""Records in one look at a box: those of a month without fibre come in several."""
SALE_WAITS_MS: Final = 120_000
"""A sale whose credit has not reached its box by then is told as on its way."""
SALES_BACK_MS: Final = 60_000
"""Sales are committed within a second of their time; a minute behind the newest one nothing is added any more."""
LOOK_EVERY_MS: Final = 60_000
"""Forecasts and numbers are looked at once a minute; records and sales at every turn."""
BEGUN: Final = "begun"
NUMBERS: Final = "numbers"
SALES: Final = "sales"
BOX: Final = "box/"
"""Beginning of the marks that say how far each box's records were looked at."""


class Noter:
    """Looks and notes. `to_phones` False: no modem is configured, and nothing is noted for customers' phones."""

    def __init__(self, centre: Centre, links: LinkKeeper, *, to_phones: bool) -> None:
        self.centre = centre
        self._links = links
        self._looker = Looker(centre)
        self._to_phones = to_phones
        self._foreteller = Foreteller(self)
        self._looked_at_ms: Ms = 0
        self._plan_version = 0
        self._numbers_of = 0
        """The plan whose telephone numbers are noted, once that is committed."""

    def look(self) -> int:
        """One look at everything; how many messages were noted."""
        with self.centre.store.read() as unit:
            if unit.books.plan_version() == 0:
                return 0
            begun = unit.messages.mark(BEGUN)
            boxes = [box for box in unit.fleet.boxes() if box.state not in (BoxState.PLANNED, BoxState.CLAIMED)]
            marks = unit.messages.marks(BOX)
            behind = [box for box in boxes if _place(marks.get(BOX + box.box)) < (box.epoch, box.posted_seq)]
            is_due = begun is not None and self._is_due(unit)
        if begun is None:
            self._begin(boxes)
            return 0
        noted = sum(self._take_box(box.box) for box in behind)
        if is_due:
            with self.centre.store.write() as unit:
                look = self._looker.look(unit)
                assert look is not None
                noted += self._take_sales(unit, look)
                version = unit.books.plan_version()
                if version != self._numbers_of:
                    noted += self._take_numbers(unit, look)
                noted += self._foreteller.look(unit, look) if self._to_phones else 0
            self._numbers_of = version
        self.centre.fail_point("message_noted")
        return noted

    def _is_due(self, unit: Unit) -> bool:
        """Whether there is more to do than to look at boxes: a sale to be told, another plan, or a minute gone. The one
        writer of the store is not held for less."""
        now_ms, version = self.centre.clock.wall_ms(), unit.books.plan_version()
        due = not 0 <= now_ms - self._looked_at_ms < LOOK_EVERY_MS or version != self._plan_version
        if not due and self._to_phones:
            sales = unit.messages.sales_to_tell(int(unit.messages.mark(SALES) or now_ms))
            told = unit.messages.known_causes(f"sale/{sale.sale}" for sale in sales)
            due = any(
                f"sale/{sale.sale}" not in told and (sale.applied or now_ms - sale.paid_at_ms >= SALE_WAITS_MS)
                for sale in sales
            )
        if due:
            self._looked_at_ms, self._plan_version = now_ms, version
        return due

    def _begin(self, boxes: Iterable[Box]) -> None:
        """The very first look: what was before is nobody's news."""
        now_ms = self.centre.clock.wall_ms()
        with self.centre.store.write() as unit:
            for box in boxes:
                unit.messages.put_mark(BOX + box.box, f"{box.epoch}/{box.posted_seq}")
            unit.messages.put_mark(SALES, str(now_ms))
            unit.messages.put_mark(BEGUN, str(now_ms))

    # -------------------------------------------------------------------------------------------------------- records

    def _take_box(self, name: str) -> int:
        with self.centre.store.write() as unit:
            box = unit.fleet.box(name)
            assert box is not None
            epoch, seq = _place(unit.messages.mark(BOX + name))
            happened, upto = unit.messages.events_after(name, epoch, seq, RECORDS_AT_ONCE)
            found = notices(happened)
            noted = 0
            if found and self._to_phones:
                look = self._looker.look(unit)
                assert look is not None
                noted = sum(self._take_notice(unit, look, notice, found) for notice in found)
            epoch, seq = upto if upto is not None else (box.epoch, box.posted_seq)
            unit.messages.put_mark(BOX + name, f"{epoch}/{seq}")
        return noted

    def _take_notice(self, unit: Unit, look: Look, notice: Notice, all_: list[Notice]) -> int:
        wallet = look.site.wallets.get(notice.wallet or "") or look.site.wallet_of.get(notice.meter or "")
        if wallet is None or look.account_states.get(wallet.account) == "closed":
            return 0
        if notice.meter is not None and _told_already(unit, notice):
            return 0
        if notice.occasion == "arrears" and any(
            other.occasion == "cut_off" and other.meter in wallet.meters for other in all_
        ):
            # The text on the cut says the same, and more.
            return 0
        story = tell_wallet(self.centre, unit, look, wallet, notice.meter)
        language = self.language(unit, story.customer.customer)
        more = {
            "cause": cause_words(language, notice.cause),
            "cut_at": moment_text(notice.at_ms, self.centre.zone),
        }
        return self.note(unit, story, notice.occasion, f"{notice.occasion}/{notice.place}", more, meter=notice.meter)

    # ---------------------------------------------------------------------------------------------------------- sales

    def _take_sales(self, unit: Unit, look: Look) -> int:
        now_ms = look.now_ms
        sales = unit.messages.sales_to_tell(int(unit.messages.mark(SALES) or now_ms))
        told = unit.messages.known_causes(f"sale/{sale.sale}" for sale in sales)
        noted, open_from_ms = 0, now_ms - SALES_BACK_MS
        for sale in sales:
            late = now_ms - sale.paid_at_ms >= SALE_WAITS_MS and self.centre.journal.fault is None
            if not sale.applied and not late:
                open_from_ms = min(open_from_ms, sale.paid_at_ms)
            elif f"sale/{sale.sale}" not in told and self._to_phones:
                noted += self._tell_sale(unit, look, sale)
        unit.messages.put_mark(SALES, str(max(open_from_ms, int(unit.messages.mark(SALES) or 0))))
        return noted

    def _tell_sale(self, unit: Unit, look: Look, sale: SaleToTell) -> int:
        wallets = look.site.wallets_of.get(sale.account, ())
        if not wallets:
            return 0
        story = tell_wallet(self.centre, unit, look, wallets[0])
        zone, more = self.centre.zone, {"amount": money_text(sale.amount_micro), "receipt": sale.receipt}
        if len(wallets) > 1:
            more["shop"] = "、".join(shop for wallet in wallets for shop in look.site.shops(wallet))
        if sale.applied and sale.after_micro is not None and sale.applied_at_ms is not None:
            more |= {"balance": money_text(sale.after_micro), "at": moment_text(sale.applied_at_ms, zone)}
        elif not sale.applied and sale.before_micro is not None and sale.before_at_ms is not None:
            more |= {"balance": money_text(sale.before_micro), "at": moment_text(sale.before_at_ms, zone)}
        return self.note(unit, story, "sale" if sale.applied else "sale_waiting", f"sale/{sale.sale}", more)

    # -------------------------------------------------------------------------------------------------------- numbers

    def _take_numbers(self, unit: Unit, look: Look) -> int:
        """A number that is taken off file is told so itself: whoever reads it knows whether that was meant."""
        now = {each.customer: sorted(numbers_of(each.phones)) for each in look.site.plan.customers}
        kept = unit.messages.mark(NUMBERS)
        if kept is None:
            unit.messages.put_mark(NUMBERS, json.dumps(now))
            return 0
        before: dict[str, list[str]] = json.loads(kept)
        if before == now:
            return 0
        noted = 0
        for customer, numbers in before.items():
            new = [number for number in now.get(customer, []) if number not in numbers]
            gone = [number for number in numbers if number not in now.get(customer, [])]
            for number in gone if new and self._to_phones else []:
                cause = f"number/{customer}/{number}/{look.now_ms}"
                noted += self._tell_old_number(unit, customer, number, new[0], cause)
        unit.messages.put_mark(NUMBERS, json.dumps(now))
        return noted

    def _tell_old_number(self, unit: Unit, customer: str, old: str, new: str, cause: str) -> int:
        settings, language = read_settings(unit), self.language(unit, customer)
        values = {
            "site": self.centre.site.name,
            "tail": new[-4:],
            "pay": settings.pay,
            "at": moment_text(self.centre.clock.wall_ms(), self.centre.zone),
        }
        text = fill(text_for(unit, "number_changed", language), values)
        row = self._row("number_changed", cause, old, language, text, urgent=False)
        return unit.messages.add([row])

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
            self._row(
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

    def _row(
        self, occasion: str, cause: str, number: str, language: Language, text: str, *, urgent: bool,
        customer: str | None = None, account: str | None = None, meter: str | None = None,
    ) -> MessageRow:  # fmt: skip
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


def numbers_of(phones: Iterable[str]) -> list[str]:
    """Numbers as they are dialled, each once: without spaces and dashes; what is none is left out."""
    plain = [phone.translate({ord(mark): None for mark in " -()"}) for phone in phones]
    return list(dict.fromkeys(number for number in plain if is_number(number)))


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
