"""A site's own meter profile at the screen: faults beside their places in both languages, what it would read and write,
saved in versions, planned for a meter, compared, left out."""

import re
from dataclasses import replace
from html import unescape

import pytest

from cloud_server.core.message_settings import REASONS as SETTING_REASONS
from cloud_server.core.plan_import import REASONS as IMPORT_REASONS
from cloud_server.core.planned_profiles import REASONS as PROFILE_REASONS
from cloud_server.core.planned_site import REASONS as SITE_REASONS
from cloud_server.flows.second_factor import FORM_HOLDS_MS
from cloud_server.web import frame_words, message_words, plan_reason_words, sentence_words
from cloud_server.web.pages.profiles import differences
from cloud_server.web.profile_words import SENTENCES
from protocol import tariff_reasons, toml_reasons, type_reasons
from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.meter_profile import sentences
from protocol.meter_profile.checking import check_profile
from protocol.meter_profile.reasons import REASONS
from protocol.plan_reasons import REASONS as PLAN_REASONS
from protocol.workbook.reasons import REASONS as WORKBOOK_REASONS
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import box_id, meter_id
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.cloud_server.web.test_settings_pages import change, fields
from tests.edge_agent.bus.profile_texts import ARMABLE

pytestmark = pytest.mark.sqlite_first
NEW = "/settings/profiles/new"
WRONG = ARMABLE.replace("phases = 3", "phases = 9").replace('type = "u32", unit = "W"', 'type = "u33", unit = "W"')


@pytest.fixture
def console(console: ConsoleRig) -> ConsoleRig:
    console.rig.plan()
    return console


def send(browser: Browser, path: str, text: str, *, content: bytes = b"", **fields: str) -> str:
    """The form with its text, or with a file."""
    return browser.send_file(path, content, text=text.replace("\n", "\r\n"), **fields)


def save(browser: Browser, path: str, text: str, profile: str = "") -> None:
    browser.get(path)
    send(browser, path, text, step="preview", profile=profile)
    assert browser.status == 200, browser.text
    send(browser, path, text, step="take", version=browser.hidden("version"), profile=profile)
    assert browser.status == 200, browser.text
    assert "Taken." in browser.text


def faults(browser: Browser) -> list[tuple[str, ...]]:
    rows = browser.text.split('id="h-faults"')[1].split("</table>")[0]
    return [
        tuple(unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", row))
        for row in re.findall(r"<tr>(<td>.*?)</tr>", rows)
    ]


def test_all_faults_stand_beside_their_places_in_both_languages(console: ConsoleRig) -> None:
    english, chinese = console.browser("administrator"), console.browser("administrator", "zh-CN")
    for browser in (english, chinese):
        browser.get(NEW)
        send(browser, NEW, WRONG, profile="nx3", step="take", version="1")
        assert browser.status == 422
    assert faults(english) == [
        ("quantities.power.type", "'u33'", "right would be u16, i16, u32, i32, u64, f32, bcd"),
        ("phases", "9", "right would be a whole number from 1 to 3"),
    ]
    assert faults(chinese) == [
        ("quantities.power.type", "'u33'", "应为下列之一：u16, i16, u32, i32, u64, f32, bcd"),
        ("phases", "9", "应为 1 到 3 的整数"),
    ]
    english.get("/settings/profiles")
    assert "nx3" not in english.text, "nothing holds"
    assert "Eastron SDM120" in english.text


def test_what_is_shown_is_what_the_agent_prints_and_a_meter_can_be_planned_with_it(console: ConsoleRig) -> None:
    console.rig.enrol(1)
    browser = console.browser("administrator")
    browser.get(NEW)
    send(browser, NEW, "", content=ARMABLE.encode(), profile="nx3", unit="5", step="preview")
    shown = unescape(browser.text.split('class="code frames"')[1].split(">", 1)[1].split("</pre>")[0])
    assert shown.split("\n") == list(map(str, check_profile(ARMABLE, "nx3", 5).plan))
    assert "05 03 01 00 00 0A" in shown
    save(browser, NEW, ARMABLE, profile="nx3")
    change(browser, f"/settings/meters/{meter_id(1, 1)}", profile="nx3")
    browser.get("/settings/profiles/nx3")
    assert "on its way" in browser.text
    assert "M101" in browser.text
    second = ARMABLE.replace('model = "armable"', 'model = "armable 2"')
    send(browser, "/settings/profiles/nx3", second, step="preview")
    assert "A new configuration is signed for: A1." in browser.text
    assert "<ins>+ model = &#34;armable 2&#34;</ins>" in browser.text
    save(browser, "/settings/profiles/nx3", second)
    with console.rig.store.read() as unit:
        box = unit.fleet.box(box_id(1))
    assert box is not None
    assert box.config_version == 3
    browser.get("/settings/profiles/nx3/versions/2")
    assert "<del>- model = &#34;armable&#34;</del>" in browser.text
    browser.get("/settings/profiles/nx3?from=1")
    assert "model = &#34;armable&#34;" in browser.text.split("<textarea")[1]


def test_what_was_typed_is_kept_when_the_proof_has_grown_old(console: ConsoleRig) -> None:
    browser, file = console.browser("administrator"), b"\xef\xbb\xbf" + ARMABLE.encode()
    browser.get(NEW)
    console.rig.clock.advance(FORM_HOLDS_MS + 1)
    send(browser, NEW, "", content=file, profile="nx3", unit="5", step="preview")
    assert browser.status == 403
    assert "What you typed is kept" in browser.text
    kept = {name: browser.hidden(name) for name in ("profile", "unit", "step", "kept_file_file")}
    browser.send_file(NEW, b"", **kept, proof_of_sender="not the password")
    assert browser.status == 401
    assert browser.hidden("profile") == "nx3"
    browser.send_file(NEW, b"", **kept, proof_of_sender=PASSWORD)
    assert browser.status == 200
    assert "05 03 01 00 00 0A" in browser.text, "shown as if it had been sent just now"
    browser.send_file(NEW, b"", **kept)
    assert browser.status == 200, "the proof holds for what follows"


def test_one_in_use_stays_and_one_that_no_meter_needs_goes(console: ConsoleRig) -> None:
    browser = console.browser("administrator")
    save(browser, NEW, ARMABLE, profile="nx3")
    change(browser, f"/settings/meters/{meter_id(1, 1)}", profile="nx3")
    path = "/settings/profiles/nx3/leave-out"
    browser.get(path)
    assert (browser.status, "is the profile of M101" in browser.text) == (422, True)
    browser.post(path, version=browser.hidden("version"))
    assert browser.status == 422
    change(browser, f"/settings/meters/{meter_id(1, 1)}", profile="eastron_sdm120")
    browser.get(path)
    browser.post(path, version=browser.hidden("version"))
    assert browser.path == "/settings/profiles"
    assert "/settings/profiles/nx3" not in browser.text
    browser.get("/settings/profiles/nx3")
    assert browser.status == 404


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("", ARMABLE, "Please fill this in."),
        ("NX 3", ARMABLE, "Small letters, digits and underscores"),
        ("new", ARMABLE, "mistake-profile"),
        ("eastron_sdm120", ARMABLE, "comes with every box under this name"),
        ("nx3", " ", "Please fill this in."),
        ("nx3", "x" * (PROFILE_CHARACTERS_MAX + 1), "Too long."),
    ],
)
def test_what_cannot_be_a_profile_is_said(console: ConsoleRig, name: str, text: str, says: str) -> None:
    browser = console.browser("administrator")
    browser.get(NEW)
    send(browser, NEW, text, profile=name, step="take", version="1")
    assert browser.status == 422
    assert says in browser.text


def test_a_file_that_is_no_text_and_a_plan_that_moved_on(console: ConsoleRig) -> None:
    browser = console.browser("administrator")
    browser.get(NEW)
    send(browser, NEW, "", content=b"\xff\xfe\x00", profile="nx3")
    assert (browser.status, "no text that can be read" in browser.text) == (422, True)
    send(browser, NEW, ARMABLE, profile="nx3", step="take", version="99")
    assert browser.status == 409
    browser.get("/settings/profiles/nx4")
    assert browser.status == 404


def test_only_who_may_set_the_site_up_comes_here(console: ConsoleRig) -> None:
    browser = console.browser("cashier")
    browser.get("/settings/profiles")
    assert browser.status == 403


def test_what_a_plan_lacks_is_said_in_the_reader_s_language(console: ConsoleRig) -> None:
    browser = console.browser("administrator", "zh-CN")
    path = f"/settings/meters/{meter_id(1, 1)}"
    browser.get(path)
    browser.post(path, **(fields(browser) | {"unit": "2"}), step="preview")
    assert browser.status == 422
    assert re.search(r"<li>[^<]*总线地址 2 [^<]*重复</li>", browser.text)


def test_a_box_that_refused_it_stands_there_with_its_words(console: ConsoleRig) -> None:
    console.rig.enrol(1)
    browser = console.browser("administrator")
    save(browser, NEW, ARMABLE, profile="nx3")
    change(browser, f"/settings/meters/{meter_id(1, 1)}", profile="nx3")
    with console.rig.store.write() as unit:
        told = unit.lines.newest_command(box_id(1), "configure")
        assert told is not None
        refused = replace(
            told, state="refused", reason="config_invalid", detail="nx3.toml: format = 1: right would be 0"
        )
        unit.lines.save_command_result(refused)
    browser.get("/settings/profiles/nx3")
    assert "refused, and goes on with the configuration before" in browser.text
    assert "nx3.toml: format = 1: right would be 0" in browser.text


def test_every_sentence_has_its_words() -> None:
    assert set(SENTENCES) == {reason.pattern for reason in (*REASONS, *PROFILE_REASONS)}
    assert set(plan_reason_words.SENTENCES) == {reason.pattern for reason in (*PLAN_REASONS, *SITE_REASONS)}
    assert set(frame_words.SENTENCES) == {reason.pattern for reason in sentences.REASONS}
    assert set(message_words.SETTING_REASONS) == {reason.pattern for reason in SETTING_REASONS}
    listed = (type_reasons.REASONS, toml_reasons.REASONS, tariff_reasons.REASONS, WORKBOOK_REASONS, IMPORT_REASONS)
    assert set(sentence_words.SENTENCES) == {reason.pattern for reasons in listed for reason in reasons}


def test_differences_are_marked_line_by_line() -> None:
    assert differences("a\nb\nc", "a\nB\nc") == [
        ("place", "@@ -1,3 +1,3 @@"),
        ("same", "a"),
        ("removed", "b"),
        ("added", "B"),
        ("same", "c"),
    ]
    assert differences("a", "a") == []
