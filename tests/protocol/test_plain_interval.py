"""The short way to price an interval again says yes only where the long way finds nothing, and does say it for most."""

from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from protocol.charging import IntervalInput, differences, price_interval
from protocol.plain_interval import agreed_span
from protocol.records import Interval, Reading
from protocol.tariff import TariffBook, read_tariff
from protocol.units import Ms
from tests.vectors.cast import TARIFF, an_id, at
from tests.vectors.chronicle import BOOK, STRADDLING, UNCHARGED

replace = msgspec.structs.replace
STEPPED = an_id("tariff with steps")
BOTH = TariffBook(
    BOOK.zone,
    {
        **BOOK.tariffs,
        (STEPPED, 1): read_tariff(
            'name = "s"\nstarts_at = 2026-01-01T00:00:00\nfallback_rate = "flat"\n[rates.flat]\nprice_micro = 1000000\n'
            '[days.all]\nswitches = ["00:00 flat"]\n[calendar]\ndefault = "all"\n'
            "[[steps]]\nfrom_kwh = 0\nadd_micro = 0\n[[steps]]\nfrom_kwh = 500\nadd_micro = 100\n"
        ),
    },
)


def priced(
    tariff: str, from_ms: Ms, to_ms: Ms, used_wh: int, ratio: int, carry_nano: int, wallet: str | None
) -> Interval:
    """What an honest box says."""
    right = price_interval(
        BOTH,
        IntervalInput(
            tariff, 1_000, from_ms, 1_000 + used_wh, to_ms, Fraction(ratio), Fraction(0), carry_nano,
            charged=wallet is not None,
        ),
    )  # fmt: skip
    return Interval(
        at_ms=to_ms,
        meter=an_id("meter"),
        wallet=wallet,
        from_=Reading(raw_wh=1_000, at_ms=from_ms),
        to=Reading(raw_wh=1_000 + used_wh, at_ms=to_ms),
        source=right.source,
        ratio_version=1,
        energy_wh=right.energy_wh,
        energy_carry=(right.energy_carry.numerator, right.energy_carry.denominator),
        parts=list(right.parts),
        charge_micro=right.charge_micro,
        money_carry_nano=right.money_carry_nano,
        flags=list(right.flags),
    )


def test_most_intervals_are_plain() -> None:
    said = priced(TARIFF, at(13), at(13, 30), 700, 40, 321, an_id("wallet"))
    span = agreed_span(BOTH, TARIFF, said, 40, 321)
    assert span is not None
    assert (span.rate, span.price_micro, span.within_month) == (said.parts[0].rate, said.parts[0].price_micro, True)
    assert agreed_span(BOTH, TARIFF, said, 41, 321) is None
    assert agreed_span(BOTH, TARIFF, said, 40, 322) is None


def test_what_is_not_plain_is_left_to_the_long_way() -> None:
    assert agreed_span(BOOK, TARIFF, STRADDLING, 1, 321) is None
    assert agreed_span(BOOK, TARIFF, UNCHARGED, 1, 0) is None
    stepped = priced(STEPPED, at(13), at(13, 30), 700, 1, 0, None)
    assert agreed_span(BOTH, STEPPED, stepped, 1, 0) is None
    assert agreed_span(BOTH, an_id("no such tariff"), stepped, 1, 0) is None


NUMBERS = st.integers(0, 2_000)


@given(
    tariff=st.sampled_from([TARIFF, STEPPED]),
    begin=st.integers(0, 48),
    length=st.integers(0, 4),
    used_wh=NUMBERS,
    ratio=st.sampled_from([1, 40, 4_000]),
    carry_nano=st.integers(0, 999),
    wallet=st.sampled_from([None, an_id("wallet")]),
    change=st.sampled_from(
        ["", "energy_wh", "charge_micro", "money_carry_nano", "energy_carry", "from_", "to", "wallet", "source",
         "flags", "part.from_ms", "part.to_ms", "part.rate", "part.step", "part.tariff", "part.tariff_version",
         "part.price_micro", "part.energy_wh", "part.charge_micro", "parts"]
    ),
)  # fmt: skip
def test_the_short_way_never_says_yes_where_the_long_way_differs(
    tariff: str, begin: int, length: int, used_wh: int, ratio: int, carry_nano: int, wallet: str | None, change: str
) -> None:
    from_ms = at(0) + begin * 1_800_000
    said = changed(priced(tariff, from_ms, from_ms + length * 1_800_000, used_wh, ratio, carry_nano, wallet), change)
    found = differences(BOTH, said, Fraction(ratio), Fraction(0), carry_nano)
    if agreed_span(BOTH, tariff, said, ratio, carry_nano) is not None:
        assert found == []
    elif not found:
        assert said.flags or len(said.parts) != 1 or tariff == STEPPED or length == 0


def changed(said: Interval, what: str) -> Interval:
    """The interval with one of its fields off."""
    field, _, of_part = what.partition(".")
    if of_part:
        value = getattr(said.parts[0], of_part)
        other = value + 1 if isinstance(value, int) else an_id("other") if of_part == "tariff" else "other"
        return replace(said, parts=[replace(said.parts[0], **{of_part: other}), *said.parts[1:]])
    match field:
        case "energy_wh" | "charge_micro" | "money_carry_nano":
            return replace(said, **{field: getattr(said, field) + 1})
        case "energy_carry":
            return replace(said, energy_carry=(0, 2))
        case "from_" | "to":
            reading: Reading = getattr(said, field)
            return replace(said, **{field: Reading(raw_wh=reading.raw_wh + 1, at_ms=reading.at_ms)})
        case "wallet":
            return replace(said, wallet=None if said.wallet is not None else an_id("wallet"))
        case "source":
            return replace(said, source="rates")
        case "flags":
            return replace(said, flags=["clock_unsure", *said.flags])
        case "parts":
            return replace(said, parts=[])
        case _:
            return said
