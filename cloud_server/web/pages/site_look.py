"""The site's own look: an accent colour and a logo, shown at sign-in, on every page's head, and on receipts."""

from starlette.responses import Response

from cloud_server.core.site_look import accent_fault, contrast
from cloud_server.web.logo_file import NoLogo, read_logo
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

KEPT = "public, max-age=31536000, immutable"
"""The address changes with what it leads to."""


def show(console: Console, visit: Visit) -> Response:
    """What is set, and the form."""
    return _page(console, visit, 200)


def change(console: Console, visit: Visit) -> Response:
    """Take the colour and the logo."""
    accent = visit.form.get("accent", "").strip().lower() if visit.form.get("coloured") == "yes" else ""
    wrong = accent_fault(accent) if accent else None
    sent, logo = visit.files.get("logo", b""), None
    try:
        logo = read_logo(sent) if sent else None
    except NoLogo as fault:
        return _page(console, visit, 422, accent=wrong or "", logo=str(fault))
    if wrong is not None:
        return _page(console, visit, 422, accent=wrong)
    keep = logo is None and visit.form.get("remove") != "yes"
    visit.services.look.put(accent, logo, visit.actor, keep_logo=keep)
    return see_other("/settings/look?done=taken")


def _page(console: Console, visit: Visit, status: int, *, accent: str = "", logo: str = "") -> Response:
    look = visit.services.look.look()
    return console.renderer.page(
        visit,
        "site_look.html",
        status,
        wrong={"accent": accent, "logo": logo},
        typed=visit.form.get("accent", look.accent or "#1f3a5f"),
        coloured=visit.form.get("coloured") == "yes" if visit.form else bool(look.accent),
        ratio=f"{contrast(look.accent, look.on_accent):.1f}" if look.accent else "",
        done=visit.query.get("done") == "taken" and status == 200,
    )


def send_accent(_console: Console, visit: Visit) -> Response:
    """The colour, as a style sheet."""
    look = visit.services.look.look()
    style = f":root{{--accent:{look.accent};--on-accent:{look.on_accent}}}" if look.accent else ""
    keep = KEPT if visit.parts["mark"] == look.mark else "no-store"
    return Response(style, media_type="text/css", headers={"Cache-Control": keep})


def send_logo(console: Console, visit: Visit) -> Response:
    """The picture; opened by itself nothing in it runs either."""
    look, logo = visit.services.look.look(), visit.services.look.logo()
    if logo is None or visit.parts["digest"] != look.logo:
        return errors.not_found(console, visit) if visit.who is not None else Response(status_code=404)
    alone = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    headers = {"Cache-Control": KEPT, "Content-Security-Policy": alone}
    return Response(logo.body, media_type=logo.media_type, headers=headers)
