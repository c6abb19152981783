"""The site's own meter profiles: written or sent as a file, every fault beside its place, what they would read and
write; then taken as the next version. What is right in a text is no business of this page."""

import difflib
from typing import Literal

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, FieldErrorCode, Mistaken
from cloud_server.core.plan_edits import NEW
from cloud_server.flows.change_settings import Planned
from cloud_server.flows.keep_profiles import PlannedProfile, ProfileSheet
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit
from protocol.known_profiles import KNOWN_PROFILES
from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.meter_profile.table import is_plain_name

UNIT_MAX = 247
"""The last address that a Modbus device may have (Modbus over serial line 1.02, 2.2)."""
Line = tuple[Literal["same", "added", "removed", "place"], str]


def show_list(console: Console, visit: Visit) -> Response:
    """Those of the site, and those that come with every box."""
    return console.renderer.page(
        visit,
        "profiles.html",
        own=visit.services.profiles.listed(),
        packaged=KNOWN_PROFILES,
        done=visit.query.get("done", ""),
    )


def show(console: Console, visit: Visit) -> Response:
    """The form of one of the site's own, or of a new one."""
    name = visit.parts.get("profile", NEW)
    if name == NEW:
        return _form(console, visit, 200, None, {"profile": "", "text": ""})
    sheet = visit.services.profiles.sheet(name)
    if sheet is None:
        return errors.not_found(console, visit)
    text = sheet.text
    wanted = _number(visit.query.get("from", ""))
    if wanted and (found := visit.services.profiles.version(name, wanted)) is not None:
        text = found[0].text
    return _form(console, visit, 200, sheet, {"profile": name, "text": text})


def change(console: Console, visit: Visit) -> Response:
    """First what the text is and what it comes to; then take it."""
    name, desk, form = visit.parts.get("profile", NEW), visit.services.profiles, visit.form
    sheet = desk.sheet(name) if name != NEW else None
    if name != NEW and sheet is None:
        return errors.not_found(console, visit)
    text, mistakes = _text(visit)
    profile = name if sheet is not None else form.get("profile", "").strip()
    if sheet is None:
        mistakes |= _name_mistakes(visit, profile)
    typed = {"profile": profile, "text": text, "unit": form.get("unit", "1")}
    if mistakes:
        return _form(console, visit, 422, sheet, typed, mistakes=mistakes)
    unit = min(max(_number(typed["unit"]), 1), UNIT_MAX)
    found = desk.preview(profile, text, unit)
    if found is None:
        return errors.not_found(console, visit)
    sent = bool(visit.files.get("file"))
    if found.planned.mistakes or sent or form.get("step") != "take":
        return _form(console, visit, 422 if found.planned.mistakes else 200, sheet, typed, found=found)
    try:
        desk.take(profile, text, _number(form.get("version", "")), visit.actor)
    except (Conflict, Mistaken):
        return _form(console, visit, 409, sheet, typed, found=found, stale=True)
    return see_other(f"/settings/profiles/{profile}?done=taken")


def show_version(console: Console, visit: Visit) -> Response:
    """One version with what differs from the one before it."""
    name, number = visit.parts["profile"], _number(visit.parts["version"])
    found = visit.services.profiles.version(name, number)
    if found is None:
        return errors.not_found(console, visit)
    version, before = found
    lines = differences(before.text, version.text) if before is not None else []
    return console.renderer.page(visit, "profile_version.html", version=version, before=before, lines=lines)


def ask_leaving_out(console: Console, visit: Visit) -> Response:
    """What leaving a profile out comes to."""
    return _leaving_out(console, visit, 200)


def leave_out(console: Console, visit: Visit) -> Response:
    """Leave it out of the plan, where no meter needs it."""
    try:
        version = _number(visit.form.get("version", ""))
        visit.services.profiles.leave_out(visit.parts["profile"], version, visit.actor)
    except (Conflict, Mistaken):
        return _leaving_out(console, visit, 409)
    return see_other("/settings/profiles?done=left_out")


def differences(before: str, after: str) -> list[Line]:
    """What differs between two texts, line by line with the lines around it."""
    found: list[Line] = []
    for line in list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm=""))[2:]:
        mark, rest = line[:1], line[1:]
        if mark == "@":
            found.append(("place", line))
        else:
            found.append(("added" if mark == "+" else "removed" if mark == "-" else "same", rest))
    return found


def _leaving_out(console: Console, visit: Visit, status: int) -> Response:
    name = visit.parts["profile"]
    sheet, planned = visit.services.profiles.sheet(name), visit.services.profiles.preview_leaving_out(name)
    if sheet is None or planned is None:
        return errors.not_found(console, visit)
    shown = status if not planned.mistakes else 422
    return console.renderer.page(visit, "profile_gone.html", shown, row=sheet.row, planned=planned)


def _text(visit: Visit) -> tuple[str, dict[str, FieldErrorCode]]:
    """The text as typed, but for line ends, since it is hashed; or as the file that was sent says it."""
    sent = visit.files.get("file", b"")
    try:
        text = sent.decode("utf-8") if sent else visit.form.get("text", "")
    except UnicodeDecodeError:
        return visit.form.get("text", ""), {"file": "not_a_text"}
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if len(text) > PROFILE_CHARACTERS_MAX:
        return text[:PROFILE_CHARACTERS_MAX], {"text": "too_long"}
    return text, {} if text.strip() else {"text": "required"}


def _name_mistakes(visit: Visit, profile: str) -> dict[str, FieldErrorCode]:
    if not profile:
        return {"profile": "required"}
    if profile == NEW or visit.services.profiles.sheet(profile) is not None:
        return {"profile": "taken"}
    return {} if is_plain_name(profile) else {"profile": "not_a_name"}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _form(
    console: Console,
    visit: Visit,
    status: int,
    sheet: ProfileSheet | None,
    typed: dict[str, str],
    *,
    mistakes: dict[str, FieldErrorCode] | None = None,
    found: PlannedProfile | None = None,
    stale: bool = False,
) -> Response:
    words = console.renderer.words_for(visit)
    planned: Planned | None = found.planned if found is not None else None
    return console.renderer.page(
        visit,
        "profile.html",
        status,
        sheet=sheet,
        typed=typed,
        mistakes={name: words.field(code) for name, code in (mistakes or {}).items()},
        found=found,
        ready=planned is not None and bool(planned.changes) and not planned.mistakes,
        planned=planned,
        lines=differences(sheet.text, typed["text"]) if found is not None and sheet is not None else [],
        most=PROFILE_CHARACTERS_MAX,
        stale=stale,
        done=visit.query.get("done") == "taken" and not visit.form,
    )
