"""The receipt of a sale for a slip printer (80 mm) and for A4. Looking is free; each print is counted and marked."""

from typing import Final

from starlette.responses import Response

from cloud_server.core.capital_amount import capital_amount
from cloud_server.core.views import SaleRow
from cloud_server.web.pages import errors
from cloud_server.web.pages.customer_link import qr_code
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit

PAPERS: Final = ("80mm", "a4")


def show(console: Console, visit: Visit) -> Response:
    """The receipt to look at, marked as no print."""
    row = visit.services.books.sale(visit.parts["sale"])
    if row is None:
        return errors.not_found(console, visit)
    return _draw(console, visit, row, visit.query.get("paper", ""), copy=0)


def print_copy(console: Console, visit: Visit) -> Response:
    """Count a print and show it to the printer."""
    row = visit.services.books.sale(visit.parts["sale"])
    if row is None:
        return errors.not_found(console, visit)
    copy = visit.services.desk.note_print(row.sale, visit.actor)
    pages = visit.services.customer_pages
    link = pages.links.url_now(row.account) if pages is not None else ""
    return _draw(console, visit, row, visit.form.get("paper", ""), copy=copy, link=link)


def _draw(console: Console, visit: Visit, row: SaleRow, paper: str, *, copy: int, link: str = "") -> Response:
    return console.renderer.page(
        visit,
        "receipt.html",
        sale=row,
        paper=paper if paper in PAPERS else PAPERS[0],
        papers=PAPERS,
        copy=copy,
        qr=qr_code(link) if link else "",
        capitals=capital_amount(row.amount_micro),
    )
