"""`docs/quickstart.md` walked word for word: from an empty folder to a shop that is sold to, without the demo.

Every command and file of the page is taken from the page itself. Only what a reader has to put in their place is put in
here: folders, the address, the site's id, the fingerprint, the serial ports, which are ptys with meters at line speed.
"""

import re
import shlex
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, expect

from cloud_server.flows.second_factor import RECOVERY_CODES
from provisioning.demo.folder import free_port
from provisioning.simulator.site import SimulatedSite
from provisioning.simulator.site_description import parse_site
from tests.end_to_end.console_pages import Console, open_console
from tests.end_to_end.running_demo import wait_until
from tests.end_to_end.terminal import Terminal

pytestmark = pytest.mark.browser

PAGE = Path(__file__).parents[2] / "docs" / "quickstart.md"
PASSPHRASE = "four words in a safe"
PASSWORD = "a street with lanterns"
ENDS_WITHIN_S = 60.0
ANSWERS = {
    "Passphrase of the root key:": PASSPHRASE,
    "The same again:": PASSPHRASE,
    "[y/N]": "y",
    "Type yes to go on:": "yes",
}
"""What a person types, by the end of what is asked."""
BLOCK = re.compile(r"^```(sh|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
STAYS = ("cloud-server run", "edge-agent run", "edge-agent enrol")
"""Commands that do not end by themselves, or that wait for a person elsewhere."""


class Reader:
    """Somebody who reads the page and does what it says, on one machine instead of two."""

    def __init__(self, folder: Path, ports: tuple[Path, Path]) -> None:
        self.folder = folder
        self.address = f"https://127.0.0.1:{free_port(0, set())}"
        self.running: dict[str, Terminal] = {}
        self.said: dict[str, str] = {}
        self.given = {
            "/srv/tallybox": str(folder / "centre"),
            "/mnt/second-disk/tallybox-journal": str(folder / "journal"),
            "https://centre.example:18443": self.address,
            "/var/lib/tallybox": str(folder / "box"),
            "/dev/serial/by-id/usb-adapter-1": str(ports[0]),
            "/dev/serial/by-id/usb-adapter-2": str(ports[1]),
        }

    def walk(self) -> None:
        """Every block of the page, from top to bottom."""
        for kind, text in BLOCK.findall(PAGE.read_text()):
            if kind == "toml":
                name = re.match(r"# (\S+)", text)
                assert name is not None, f"a file without a name on its first line: {text[:60]}"
                (self.folder / name.group(1)).write_text(self.mine(text))
                continue
            for line in text.replace("\\\n", " ").splitlines():
                self.run(shlex.split(self.mine(line)))

    def mine(self, text: str) -> str:
        """The text with what is the reader's own."""
        for theirs, own in self.given.items():
            text = text.replace(theirs, own)
        return text

    def run(self, words: list[str]) -> None:
        """One command, and what a careful reader does after it."""
        name = " ".join(word for word in words[:3] if not word.startswith("-"))
        program = str(Path(sys.executable).with_name(words[0]))
        terminal = Terminal([program, *words[1:]], self.folder, ANSWERS, {"PYTHONUNBUFFERED": "1"})
        if not name.startswith(STAYS):
            self.said[name] = terminal.end(ENDS_WITHIN_S)
        else:
            self.running[" ".join(words[:2])] = terminal
        self.after(name)

    def after(self, name: str) -> None:
        """What the page asks for in words."""
        if name == "provision init":
            settings = (self.folder / "centre" / "centre.toml").read_text()
            found = re.search(r'^id = "([0-9a-f]{32})"', settings, re.MULTILINE)
            assert found is not None, settings
            self.given['"SITE"'] = f'"{found.group(1)}"'
            (self.folder / "centre" / "root" / "root.key").rename(self.folder / "stick.key")
        elif name.startswith("cloud-server setup"):
            found = re.search(r"tbx_[\w-]+", self.said[name])
            assert found is not None, self.said[name]
            (self.folder / "token").write_text(found.group())
        elif name.startswith("cloud-server run"):
            wait_until(self.centre_answers, ENDS_WITHIN_S, "the centre")
        elif name.startswith("edge-agent enrol"):
            self.given["FINGERPRINT"] = (
                self.running["edge-agent enrol"].wait_for(r"((?:[0-9a-f]{4}[ -]?){4})", ENDS_WITHIN_S).strip()
            )
        elif name.startswith("provision box list"):
            assert self.given["FINGERPRINT"].replace(" ", "") in self.said[name].replace(" ", "")
        elif name.startswith("edge-agent run"):
            wait_until((self.folder / "box" / "agent.sock").exists, ENDS_WITHIN_S, "the agent")
        elif name.startswith("provision box confirm"):
            self.running.pop("edge-agent enrol").end(ENDS_WITHIN_S)

    def centre_answers(self) -> bool:
        trust = ssl.create_default_context(cafile=self.folder / "centre" / "keys" / "ca.pem")
        try:
            return httpx.get(f"{self.address}/healthz", verify=trust, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def setup_link(self) -> str:
        """The link that `setup` printed."""
        said = next(text for name, text in self.said.items() if name.startswith("cloud-server setup"))
        found = re.search(r"https://\S+/setup/\S+", said)
        assert found is not None, said
        return found.group()


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two serial ports with the two meters of the page."""
    meters = (("adf400l_1ph", "202600000101"), ("dtsy1352", "202600000102"))
    described = parse_site(
        {
            "buses": [
                {
                    "name": f"A1-{number}",
                    "tty": str(tmp_path / f"tty{number}"),
                    "baud": 9600,
                    "meters": [
                        {
                            "id": serial,
                            "model": model,
                            "unit": 1,
                            "serial": serial,
                            "energy_wh": 1_234_000,
                            "load": {"kind": "constant", "watts": 800},
                            "point": f"10{number}",
                        }
                    ],
                }
                for number, (model, serial) in enumerate(meters, start=1)
            ]
        }
    )
    with SimulatedSite(described, tmp_path / "meters", 1.0):
        yield tmp_path / "tty1", tmp_path / "tty2"


@pytest.fixture
def reader(tmp_path: Path, ports: tuple[Path, Path]) -> Iterator[Reader]:
    folder = tmp_path / "reader"
    folder.mkdir()
    walking = Reader(folder, ports)
    yield walking
    for terminal in reversed(walking.running.values()):
        terminal.stop()


def test_the_page_leads_from_an_empty_folder_to_a_first_sale(reader: Reader, browser: Browser) -> None:
    reader.walk()
    assert {"cloud-server run", "edge-agent run"} == set(reader.running)
    tested = next(text for name, text in reader.said.items() if name.startswith("edge-agent relay-test"))
    assert "101" in tested
    assert "102" in tested
    console, context = open_console(browser, reader.address, language="en")
    make_administrator(console, reader.setup_link())
    put_all_in_service(console)
    link = add_cashier(console)
    context.close()
    cashier, context = open_console(browser, reader.address, language="en")
    cashier.page.goto(link)
    for field in ("#password", "#password_again"):
        cashier.page.fill(field, PASSWORD)
    with cashier.page.expect_navigation():
        cashier.page.keyboard.press("Enter")
    cashier.sign_in("limei", PASSWORD)
    cashier.sell("101", "50")
    cashier.await_sale("on", within_s=30)
    expect(cashier.page.locator("#piece")).to_contain_text("¥")
    cashier.picture("quickstart-sold")
    context.close()


def make_administrator(console: Console, link: str) -> None:
    page = console.page
    page.goto(link)
    page.fill("#name", "zhou")
    page.fill("#display_name", "Zhou Min")
    page.fill("#password", PASSWORD)
    page.fill("#password_again", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-factor*")
    console.picture("quickstart-second-factor")
    secret = page.locator("code.copy").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.locator(".recovery li")).to_have_count(RECOVERY_CODES)
    console.picture("quickstart-recovery")
    page.locator("a.primary").click()
    page.wait_for_url(f"{console.address}/")


def put_all_in_service(console: Console) -> None:
    page = console.page
    console.open("/operations")
    boxes = page.locator("td input[type=checkbox]")
    assert boxes.count() == 2
    for index in range(2):
        boxes.nth(index).check()
    page.locator('button[formaction$="/service/in_service"]').click()
    console.picture("quickstart-in-service")
    page.locator("button.primary").click()
    page.wait_for_url(re.compile("/operations/batch-"))
    expect(page.locator("#piece")).to_contain_text(re.compile("done", re.IGNORECASE), timeout=30_000)


def add_cashier(console: Console) -> str:
    page = console.page
    console.open("/staff")
    page.fill("#name", "limei")
    page.fill("#display_name", "Li Mei")
    page.check("input[name=role-cashier]")
    page.locator(".add button.primary").click()
    return page.locator("code.copy").inner_text()
