"""The forecast by hand on small cases, and against simulated shops beside the plain mean of seven days."""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import pytest

from cloud_server.core.forecast import DAY_MS, HOUR_MS, WEEK_MS, MeterUse, Use, forecast, profile_of
from protocol.tariff import TariffBook, read_tariff
from protocol.zone import site_zone

ZONE = site_zone("Asia/Shanghai")
TARIFF = "a" * 32
TOU = """
name = "商铺分时"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
[rates.valley]
price_micro = 400000
[rates.flat]
price_micro = 800000
[rates.peak]
price_micro = 1200000
[days.all]
switches = ["00:00 valley", "08:00 flat", "10:30 peak", "14:00 flat", "18:00 peak", "22:00 flat"]
[calendar]
default = "all"
"""
FLAT = """
name = "单一"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
steps = [ { from_kwh = 0, add_micro = 0 }, { from_kwh = 100, add_micro = 200000 } ]
[rates.flat]
price_micro = 800000
[days.all]
switches = ["00:00 flat"]
[calendar]
default = "all"
"""
MONDAY_MS = int(datetime(2026, 11, 2, tzinfo=ZONE).timestamp() * 1000)
YUAN = 1_000_000


def book(text: str) -> TariffBook:
    return TariffBook("Asia/Shanghai", {(TARIFF, 1): read_tariff(text)})


def steady(watts: int, from_ms: int, to_ms: int) -> list[Use]:
    return [Use(at, at + HOUR_MS // 2, watts // 2) for at in range(from_ms, to_ms, HOUR_MS // 2)]


def test_a_steady_kilowatt_by_hand() -> None:
    now = MONDAY_MS + 2 * WEEK_MS
    profile = profile_of(steady(1_000, MONDAY_MS, now), ZONE, now)
    assert profile is not None
    assert set(profile.hours_mwh) == {1_000_000}
    # 24 h: 8 valley, 8.5 flat... at 1 kW: 8 × 0.4 + (2.5 + 4 + 2) × 0.8 + (3.5 + 4) × 1.2 = 19.00 a day.
    found = forecast([MeterUse(tariff=TARIFF, profile=profile)], book(TOU), ZONE, left_micro=38 * YUAN, now_ms=now)
    assert (found.zero_at_ms, found.week_micro) == (now + 2 * DAY_MS, 133 * YUAN)
    with_fee = forecast(
        [MeterUse(tariff=TARIFF, profile=profile)], book(TOU), ZONE,
        left_micro=39 * YUAN, now_ms=now, day_fees_micro=YUAN,
    )  # fmt: skip
    assert with_fee.zero_at_ms == now + 2 * DAY_MS
    # 1.6 left at 0:00 in the valley: four hours.
    short = forecast([MeterUse(tariff=TARIFF, profile=profile)], book(TOU), ZONE, left_micro=1_600_000, now_ms=now)
    assert short.zero_at_ms == now + 4 * HOUR_MS


def test_two_meters_one_wallet_and_steps_of_price() -> None:
    now = MONDAY_MS + 2 * WEEK_MS
    profile = profile_of(steady(1_000, MONDAY_MS, now), ZONE, now)
    assert profile is not None
    meters = [MeterUse(tariff=TARIFF, profile=profile, month_wh=76_000), MeterUse(tariff=TARIFF, profile=profile)]
    # The first day: 24 kWh each at 0.80. From then on the first meter is above 100 kWh and pays 1.00.
    found = forecast(meters, book(FLAT), ZONE, left_micro=38_400_000 + 43_200_000, now_ms=now)
    assert found.zero_at_ms == now + 2 * DAY_MS


def test_what_is_not_known_is_not_guessed() -> None:
    now = MONDAY_MS + DAY_MS
    assert profile_of(steady(1_000, MONDAY_MS + HOUR_MS, now), ZONE, now) is None
    assert profile_of([], ZONE, now) is None


def test_nothing_used_lasts_long_and_nothing_left_is_now() -> None:
    now = MONDAY_MS + WEEK_MS
    profile = profile_of(steady(0, MONDAY_MS, now), ZONE, now)
    assert profile is not None
    meter = MeterUse(tariff=TARIFF, profile=profile)
    assert forecast([meter], book(TOU), ZONE, left_micro=1, now_ms=now).zero_at_ms is None
    assert forecast([meter], book(TOU), ZONE, left_micro=-5, now_ms=now).zero_at_ms == now


def test_a_shop_that_closes_on_sundays_lasts_a_day_longer() -> None:
    now = MONDAY_MS + 3 * WEEK_MS + 5 * DAY_MS
    uses = [
        use for use in steady(1_000, MONDAY_MS, now) if datetime.fromtimestamp(use.from_ms / 1000, ZONE).weekday() != 6
    ]
    uses += [Use(MONDAY_MS + w * WEEK_MS + 6 * DAY_MS, MONDAY_MS + (w + 1) * WEEK_MS, 0) for w in range(3)]
    profile = profile_of(uses, ZONE, now)
    assert profile is not None
    found = forecast([MeterUse(tariff=TARIFF, profile=profile)], book(TOU), ZONE, left_micro=38 * YUAN, now_ms=now)
    assert found.zero_at_ms == now + 3 * DAY_MS


# ----------------------------------------------------------------------------------------------------- simulated shops


@dataclass(frozen=True)
class Shop:
    """Watts by hour of a day, by what kind of day it is."""

    name: str
    watts: Callable[[datetime], int]
    day_noise: float
    hour_noise: float


def _open(hours: range, on: int, off: int, weekend: float = 1.0, closed: tuple[int, ...] = ()) -> Callable[..., int]:
    def watts(at: datetime) -> int:
        if at.weekday() in closed:
            return off
        return int((on if at.hour in hours else off) * (weekend if at.weekday() >= 5 else 1))

    return watts


SHOPS = (
    Shop("clothes", _open(range(10, 22), 2_400, 150, weekend=1.5), 0.10, 0.20),
    Shop("restaurant", _open(range(10, 14), 7_000, 900, weekend=1.4), 0.15, 0.25),
    Shop("bakery", _open(range(3, 12), 6_500, 300, closed=(0,)), 0.10, 0.20),
    Shop("office", _open(range(8, 19), 3_000, 200, closed=(5, 6)), 0.10, 0.20),
    Shop("always", _open(range(24), 1_800, 1_800), 0.05, 0.15),
    Shop("bar", _open(range(18, 24), 5_000, 400, weekend=1.8, closed=(0,)), 0.15, 0.25),
    Shop("school", _open(range(7, 18), 9_000, 500, closed=(5, 6)), 0.10, 0.15),
    Shop("gym", _open(range(6, 23), 4_000, 600, weekend=0.7), 0.10, 0.20),
)


def use_of(shop: Shop, from_ms: int, to_ms: int, chance: random.Random) -> list[Use]:
    """Half hours with noise by day and by hour; the season drifts by up to a percent a day either way."""
    uses, drift, factor, day = [], chance.uniform(-0.006, 0.006), 1.0, -1
    for at in range(from_ms, to_ms, HOUR_MS // 2):
        local = datetime.fromtimestamp(at / 1000, ZONE)
        if local.toordinal() != day:
            day = local.toordinal()
            factor = max(0.2, chance.gauss(1, shop.day_noise)) * (1 + drift) ** ((at - from_ms) / DAY_MS)
        watts = shop.watts(local) * factor * max(0.0, chance.gauss(1, shop.hour_noise))
        uses.append(Use(at, at + HOUR_MS // 2, int(watts / 2)))
    return uses


def spent_micro(uses: list[Use], prices: TariffBook, from_ms: int, to_ms: int) -> int:
    total = 0
    for use in uses:
        if from_ms <= use.from_ms < to_ms:
            total += use.energy_wh * prices.at(TARIFF, use.from_ms).price_micro // 1000
    return total


def used_up_ms(uses: list[Use], prices: TariffBook, from_ms: int, left_micro: int) -> int:
    """When it was gone."""
    for use in uses:
        if use.from_ms >= from_ms:
            left_micro -= use.energy_wh * prices.at(TARIFF, use.from_ms).price_micro // 1000
            if left_micro <= 0:
                return use.to_ms
    raise AssertionError("the shop did not use it up")


def measure(seeds: range) -> tuple[list[float], list[float]]:
    """Errors of the day of zero, a share of the days ahead: ours, and those of the plain mean of seven days."""
    prices = book(TOU)
    ours, plain = [], []
    for seed in seeds:
        for shop in SHOPS:
            chance = random.Random(f"{shop.name} {seed}")
            weekday = timedelta(days=chance.randrange(7), hours=chance.randrange(24))
            now = MONDAY_MS + 4 * WEEK_MS + int(weekday.total_seconds() * 1000)
            uses = use_of(shop, MONDAY_MS, now + 3 * WEEK_MS, chance)
            past = [use for use in uses if use.to_ms <= now]
            # A balance that lasts for five to nine days, as it turns out.
            least = spent_micro(uses, prices, now, now + 5 * DAY_MS)
            left = least + int(chance.random() * spent_micro(uses, prices, now + 5 * DAY_MS, now + 9 * DAY_MS))
            truly = used_up_ms(uses, prices, now, left)
            profile = profile_of(past, ZONE, now)
            assert profile is not None
            found = forecast([MeterUse(tariff=TARIFF, profile=profile)], prices, ZONE, left_micro=left, now_ms=now)
            assert found.zero_at_ms is not None
            a_day = spent_micro(past, prices, now - WEEK_MS, now) / 7
            ours.append(abs(found.zero_at_ms - truly) / (truly - now))
            plain.append(abs(now + left / a_day * DAY_MS - truly) / (truly - now))
    return ours, plain


def test_the_median_error_a_week_ahead_is_below_a_tenth_and_below_the_plain_mean() -> None:
    ours, plain = measure(range(3))
    assert median(ours) <= 0.10
    assert median(ours) < median(plain)


@pytest.mark.slow
def test_many_shops() -> None:
    ours, plain = measure(range(40))
    ours.sort()
    plain.sort()
    tenth = len(ours) * 9 // 10
    sys.stdout.write(
        f"{len(ours)} forecasts: median {median(ours):.3f}, 90 % within {ours[tenth]:.3f}; "
        f"plain mean of seven days: {median(plain):.3f}, {plain[tenth]:.3f}\n"
    )
    assert median(ours) <= 0.10
