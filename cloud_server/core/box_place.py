"""A box's place as one of its configurations describes it: meters, wallets, ratios, and the tariffs it held. Pure."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from protocol.box_config import BoxConfig, MeterConfig, WalletConfig
from protocol.config_text import read_config
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff

BOOKS_KEPT_MAX = 64
"""Sets of tariffs that the boxes of a site hold at one time: old and new ones of a few kinds of shop."""


@dataclass(frozen=True, slots=True)
class PlainMeter:
    """What prices a meter where its ratio is a whole number: its tariff, CT × PT, and the wallet that feeds it."""

    tariff: str
    ratio: int
    wallet: str | None


@dataclass(frozen=True)
class BoxPlace:
    """Look-ups in one configuration."""

    config: BoxConfig
    book: TariffBook
    meters: dict[str, MeterConfig]
    wallets: dict[str, WalletConfig]
    wallet_of: dict[str, WalletConfig]
    """By meter."""
    ratios: dict[tuple[str, int], Fraction]
    """CT × PT by meter and version; of two of one version the first counts."""
    plain: dict[tuple[str, int], PlainMeter]
    """The meters whose ratio is whole, likewise."""

    def ratio(self, meter: str, ratio_version: int) -> Fraction | None:
        """CT × PT of a meter in one version of its ratio, or None where the configuration has none such."""
        return self.ratios.get((meter, ratio_version))

    def tariff_hashes(self) -> dict[tuple[str, int], str]:
        """Hash of each tariff text by id and version."""
        return {(tariff.tariff, tariff.version): tariff.hash for tariff in self.config.tariffs}


def place_from_config(config: BoxConfig) -> BoxPlace:
    """Make the look-ups. Raises BadTariff where a text is not usable."""
    meters = {meter.meter: meter for meter in config.meters}
    wallet_of = {meter: wallet for wallet in config.wallets for meter in wallet.meters}
    ratios = {
        (meter.meter, ratio.version): Fraction(*ratio.ct) * Fraction(*ratio.pt)
        for meter in config.meters
        for ratio in reversed(meter.ratios)
    }
    return BoxPlace(
        config=config,
        book=_book(config.site.zone, tuple((t.tariff, t.version, t.text) for t in config.tariffs)),
        meters=meters,
        wallets={wallet.wallet: wallet for wallet in config.wallets},
        wallet_of=wallet_of,
        ratios=ratios,
        plain={
            (meter, version): PlainMeter(
                meters[meter].tariff, ratio.numerator, wallet_of[meter].wallet if meter in wallet_of else None
            )
            for (meter, version), ratio in ratios.items()
            if ratio.denominator == 1
        },
    )


@lru_cache(maxsize=BOOKS_KEPT_MAX)
def _book(zone: str, tariffs: tuple[tuple[str, int, str], ...]) -> TariffBook:
    """Most boxes of a site hold the same tariffs: their texts are read once, and their days reckoned once."""
    return TariffBook(zone, {(tariff, version): read_tariff(text) for tariff, version, text in tariffs})


def place_from_text(text: str) -> BoxPlace:
    """The same from a configuration's text. Raises BadPayload, BadTariff."""
    return place_from_config(read_config(text))
