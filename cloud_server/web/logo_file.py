"""A logo as it is sent: a small PNG, or an SVG that is a drawing and nothing else. No page.

A browser shows it as a picture, in which nothing runs; what could run or fetch is refused all the same.
"""

import struct
import zlib
from typing import Any, Final
from xml.parsers import expat

from cloud_server.flows.keep_look import Logo

BYTES_MOST: Final = 128 * 1024
"""It goes with the first page that anybody opens."""
PIXELS_MOST: Final = 1_024
"""On a side: printed at 20 mm that is 1,300 dots an inch."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SVG: Final = "http://www.w3.org/2000/svg"
_DRAWING: Final = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "defs", "linearGradient",
     "radialGradient", "stop", "clipPath", "mask", "title", "desc", "text", "tspan"}
)  # fmt: skip


class NoLogo(Exception):
    """The file is no logo that is taken; the text is a code: `too_large`, `no_picture` or `not_plain`."""


def read_logo(body: bytes) -> Logo:
    """The picture that was sent. Raises NoLogo."""
    if len(body) > BYTES_MOST:
        raise NoLogo("too_large")
    if body.startswith(_PNG):
        _check_png(body)
        return Logo("image/png", body)
    _check_svg(body)
    return Logo("image/svg+xml", body)


def _check_png(body: bytes) -> None:
    """Every chunk of the file by its length and its sum (PNG, third edition, 5.3), the first one the size."""
    at, names = len(_PNG), list[bytes]()
    while at + 12 <= len(body):
        (length,) = struct.unpack_from(">I", body, at)
        name, end = body[at + 4 : at + 8], at + 12 + length
        if end > len(body) or zlib.crc32(body[at + 4 : end - 4]) != struct.unpack_from(">I", body, end - 4)[0]:
            raise NoLogo("no_picture")
        if name == b"IHDR" and length == 13:
            width, height = struct.unpack_from(">II", body, at + 8)
            if not 0 < max(width, height) <= PIXELS_MOST:
                raise NoLogo("too_large")
        names.append(name)
        at = end
    if names[:1] != [b"IHDR"] or b"IDAT" not in names or names[-1] != b"IEND" or at != len(body):
        raise NoLogo("no_picture")


def _check_svg(body: bytes) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def refuse(*_said: Any) -> None:
        raise NoLogo("not_plain")

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        space, _, element = name.rpartition(" ")
        if space != _SVG or element not in _DRAWING or (depth == 0 and element != "svg"):
            raise NoLogo("not_plain")
        for attribute, value in attributes.items():
            said = value.casefold().replace(" ", "")
            runs = attribute.casefold().startswith("on") or "href" in attribute.casefold()
            if runs or "script:" in said or "@import" in said or "url(" in said.replace("url(#", ""):
                raise NoLogo("not_plain")
        depth += 1

    parser.StartElementHandler = begin
    # No document type, so no entity that could grow or fetch; no instruction to a program.
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise NoLogo("no_picture") from None
