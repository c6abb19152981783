"""The console's pages as a person uses them: what can be seen and done, by words and keys rather than by markup.

Used by every browser test, over a made-up street and over a running demo alike.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Request, expect

SCREENSHOTS = Path("test-artifacts/screenshots")
"""Kept by the build machine."""
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SHOTS, NO_FRAME = 5, "Unable to capture screenshot"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@dataclass(frozen=True)
class Console:
    """One person's browser at one console."""

    page: Page
    address: str
    name: str
    """Goes into the names of the screenshots: language, light or dark, width."""
    said: list[str]
    """What the browser complained about: blocked by policy, failed to load, broken script."""

    def open(self, path: str = "/") -> None:
        self.page.goto(self.address + path)

    def sign_in(self, name: str, password: str) -> None:
        self.open("/sign-in?next=/")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.address}/")

    def picture(self, what: str, *, whole: bool = False) -> None:
        """Leave a screenshot, and see that the page does not scroll sideways."""
        self.page.wait_for_load_state("load")
        if whole:
            self.page.evaluate("window.scrollTo(0, 0)")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self._shoot(SCREENSHOTS / f"{what}-{self.name}.png", whole)
        over = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{what} scrolls sideways by {over} px at {self.name}"

    def _shoot(self, path: Path, whole: bool) -> None:
        """A browser on a busy machine may have no frame to give for the moment, which says nothing about the page."""
        for turns_left in reversed(range(SHOTS)):
            try:
                self.page.screenshot(path=path, full_page=whole)
            except Error as fault:
                if NO_FRAME not in str(fault) or not turns_left:
                    raise
                self.page.wait_for_timeout(1_000)
            else:
                return

    # ---------------------------------------------------------------------------------------------------- the monitor

    def await_live(self) -> None:
        expect(self.page.locator("#live")).to_have_attribute("data-live", "on", timeout=15_000)

    def state_of(self, shop_number: str) -> str | None:
        return self._tile(shop_number).get_attribute("data-state")

    def await_state(self, shop_number: str, state: str, within_s: float = 15) -> None:
        expect(self._tile(shop_number)).to_have_attribute("data-state", state, timeout=within_s * 1_000)

    def await_relay(self, shop_number: str, relay: str, within_s: float = 15) -> None:
        expect(self._tile(shop_number)).to_have_attribute("data-relay", relay, timeout=within_s * 1_000)

    def balance_of(self, shop_number: str) -> str:
        return self._tile(shop_number).locator(".balance").inner_text()

    def count_of(self, state: str) -> int:
        return int(self.page.locator(f'b[data-count="{state}"]').inner_text())

    def shops_seen(self) -> list[str]:
        return self.page.locator(".point:visible .number").all_inner_texts()

    # ----------------------------------------------------------------------------------------------------- the desk

    def cursor_in(self, selector: str) -> None:
        """Wait until a key that is pressed goes there: a page puts its cursor a moment after it is shown."""
        expect(self.page.locator(selector)).to_be_focused()

    def find_and_choose(self, text: str) -> None:
        """Find an account at the desk by keyboard alone: type, arrow down to the first answer, Enter."""
        self.open("/desk")
        self.cursor_in("#q")
        self.page.keyboard.type(text)
        self.page.locator("#found a").first.wait_for()
        self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        self.cursor_in("#amount")
        # The page's script listens for keys only when it is loaded.
        self.page.wait_for_load_state()

    def sell(self, text: str, amount: str) -> str:
        """A whole sale without a mouse; returns the address of its result."""
        self.find_and_choose(text)
        self.page.keyboard.type(amount)
        self.page.keyboard.press("Enter")
        self.cursor_in("#sell")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile(r"/sales/[0-9a-f]{32}"))
        return self.page.url

    def await_sale(self, state: str, within_s: float = 15) -> None:
        expect(self.page.locator("[data-sale-state]")).to_have_attribute(
            "data-sale-state", state, timeout=within_s * 1_000
        )

    def _tile(self, shop_number: str) -> Locator:
        return self.page.locator(".point").filter(
            has=self.page.locator(".number", has_text=re.compile(f"^{re.escape(shop_number)}$"))
        )


def open_console(
    browser: Browser, address: str, *, language: str = "zh-CN", theme: str = "light", width: int = 1280
) -> tuple[Console, BrowserContext]:
    """A fresh browser window; close the context when done."""
    context = browser.new_context(
        ignore_https_errors=True,
        viewport={"width": width, "height": 900},
        locale=language,
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Asia/Shanghai",
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"failed: {request.url}") if _counts(request) else None)
    return Console(page=page, address=address, name=f"{language}-{theme}-{width}", said=said), context


def _counts(request: Request) -> bool:
    """Whether a request that failed is a fault: not a stream that ended, nor one that a new page made needless."""
    return "/live/" not in request.url and request.failure != "net::ERR_ABORTED"


def faults(page: Page) -> list[str]:
    """What the rules of WCAG 2.2 AA, as far as a program can tell, do not allow on a page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async (tags) => (await axe.run(document, {runOnly: tags})).violations", WCAG)
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:160]}" for one in found for node in one["nodes"]
    ]
