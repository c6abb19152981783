"""`edge-agent scan`: look for meters on a bus and write a draft of the plan. Asks, never writes.

On a bus that the running agent lends it talks as the agent does; on a port of its own, where nobody says how the line
talks, the usual speeds are tried in turn until somebody answers in clear.
"""

import json
from argparse import Namespace
from dataclasses import replace
from typing import Any, Final

from edge_agent.agent.profiles import read_profile
from edge_agent.agent.reach import Reached, box_file_of, reach
from edge_agent.agent.site_profiles import all_profiles, site_profiles
from edge_agent.agent.terminal import FAILED, OK, WRONG, Terminal
from edge_agent.bus.scan import FoundMeter, Scan, Scanned
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.transaction import Pace
from edge_agent.console.scan_text import draft_text, scan_text
from edge_agent.ports import Clock
from protocol.meter_profile.values import Profile

SPEEDS: Final = (
    (9_600, "N"), (2_400, "N"), (4_800, "N"), (1_200, "N"), (19_200, "N"), (9_600, "E"), (2_400, "E"), (19_200, "E"),
)  # fmt: skip
"""As meters leave their factories, the likeliest first (the makers' manuals, see docs/meter-profiles.md)."""
LATE_WINDOW_MS: Final = 500
"""A meter later than this is not met again within one scan: unit after unit is asked."""
NEAR: Final = 1
"""Profiles whose score is so near to the best are named beside it."""


def scan(parsed: Namespace, terminal: Terminal, clock: Clock) -> int:
    """Scan, telling the progress on stderr as it goes; the exit code. Raises BadConfig, LineDown."""
    own, notes = site_profiles(box_file_of(parsed))
    profiles, mistakes = _profiles(parsed, own)
    if mistakes:
        terminal.complain("\n".join(mistakes))
        return WRONG
    for note in notes:
        terminal.complain(note)
    reached = reach(parsed, clock)
    began_ms = clock.mono_ms()
    until_ms = began_ms + parsed.most_s * 1_000
    best: tuple[SerialSettings, Scanned] | None = None
    for settings in _speeds(reached):
        terminal.complain(f"{settings.port}: asking at {settings.baud} 8{settings.parity}{settings.stop_bits}")
        line = reached.line(clock, settings)
        line.open()
        try:
            walk = Scan(
                line, profiles, clock, terminal.complain,
                pace=Pace(turnaround_ms=parsed.turnaround_ms), until_mono_ms=until_ms, narrow=bool(parsed.profile),
                own=own,
            )  # fmt: skip
            scanned = walk.run(parsed.units)
        finally:
            line.close()
        if best is None or _clear(scanned) > _clear(best[1]):
            best = settings, scanned
        if _clear(scanned) or not scanned.complete:
            break
    assert best is not None
    found = _told(reached, *best, clock.mono_ms() - began_ms)
    terminal.say(_json(found) if parsed.json else scan_text(found))
    return OK if found["meters"] and not found["warnings"] else FAILED


def _clear(scanned: Scanned) -> int:
    """Meters that answered in clear."""
    return sum(not meter.doubled for meter in scanned.meters)


def _profiles(parsed: Namespace, own: list[Profile]) -> tuple[list[Profile], list[str]]:
    """What is tried: all that there are, or those that are named by a file, or as the site or the agent call them."""
    if not parsed.profile:
        return all_profiles(own), []
    profiles, mistakes = [], []
    for file in parsed.profile:
        named = None if file.exists() else next((known for known in own if known.name == str(file)), None)
        profile, wrong = (named, []) if named is not None else read_profile(file)
        profiles += [profile] if profile is not None else []
        mistakes += wrong
    return profiles, mistakes


def _speeds(reached: Reached) -> list[SerialSettings]:
    settings = replace(reached.settings, late_window_ms=LATE_WINDOW_MS)
    if reached.lent is not None or reached.told:
        return [settings]
    return [replace(settings, baud=baud, parity=parity) for baud, parity in SPEEDS]


def _told(reached: Reached, settings: SerialSettings, scanned: Scanned, took_ms: int) -> dict[str, Any]:
    meters = [_meter(meter) for meter in scanned.meters]
    found: dict[str, Any] = {
        "bus": reached.name,
        "port": settings.port,
        "lent": reached.lent is not None,
        "baud": settings.baud,
        "parity": settings.parity,
        "stop_bits": settings.stop_bits,
        "asked": scanned.asked,
        "complete": scanned.complete,
        "took_s": round(took_ms / 1_000, 1),
        "meters": meters,
        "warnings": _warnings(scanned),
    }
    return found | {"draft": draft_text(found)}


def _meter(meter: FoundMeter) -> dict[str, Any]:
    best = meter.fits[0] if meter.fits else None
    near = [fit.profile.name for fit in meter.fits[1:] if best is not None and best.score - fit.score <= NEAR]
    return {
        "unit": meter.unit,
        "profile": best.profile.name if best else None,
        "grade": best.profile.grade.value if best else None,
        "phases": best.profile.phases if best else None,
        "also": near,
        "serial": best.serial if best else None,
        "energy_wh": best.energy_wh if best else None,
        "values": best.values if best else {},
        "doubled": meter.doubled,
        "heard": meter.heard,
    }


def _warnings(scanned: Scanned) -> list[str]:
    found = [
        f"unit {meter.unit}: two meters answer on this id, or the line is bad ({meter.heard or 'two serial numbers'}); "
        "take one of them off and scan again"
        for meter in scanned.meters
        if meter.doubled
    ]
    if not scanned.complete:
        found.append("the time was over before all was asked; give --most-s, or fewer --units")
    return found


def _json(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1)
