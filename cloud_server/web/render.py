"""Templates to answers: one Jinja environment a language, with the words and the writing of values at hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cloud_server.core.views import STATES
from cloud_server.web import guard
from cloud_server.web.forms import TARIFF_CHARACTERS_MOST
from cloud_server.web.language import LANGUAGES, OWN_NAMES, Language, load_catalogs
from cloud_server.web.show import Show
from cloud_server.web.static_files import StaticNames
from cloud_server.web.visit import Visit
from cloud_server.web.words import Words

CLIP_NAMES: Final = ("arrears", "alarm1", "alarm2", "overload", "meter", "bus", "box", "relay", "other")
"""Clips in `static/sound`, one for each family of alarms."""
_TEMPLATES: Final = Path(__file__).parent / "templates"


class Renderer:
    """Renders pages in either language."""

    def __init__(self, static: StaticNames) -> None:
        catalogs = load_catalogs()
        self._translations = catalogs
        self._environments: dict[Language, Environment] = {}
        self._clips = {language: _clips(static, language) for language in LANGUAGES}
        for language in LANGUAGES:
            environment = Environment(
                loader=FileSystemLoader(_TEMPLATES),
                autoescape=select_autoescape(default=True, default_for_string=True),
                undefined=StrictUndefined,
                extensions=["jinja2.ext.i18n"],
                trim_blocks=True,
                lstrip_blocks=True,
            )
            catalog = catalogs[language]
            environment.add_extension("jinja2.ext.i18n")
            environment.install_gettext_callables(  # type: ignore[attr-defined]  # put there by the extension
                catalog.gettext, catalog.ngettext, newstyle=True
            )
            environment.globals.update(
                word=Words(catalog.gettext),
                static=static.path_of,
                languages=OWN_NAMES,
                language=language,
                states=STATES,
                longest_text=TARIFF_CHARACTERS_MOST,
            )
            self._environments[language] = environment

    def show_for(self, visit: Visit) -> Show:
        """How values are written on this visit's pages."""
        site = visit.services.books.site()
        return Show(self._translations[visit.language].gettext, site.zone, site.currency, visit.now_ms)

    def translate_for(self, visit: Visit) -> Callable[[str], str]:
        """The catalog of this visit's language."""
        return self._translations[visit.language].gettext

    def words_for(self, visit: Visit) -> Words:
        """The words of this visit's language."""
        return Words(self._translations[visit.language].gettext)

    def text(self, visit: Visit, template: str, **values: Any) -> str:
        """A template as text; a page's own script takes pieces like this."""
        return self._environments[visit.language].get_template(template).render(self._values(visit, values))

    def page(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page as an answer."""
        return HTMLResponse(self.text(visit, template, **values), status_code=status)

    def stream(self, visit: Visit, template: str, **values: Any) -> Iterator[str]:
        """A template piece by piece, for pages of thousands of rows."""
        return self._environments[visit.language].get_template(template).generate(self._values(visit, values))

    def _values(self, visit: Visit, values: dict[str, Any]) -> dict[str, Any]:
        site = visit.services.books.site()
        return {
            "visit": visit,
            "may": visit.may,
            "site": site,
            "look": visit.services.look.look(),
            "show": Show(self._translations[visit.language].gettext, site.zone, site.currency, visit.now_ms),
            "journal_fault": visit.services.state.journal_fault() if visit.who is not None else None,
            "recovery": visit.services.state.recovery() if visit.who is not None else None,
            "clips": self._clips[visit.language],
            "form_token": guard.make_form_token(visit.secret),
            **values,
        }


def _clips(static: StaticNames, language: Language) -> dict[str, str]:
    """The address of each spoken clip in a language."""
    return {name: static.path_of(f"sound/{name}-{'zh' if language == 'zh-CN' else 'en'}.ogg") for name in CLIP_NAMES}


def see_other(path: str) -> Response:
    """After a form was taken: go and look at the result, so that a reload sends nothing again."""
    return RedirectResponse(path, status_code=303)
