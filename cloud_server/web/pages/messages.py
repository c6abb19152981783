"""Messages: the outbox by parts, the kill switch, quiet hours, budgets, the duty list, and texts with a preview."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response

from cloud_server.core.alarm_rules import SEVERITIES, Severity
from cloud_server.core.message_rules import MessageState
from cloud_server.core.message_settings import LANGUAGES, DutyPerson, Language, MessageSettings, StepSetting
from cloud_server.core.message_texts import SAMPLE, TEXTS, VARIABLES, fill
from cloud_server.core.sms_text import Parts, split
from cloud_server.flows.message_desk import MessageDesk
from cloud_server.ports import Refused
from cloud_server.web.message_words import MessageWords
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

STATES: Final = tuple(state.value for state in MessageState)
DONE: Final = ("saved", "on", "off", "again", "withdrawn", "text", "revoked", "not_done", "no_account")


def show(console: Console, visit: Visit) -> Response:
    """The outbox."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    return _outbox(console, visit, desk, desk.settings(), {}, 200)


def _outbox(
    console: Console, visit: Visit, desk: MessageDesk, settings: MessageSettings, mistakes: dict[str, str], status: int
) -> Response:
    state, said = visit.query.get("state", ""), _said(console, visit)
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "messages.html",
        said=said,
        status=status,
        page=desk.outbox(state),
        settings=settings,
        duty_text="\n".join(f"{person.name} {person.number}" for person in settings.duty),
        steps_text="\n".join(
            f"{step.after_min} {','.join(step.names)} {','.join(said.severities[each] for each in step.severities)}"
            for step in settings.steps
        ),
        chosen=state if state in STATES else "",
        states=STATES,
        mistakes=mistakes,
        done=done if done in DONE else "",
    )


def _said(console: Console, visit: Visit) -> MessageWords:
    return MessageWords(console.renderer.translate_for(visit))


def switch(console: Console, visit: Visit) -> Response:
    """The kill switch."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    on = visit.form.get("on") == "yes"
    desk.switch(on=on, by=visit.actor)
    return see_other(f"/messages?done={'on' if on else 'off'}")


def save(console: Console, visit: Visit) -> Response:
    """Take the settings as typed, or show what is wrong with each."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    said = _said(console, visit)
    settings = read_settings_form(visit.form, said.severities, on=desk.settings().on)
    try:
        desk.save_settings(settings, visit.actor)
    except Refused as refused:
        mistakes: dict[str, str] = {}
        for error in refused.errors:
            before = f"{mistakes[error.field]}; " if error.field in mistakes else ""
            mistakes[error.field] = f"{before}{said.refused(error)}"
        return _outbox(console, visit, desk, settings, mistakes, 422)
    return see_other("/messages?done=saved")


def read_settings_form(fields: Mapping[str, str], words: Mapping[str, str], *, on: bool) -> MessageSettings:
    """The form as settings; what cannot be read becomes a value that is refused with its name. `words` are those of a
    severity in the form's language."""
    language: Language = "en" if fields.get("language") == "en" else "zh-CN"
    return MessageSettings(
        on=on,
        language=language,
        quiet_from_minute=_minute(fields.get("quiet_from", "")),
        quiet_to_minute=_minute(fields.get("quiet_to", "")),
        customer_day_max=_number(fields.get("customer_day_max", "")),
        site_day_max=_number(fields.get("site_day_max", "")),
        forecast_days=_number(fields.get("forecast_days", "")),
        pay=fields.get("pay", "").strip(),
        duty=tuple(_person(line) for line in _lines(fields.get("duty", ""))),
        steps=tuple(_step(line, words) for line in _lines(fields.get("steps", ""))),
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _person(line: str) -> DutyPerson:
    name, _, number = line.rpartition(" ")
    return DutyPerson(name=name.strip() or line, number=number.replace("-", "") if name else "")


def _step(line: str, words: Mapping[str, str]) -> StepSetting:
    after, names, severities = (*line.split(), "", "", "")[:3]
    return StepSetting(
        after_min=_number(after),
        names=tuple(name for name in _parts(names) if name),
        severities=_severities(severities, words) if severities else ("critical", "severe"),
    )


def _parts(text: str) -> list[str]:
    return text.replace("，", ",").replace("、", ",").split(",")


def _severities(text: str, words: Mapping[str, str]) -> tuple[Severity, ...]:
    codes = {word: code for code, word in words.items()}
    said = [codes.get(each, each) for each in _parts(text)]
    return msgspec.convert([each for each in said if each in SEVERITIES], tuple[Severity, ...])


def _number(text: str) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdigit() and len(text) <= 9 else -1


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return _number(hour) * 60 + _number(minute) if _number(hour) >= 0 and 0 <= _number(minute) < 60 else -1


def set_language(console: Console, visit: Visit) -> Response:
    """One customer reads another language than the site's."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    language: Language = "en" if visit.form.get("language") == "en" else "zh-CN"
    done = desk.set_language(visit.form.get("account", "").strip(), language, visit.actor)
    return see_other(f"/messages?done={'saved' if done else 'no_account'}")


def again(console: Console, visit: Visit) -> Response:
    """Send once more what has ended without arriving."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    done = desk.send_again(visit.parts["message"], visit.actor)
    return see_other(f"/messages?done={'again' if done else 'not_done'}")


def withdraw(console: Console, visit: Visit) -> Response:
    """Take back what has not left."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    done = desk.withdraw(visit.parts["message"], visit.actor)
    return see_other(f"/messages?done={'withdrawn' if done else 'not_done'}")


def show_texts(console: Console, visit: Visit) -> Response:
    """Every text with its preview and its length."""
    desk = visit.services.messages
    if desk is None:
        return errors.not_found(console, visit)
    texts = [(each, *_preview(each.text)) for each in desk.texts()]
    return console.renderer.page(visit, "message_texts.html", texts=texts, said=_said(console, visit))


def show_text(console: Console, visit: Visit) -> Response:
    """One text to edit."""
    return _text(console, visit, None, 200)


def save_text(console: Console, visit: Visit) -> Response:
    """Preview what was typed, take it, or put the program's own back."""
    act = visit.form.get("act", "preview")
    text = visit.form.get("text", "").replace("\r\n", "\n").strip()
    desk = visit.services.messages
    if desk is None or not _is_text(visit):
        return errors.not_found(console, visit)
    if act == "preview":
        return _text(console, visit, text, 200)
    language: Language = "en" if visit.parts["language"] == "en" else "zh-CN"
    mistakes = desk.save_text(visit.parts["occasion"], language, None if act == "own" else text, visit.actor)
    if mistakes:
        return _text(console, visit, text, 422)
    return see_other("/messages/texts?done=text")


def _is_text(visit: Visit) -> bool:
    return visit.parts["language"] in LANGUAGES and visit.parts["occasion"] in TEXTS["en"]


def _text(console: Console, visit: Visit, typed: str | None, status: int) -> Response:
    desk = visit.services.messages
    if desk is None or not _is_text(visit):
        return errors.not_found(console, visit)
    occasion, language = visit.parts["occasion"], visit.parts["language"]
    held = next(each for each in desk.texts() if (each.occasion, each.language) == (occasion, language))
    text = held.text if typed is None else typed
    preview, parts = _preview(text)
    return console.renderer.page(
        visit,
        "message_text.html",
        said=_said(console, visit),
        status=status,
        held=held,
        text=text,
        preview=preview,
        parts=parts,
        mistakes=desk.mistakes_of(occasion, text),
        variables=VARIABLES[occasion],
    )


def _preview(text: str) -> tuple[str, Parts]:
    filled = fill(text, SAMPLE)
    return filled, split(filled)
