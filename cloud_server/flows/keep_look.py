"""The look of the site as people set it: kept with the books, so that every process shows it."""

import base64
import hashlib
from dataclasses import dataclass

import msgspec

from cloud_server.core.site_look import Look, text_on
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor
from protocol.units import Ms

ACCENT_FACT = "look/accent"
LOGO_FACT = "look/logo"
FRESH_MS: Ms = 5_000
"""So long another process may show the look as it was."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture's bytes and what they are."""

    media_type: str
    body: bytes


class SiteLook:
    """Reads and sets the look."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._seen: tuple[Ms, Look, Logo | None] | None = None

    def look(self) -> Look:
        """The look now; asked by every page."""
        return self._read()[1]

    def logo(self) -> Logo | None:
        """The logo's picture."""
        return self._read()[2]

    def put(self, accent: str, logo: Logo | None, by: Actor, *, keep_logo: bool) -> None:
        """Set the accent colour (empty: none) and the logo; the one that is there stays where `keep_logo`."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            unit.site.put_fact(ACCENT_FACT, accent)
            if not keep_logo:
                text = msgspec.json.encode([logo.media_type, base64.b64encode(logo.body).decode()]) if logo else b""
                unit.site.put_fact(LOGO_FACT, text.decode())
            detail = {"accent": accent, "logo": "kept" if keep_logo else "set" if logo else "none"}
            unit.audit.append(now_ms, by.name, "look_set", self._centre.site.site, detail)
        self._seen = None

    def _read(self) -> tuple[Ms, Look, Logo | None]:
        now_ms, seen = self._centre.clock.wall_ms(), self._seen
        if seen is not None and 0 <= now_ms - seen[0] < FRESH_MS:
            return seen
        with self._centre.store.read() as unit:
            accent, text = unit.site.fact(ACCENT_FACT) or "", unit.site.fact(LOGO_FACT)
        logo = None
        if text:
            media_type, body = msgspec.json.decode(text, type=tuple[str, str])
            logo = Logo(media_type, base64.b64decode(body))
        digest = hashlib.sha256(logo.body).hexdigest()[:12] if logo is not None else ""
        look = Look(accent=accent, on_accent=text_on(accent) if accent else "", logo=digest)
        self._seen = (now_ms, look, logo)
        return self._seen
