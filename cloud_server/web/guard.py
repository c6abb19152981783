"""What every request passes: session, right, origin, form token; and the headers that every answer carries."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from cloud_server.ports import Chance

SESSION_COOKIE: Final = "__Host-tallybox"
VISITOR_COOKIE: Final = "__Host-tallybox-visitor"
"""For whoever is not signed in: only there so that the sign-in form has a token too."""
LANGUAGE_COOKIE: Final = "__Host-tallybox-language"
THEME_COOKIE: Final = "__Host-tallybox-theme"
VIEW_COOKIE: Final = "__Host-tallybox-view"
PREFERENCE_SECONDS: Final = 400 * 86_400
"""The longest that browsers keep a cookie."""
_TOKEN_BYTES: Final = 32

HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
    "Cache-Control": "no-store",
}


TLS_ALWAYS: Final = "max-age=31536000"


def dress(response: Response, public_url: str) -> Response:
    """Put the headers on an answer of the console. What an answer says itself (caching of static files) stays."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if urlsplit(public_url).hostname not in {"localhost", "127.0.0.1", "::1"}:
        # A machine's own name for itself is shared by whatever else runs on it, so it is left alone.
        response.headers["Strict-Transport-Security"] = TLS_ALWAYS
    return response


def make_form_token(secret: str) -> str:
    """A token for the forms of one page: bound to the cookie, and masked anew so that no two pages show the same bytes
    (a compressed page must not give a secret away by its length)."""
    mask = secrets.token_bytes(_TOKEN_BYTES)
    masked = bytes(a ^ b for a, b in zip(mask, _bound(secret), strict=True))
    return urlsafe_b64encode(mask + masked).decode().rstrip("=")


def form_token_fits(secret: str, token: str) -> bool:
    """Whether a form was made by us for this cookie."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii", "replace") + b"==")
    except BadBase64:
        return False
    if not secret or len(raw) != 2 * _TOKEN_BYTES:
        return False
    sent = bytes(a ^ b for a, b in zip(raw[:_TOKEN_BYTES], raw[_TOKEN_BYTES:], strict=True))
    return hmac.compare_digest(sent, _bound(secret))


def _bound(secret: str) -> bytes:
    return hmac.digest(secret.encode("utf-8", "replace"), b"tallybox form", sha256)


def is_from_here(headers: Mapping[str, str], own_url: str, public_url: str) -> bool:
    """Whether a browser sent this form from one of our own pages (Origin, else Sec-Fetch-Site, else Referer).

    A program that sends none of them is no browser and has no victim's cookies; the form token still guards.
    """
    ours = {_origin(own_url), _origin(public_url)}
    origin = headers.get("origin")
    if origin is not None:
        return origin in ours
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    referer = headers.get("referer")
    return referer is None or _origin(referer) in ours


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def own_url(request: Request) -> str:
    """The address under which this request came."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def set_session(response: Response, token: str) -> None:
    """Give the browser its session: for this host alone, over TLS alone, out of reach of scripts, gone at its close."""
    response.set_cookie(SESSION_COOKIE, token, path="/", secure=True, httponly=True, samesite="lax")


def make_visitor(chance: Chance) -> str:
    """A cookie for somebody who is not signed in."""
    return urlsafe_b64encode(chance.draw(_TOKEN_BYTES)).rstrip(b"=").decode()


def set_visitor(response: Response, visitor: str) -> None:
    """Give the browser the cookie that its sign-in form is bound to."""
    response.set_cookie(VISITOR_COOKIE, visitor, path="/", secure=True, httponly=True, samesite="lax")


def clear_session(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def set_preference(response: Response, cookie: str, value: str) -> None:
    """Remember how this browser wants its pages: nothing secret, nothing with authority."""
    response.set_cookie(cookie, value, max_age=PREFERENCE_SECONDS, path="/", secure=True, httponly=True, samesite="lax")


START: Final = "/start"
"""Leads each person to the page where their day starts."""


def safe_next(path: str) -> str:
    """Where to go after sign-in: a path of ours that was asked for, never another host; else where the day starts."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_ours and len(path) <= 500 else START
