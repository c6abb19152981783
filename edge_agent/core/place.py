"""The place that a box serves: its configuration with everything looked up that the other files of the core ask for.

Built anew when a configuration is applied; immutable otherwise. No state of meters or wallets lives here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from protocol.box_config import BoxConfig, MeterConfig, Ratio, WalletConfig
from protocol.meter_profile.boards import RelayBoard, with_external_relay
from protocol.meter_profile.values import Profile
from protocol.meter_profile.values import Ratio as HeldRatio
from protocol.tariff import TariffBook, read_tariff

_CT: Final = (HeldRatio.CT, HeldRatio.CT_PT)
_PT: Final = (HeldRatio.PT, HeldRatio.CT_PT)
NO_BOARDS: Final[Mapping[str, RelayBoard]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """A box's configuration, ready to be asked.

    Attributes:
        box: the place's id; book: all tariff versions; profiles: by profile name;
        profile_of: by meter, with the external relay where the meter has one;
        wallet_of: the wallet that feeds a meter, absent where none does.
    """

    box: str
    config: BoxConfig
    book: TariffBook
    profiles: Mapping[str, Profile]
    profile_of: Mapping[str, Profile]
    meters: Mapping[str, MeterConfig]
    wallets: Mapping[str, WalletConfig]
    wallet_of: Mapping[str, WalletConfig]
    bus_of: Mapping[str, str]

    def interval_ms(self, meter: str) -> int:
        """Length of a meter's interval: its own, else the default."""
        return (self.meters[meter].interval_s or self.config.defaults.interval_s) * 1000

    def ratio_version_at(self, meter: str, at_ms: int) -> Ratio:
        """The CT/PT ratio that holds at an instant: the newest begun, before the first the first."""
        ratios = sorted(self.meters[meter].ratios, key=lambda ratio: ratio.from_ms)
        begun = [ratio for ratio in ratios if ratio.from_ms <= at_ms]
        return begun[-1] if begun else ratios[0]

    def ratio(self, meter: str, version: int) -> Fraction:
        """CT × PT of one version as an exact fraction."""
        found = next((ratio for ratio in self.meters[meter].ratios if ratio.version == version), None)
        if found is None:
            raise KeyError(f"meter {meter} has no ratio version {version}")
        return Fraction(*found.ct) * Fraction(*found.pt)

    def next_cut_ms(self, meter: str, after_ms: int) -> int:
        """The next instant at which a meter's interval ends: its grid from midnight, a change of rate or ratio."""
        midnight = self.book.midnight_ms(self.book.local_day(after_ms))
        step = self.interval_ms(meter)
        grid = midnight + ((after_ms - midnight) // step + 1) * step
        next_day = self.book.midnight_ms(self.book.local_day(after_ms) + timedelta(days=1))
        ratios = [ratio.from_ms for ratio in self.meters[meter].ratios if ratio.from_ms > after_ms]
        change = self.book.next_change_ms(self.meters[meter].tariff, after_ms)
        return min(grid, next_day, change, *ratios)


def make_place(
    box: str, config: BoxConfig, profiles: Mapping[str, Profile], boards: Mapping[str, RelayBoard] = NO_BOARDS
) -> Place:
    """Look a configuration up. Raises BadTariff, KeyError naming a profile or board that is not there, ValueError."""
    texts = {(text.tariff, text.version): read_tariff(text.text) for text in config.tariffs}
    missing = sorted({m.profile for m in config.meters} - set(profiles))
    if missing:
        raise KeyError(f"no profile for {', '.join(missing)}; there are {', '.join(sorted(profiles))}")
    missing = sorted({m.relay.board for m in config.meters if m.relay is not None} - set(boards))
    if missing:
        raise KeyError(f"no relay board {', '.join(missing)}; there are {', '.join(sorted(boards))}")
    doubled = [text for m in config.meters for text in _doubled_ratios(m, profiles[m.profile])]
    if doubled:
        raise ValueError("; ".join(doubled))
    return Place(
        box=box,
        config=config,
        book=TariffBook(config.site.zone, texts),
        profiles=profiles,
        profile_of={m.meter: _profile(m, profiles[m.profile], boards) for m in config.meters},
        meters={m.meter: m for m in config.meters},
        wallets={w.wallet: w for w in config.wallets},
        wallet_of={m: w for w in config.wallets for m in w.meters if w.account_state != "closed"},
        bus_of={m.meter: m.bus for m in config.meters},
    )


def _doubled_ratios(meter: MeterConfig, profile: Profile) -> Iterator[str]:
    """Ratios that would multiply energy which the meter tells with them already: everybody would be overcharged."""
    held = profile.energy.ratio
    for ratio in meter.ratios:
        for name, value, asked in (("ct", ratio.ct, _CT), ("pt", ratio.pt, _PT)):
            if held not in asked and value[0] != value[1]:
                yield (
                    f"meter {meter.name} ({meter.meter}), ratio version {ratio.version}: "
                    f"{name} = {value[0]}:{value[1]}, but profile {profile.name} tells energy that is not to be "
                    "multiplied by it; 1:1 would be right"
                )


def _profile(meter: MeterConfig, profile: Profile, boards: Mapping[str, RelayBoard]) -> Profile:
    if meter.relay is None:
        return profile
    try:
        return with_external_relay(profile, boards[meter.relay.board], meter.relay.unit, meter.relay.channel)
    except ValueError as fault:
        raise ValueError(f"meter {meter.name} ({meter.meter}), relay: {fault}") from None


def next_boundary_ms(place: Place, after_ms: int) -> int:
    """The next instant at which any meter's interval ends. With no meters: a day on."""
    kinds = {(m.tariff, place.interval_ms(m.meter), m.ratios[-1].from_ms): m.meter for m in place.config.meters}
    return min((place.next_cut_ms(meter, after_ms) for meter in kinds.values()), default=after_ms + 86_400_000)
