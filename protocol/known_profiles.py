"""The meter profiles that every agent brings along, by name, for whoever plans a site without an agent at hand.

What a profile says stands in the agent's own data files; a test holds this table to them.
"""

from typing import Final, NamedTuple


class KnownProfile(NamedTuple):
    """One profile: the name that a plan uses, maker and type, and what it rests on."""

    name: str
    title: str
    grade: str


KNOWN_PROFILES: Final = (
    KnownProfile("acrel_adf400l_1ph", "Acrel ADF400L single-phase user", "manual"),
    KnownProfile("acrel_adf400l_3ph", "Acrel ADF400L three-phase user", "manual"),
    KnownProfile("acrel_adl400", "Acrel ADL400", "code"),
    KnownProfile("acrel_ddsy1352", "Acrel DDSY1352", "code"),
    KnownProfile("acrel_dtsd1352", "Acrel DTSD1352", "code"),
    KnownProfile("acrel_dtsy1352", "Acrel DTSY1352", "code"),
    KnownProfile("chint_dtsu666", "Chint DTSU666", "code"),
    KnownProfile("eastron_sdm120", "Eastron SDM120", "code"),
    KnownProfile("eastron_sdm230", "Eastron SDM230", "code"),
    KnownProfile("eastron_sdm320y", "Eastron SDM320Y", "inferred"),
    KnownProfile("eastron_sdm530y", "Eastron SDM530Y", "inferred"),
    KnownProfile("eastron_sdm630", "Eastron SDM630", "code"),
    KnownProfile("inepro_pro380", "Inepro PRO380", "code"),
    KnownProfile("orno_or_we_504", "Orno OR-WE-504", "code"),
    KnownProfile("orno_or_we_514", "Orno OR-WE-514", "code"),
)
PROFILE_NAMES: Final = frozenset(profile.name for profile in KNOWN_PROFILES)
BOARD_NAMES: Final = frozenset({"waveshare_modbus_rtu_relay"})
"""Relay boards that every agent brings along."""
