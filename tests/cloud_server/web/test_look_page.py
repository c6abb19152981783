"""The look of a site: a colour that is no state's, a logo that is a picture and no more; and the page of states."""

import struct
import zlib

import pytest

from cloud_server.core.site_look import STATE_COLOURS, accent_fault, contrast, text_on
from cloud_server.web.logo_file import NoLogo, read_logo
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.web.conftest import Browser


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int = 2, height: int = 2) -> bytes:
    rows = zlib.compress(b"".join(b"\0" + b"\x1f\x3a\x5f" * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="url(#g)"/></svg>'


def test_pictures_are_taken() -> None:
    assert read_logo(png()).media_type == "image/png"
    assert read_logo(SVG).media_type == "image/svg+xml"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (png(1025, 1), "too_large"),
        (png() + bytes(128 * 1024), "too_large"),
        (png()[:-4], "no_picture"),
        (png().replace(b"IDAT", b"IDAX"), "no_picture"),
        (png() + b"<script>", "no_picture"),
        (b"GIF89a", "no_picture"),
        (b"", "no_picture"),
        (SVG.replace(b"<path", b"<script>1</script><path"), "not_plain"),
        (SVG.replace(b"<path", b'<path onload="1"'), "not_plain"),
        (SVG.replace(b"<path", b'<path href="https://elsewhere.test/"'), "not_plain"),
        (SVG.replace(b"url(#g)", b"url(https://elsewhere.test/)"), "not_plain"),
        (SVG.replace(b"<path", b'<foreignObject/><path'), "not_plain"),
        (SVG.replace(b"<path", b'<path style="background: URL( //x )"'), "not_plain"),
        (b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG, "not_plain"),
        (b"<?xml-stylesheet href='x'?>" + SVG, "not_plain"),
        (b"<html><body/></html>", "not_plain"),
    ],
)  # fmt: skip
def test_what_is_more_or_less_than_a_picture_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(NoLogo, match=code):
        read_logo(body)


@pytest.mark.parametrize("accent", ["#1f3a5f", "#000000", "#ffffff", "#00a3e0", "#ffd400"])
def test_text_on_an_accent_can_be_read(accent: str) -> None:
    assert accent_fault(accent) is None
    assert contrast(accent, text_on(accent)) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


@pytest.mark.parametrize(
    ("accent", "fault"),
    [*((state, "like_a_state") for state in STATE_COLOURS), ("#c82a2a", "like_a_state"), ("red", "no_colour")],
)
def test_a_colour_that_looks_like_a_state_is_refused(accent: str, fault: str) -> None:
    assert accent_fault(accent) == fault


@pytest.fixture
def browser(console: ConsoleRig) -> Browser:
    console.rig.plan()
    browser = console.browser("administrator")
    browser.get("/settings/look")
    return browser


def test_colour_and_logo_stand_on_every_page_and_at_sign_in(browser: Browser, console: ConsoleRig) -> None:
    assert "/look/" not in console.browser("cashier").get("/")
    data = {"form_token": browser.token(), "coloured": "yes", "accent": "#1F3A5F"}
    answer = browser.client.post(
        "/settings/look", data=data, files={"logo": ("logo.svg", SVG)}, headers={"Origin": browser.address}
    )
    assert "Taken." in answer.text
    assert "to 1" in answer.text, "the contrast is told"
    stranger = console.browser("cashier")
    for path in ("/", "/desk"):
        assert 'class="brand accented"' in stranger.get(path)
    address = stranger.text.split('src="/look/')[1].split('"')[0]
    logo = stranger.client.get(f"/look/{address}")
    assert (logo.content, logo.headers["content-type"]) == (SVG, "image/svg+xml")
    assert "sandbox" in logo.headers["content-security-policy"]
    style = stranger.client.get("/look/1f3a5f/accent.css")
    assert style.text == ":root{--accent:#1f3a5f;--on-accent:#ffffff}"
    assert stranger.client.get("/look/ffffffffffff/logo").status_code == 404

    stranger.client.cookies.clear()
    assert "accented-top" in stranger.get("/sign-in")
    assert f'src="/look/{address}' in stranger.text

    browser.get("/settings/look")
    browser.send_file("/settings/look", b"", remove="yes")
    assert "/look/" not in browser.text.replace("/settings/look", "")


@pytest.mark.parametrize(
    ("accent", "body", "says"),
    [("#c62828", SVG, "could be taken for that of a state"), ("#1f3a5f", b"<html/>", "more than a drawing")],
)
def test_what_is_not_right_is_said_and_nothing_is_set(accent: str, body: bytes, says: str, browser: Browser) -> None:
    data = {"form_token": browser.token(), "coloured": "yes", "accent": accent}
    answer = browser.client.post(
        "/settings/look", data=data, files={"logo": ("logo", body)}, headers={"Origin": browser.address}
    )
    assert answer.status_code == 422
    assert says in answer.text
    assert 'class="brand accented"' not in browser.get("/settings/look")


def test_the_page_of_states_tells_of_backups_and_of_the_books(browser: Browser) -> None:
    browser.get("/states")
    assert "none yet" in browser.text
    assert "no day closed yet" in browser.text
