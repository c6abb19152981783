"""What a box out of reach lacks, to be carried to it: as a file for a phone or a stick, and as numbered QR codes, one a
line. The lines are signed already; whoever carries them can change nothing."""

from typing import Final

import segno
from markupsafe import Markup
from starlette.responses import Response

from cloud_server.core.mistakes import NotFound
from cloud_server.ports.courier import CourierFile
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit

QR_LINE_BYTES_MAX: Final = 2_900
"""What one QR code holds at its greatest size with the least redundancy (ISO/IEC 18004: 2,953 bytes)."""
QR_CODES_MAX: Final = 20
"""More than these nobody scans: the file is for that."""


def show(console: Console, visit: Visit) -> Response:
    """What waits for the box, and both ways to carry it."""
    try:
        made = visit.services.courier.file_for(visit.parts["box"])
    except NotFound:
        return errors.not_found(console, visit)
    lines = [line for line in made.command_lines if len(line) <= QR_LINE_BYTES_MAX]
    fits = len(lines) == len(made.command_lines) and len(lines) <= QR_CODES_MAX
    codes = [draw_code(line) for line in lines] if fits else []
    return console.renderer.page(visit, "courier.html", file=made, codes=codes, fits=fits)


def send_file(console: Console, visit: Visit) -> Response:
    """The file itself, under the name by which a box knows it."""
    try:
        made: CourierFile = visit.services.courier.file_for(visit.parts["box"])
    except NotFound:
        return errors.not_found(console, visit)
    return Response(
        made.body,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{made.name}"'},
    )


def draw_code(line: bytes) -> Markup:
    """A line as a QR code: bare SVG, without a style of its own."""
    code = segno.make(line, error="l", micro=False, boost_error=False)
    return Markup(code.svg_inline(omitsize=True, border=4, dark="#000", light="#fff"))  # noqa: S704 - drawn by the library from squares alone
