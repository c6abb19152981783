"""Receipt numbers: site, day, term, running number. Pure; the counter itself is a row in the ledger's transaction."""

from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


TWICE: Final = "/"
"""Stands in the receipt number of a sale that came back after its number had been given out again: …-0042/2."""


def base36(number: int) -> str:
    """A number from 0 on in base 36, lowercase."""
    if number < 0:
        raise ValueError(f"{number} is below 0")
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if number == 0:
            return text


def receipt_number(site_code: str, day: str, term: int, running: int) -> str:
    """For example S1-20261122-thpkzs-0042: the 42nd receipt of 2026-11-22 since the centre's last restore."""
    return f"{site_code}-{day.replace('-', '')}-{base36(term)}-{running:04d}"
