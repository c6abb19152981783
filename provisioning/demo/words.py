"""What the demo makes up: passwords that a person can type from a screen."""

import secrets
from typing import Final

_CONSONANTS: Final = "bdfgjkmnprstvz"
_VOWELS: Final = "aeiou"
GROUPS: Final = 5
"""Five groups of two syllables: 61 bits, and 24 characters."""


def make_password() -> str:
    """For example `bado-kemi-ruta-pozu-fina`."""
    return "-".join(_syllable() + _syllable() for _ in range(GROUPS))


def _syllable() -> str:
    return secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS)
