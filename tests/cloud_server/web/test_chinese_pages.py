"""No English on Chinese pages: every page and form that can be reached from the start is opened by each role, every
form is sent as it stands and with nonsense, and what is read on the answers has no English words left in it."""

import ast
import re
from collections import Counter, deque
from html import unescape

import pytest

from cloud_server.core.roles import ROLES, Role
from cloud_server.web.addresses import ROUTES
from protocol.known_profiles import KNOWN_PROFILES
from protocol.workbook.sheets import SHEETS as LISTS
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.flows.test_moves_and_meters import two_boxes
from tests.cloud_server.street import TARIFF
from tests.cloud_server.web.chinese import english_in, sentences_in
from tests.cloud_server.web.conftest import Browser
from tests.cloud_server.web.test_import_page import workbook
from tests.cloud_server.web.test_profile_pages import WRONG
from tests.edge_agent.bus.profile_page import NX3
from tests.edge_agent.bus.profile_texts import ARMABLE
from tests.house_rules.source_tree import ROOT

pytestmark = pytest.mark.sqlite_first
NAMES = frozenset(
    {
        *(f"The {role}" for role in ROLES),
        *ROLES,
        "provisioner",
        "wang",
        "test",
        "speaking-box",
        "box A",
        *(profile.title.partition(" ")[0] for profile in KNOWN_PROFILES),
    }
)
"""Names of this site's people, and of makers."""
SHEETS = frozenset({word.en for sheet in LISTS for word in (sheet.words, *(column.words for column in sheet.columns))})
"""Sheets and heads, as an English workbook has them; a Chinese one has its own."""
KEYS = frozenset({"Nobody armable", "Elsewhere", "year month day hour minute second"})
"""Makers that there are not, and bytes of a clock."""
EACH_MOST = 2
"""So many pages of one address, and answers of one form, are read for each role: the next is of the same words."""
LEFT_ALONE = ("/sign-out", "/sessions", "/language", "/theme")
"""Forms whose sending ends the walk."""
_LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*)')
_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_INPUT = re.compile(r"<(input|select|textarea|button)\b([^>]*)>", re.DOTALL)


def attribute(text: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', text)
    return unescape(found.group(1)) if found else ""


def pattern_of(path: str) -> str:
    """The address of the table that a path is of."""
    bare = path.partition("?")[0].split("/")
    for route in ROUTES:
        parts = route.path.split("/")
        if len(parts) == len(bare) and all(a == b or a[:1] == "{" for a, b in zip(parts, bare, strict=True)):
            return route.path
    return path


class Walk:
    """One person's way through the console, and what is left in English on it."""

    def __init__(self, browser: Browser, junk: tuple[str, ...] = ("", "不是", "-1")) -> None:
        self.browser = browser
        self.junk = junk
        """With each of these all fields of a form are filled, one after the other."""
        self.read: Counter[str] = Counter()
        self.english: dict[str, str] = {}
        self.refused: list[str] = []
        """Links that a page offers and that do not open for whoever was offered them."""

    def look(self, where: str) -> None:
        if "<body" in self.browser.text:
            for piece in english_in(self.browser.text, NAMES):
                self.english.setdefault(piece, f"{where} ({self.browser.status})")

    def go(self) -> None:
        waiting, seen = deque(["/"]), {"/"}
        while waiting:
            path = waiting.popleft()
            route = pattern_of(path)
            if self.read[route] >= EACH_MOST or "/static/" in path or ".xlsx" in path or path.endswith("/file"):
                continue
            self.read[route] += 1
            self.browser.get(path)
            self.look(path)
            if self.browser.status >= 400:
                self.refused.append(f"{path} ({self.browser.status})")
            text = self.browser.text
            for found in map(unescape, _LINK.findall(text)):
                if found not in seen and not found.startswith(("/static", "/live", "/exports", "/sign-out")):
                    seen.add(found)
                    waiting.append(found)
            self.send_forms(path, text)

    def send_forms(self, path: str, text: str) -> None:
        for head, inner in _FORM.findall(text):
            action = attribute(head, "action") or path
            if attribute(head, "method") != "post" or any(part in action for part in LEFT_ALONE):
                continue
            name = f"POST {pattern_of(action)}"
            if self.read[name] >= EACH_MOST:
                continue
            self.read[name] += 1
            for junk in self.junk:
                self.browser.text = text
                fields = filled(inner, junk)
                if "multipart" in head:
                    self.browser.send_file(action, b"", **fields)
                else:
                    self.browser.post(action, **fields)
                self.look(f"POST {action} {junk}")


def filled(inner: str, junk: str) -> dict[str, str]:
    """A form with nonsense in every field that people type into; what is hidden stays."""
    fields: dict[str, str] = {}
    for tag, told in _INPUT.findall(inner):
        name, kind = attribute(told, "name"), attribute(told, "type")
        if not name or name == "form_token" or kind == "file" or tag == "button":
            continue
        fields[name] = attribute(told, "value") if kind in ("hidden", "checkbox", "radio") else junk
    return fields


@pytest.fixture
def street(console: ConsoleRig) -> ConsoleRig:
    two_boxes(console.rig)
    console.rig.sell("10.00", shop=2)
    return console


@pytest.mark.parametrize("role", ROLES)
def test_no_english_and_no_closed_door_on_the_way_of(role: Role, street: ConsoleRig) -> None:
    walk = Walk(street.browser(role, "zh-CN"))
    walk.go()
    assert len(walk.read) > 12, walk.read
    assert walk.refused == []
    assert walk.english == {}, "\n".join(f"{where}: {piece}" for piece, where in walk.english.items())


def test_the_walk_sees_english_where_it_is(street: ConsoleRig) -> None:
    browser = street.browser("administrator", "en")
    browser.get("/settings")
    assert any(piece.startswith("Settings") for piece in english_in(browser.text, NAMES))
    assert english_in('<body><p title="press it">好 kWh M101 x_y</p><code>some text</code>') == ["press it: press it"]


TARIFF_FAULTS = (
    "a = [1",
    "x = 1",
    "[rates.flat]\nprice_micro = -1\n[days.all]\nswitches = ['07:00 peek']",
    "steps = [1]",
)
WORKBOOK_FAULTS = {
    "Meters!C2": "300", "Meters!D3": "?", "Meters!L2": "x", "Customers!D2": "999", "Customers!E2": "1.234",
    "Boxes!D2": "9601", "Tariffs!B2": "soon", "Tariffs!E3": "25:00",
}  # fmt: skip


def test_what_is_wrong_in_a_list_a_tariff_or_a_profile_is_said_in_chinese(street: ConsoleRig) -> None:
    browser = street.browser("administrator", "zh-CN")
    found: list[str] = []
    browser.get("/settings/import")
    browser.send_file("/settings/import", workbook(street.rig.site, WORKBOOK_FAULTS))
    assert browser.text.count("<td>Meters!") >= 3
    found += english_in(browser.text, NAMES | SHEETS)
    for text in TARIFF_FAULTS:
        browser.get(f"/settings/tariffs/{TARIFF}")
        browser.post(f"/settings/tariffs/{TARIFF}", text=text, step="preview")
        assert "不是 TOML" in browser.text or "未知的键" in browser.text or "应为" in browser.text
        found += sentences_in(browser.text, NAMES)
    for text in (WRONG, "a = x", ARMABLE, NX3):
        browser.get("/settings/profiles/new")
        browser.send_file("/settings/profiles/new", b"", text=text, profile="nx3", step="preview")
        assert browser.status in (200, 422)
        found += sentences_in(browser.text, NAMES | KEYS)
    assert found == []


def test_no_conflict_of_the_console_is_said_in_english_alone() -> None:
    """One without a code of its own shows its English text; only programs may meet such."""
    sources = [path for part in ("core", "flows", "web") for path in (ROOT / "cloud_server" / part).rglob("*.py")]
    found = [
        f"{path.name}:{call.lineno}"
        for path in sources
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Conflict"
        if len(call.args) + len(call.keywords) < 2
    ]
    assert len(sources) > 100
    assert found == []
