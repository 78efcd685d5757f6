"""What visitors and editors do in a real browser, and what comes of it."""

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from playwright.sync_api import Dialog, Page, expect

from tests.browser.chromium import DEADLINE_S
from tests.browser.conftest import Notes
from tests.browser.endtoend.website import DASHBOARD
from tests.people import EMAIL, PASSWORD
from tests.serving import ASK_EVERY_S, Server, wait_until

_POLL_EVERY_S = 0.2  # a page costs the collector some work, which it needs for loading
_ROWS = """card => [...card.querySelectorAll("tbody tr")].map((row) => [
    row.querySelector(".name").textContent,
    ...[...row.querySelectorAll("td")].map((cell) => cell.textContent),
])"""

_TABS = {
    "Countries": ("Places", "Countries"),
    "Browsers": ("Devices", "Browsers"),
    "Operating systems": ("Devices", "Systems"),
}  # what they are called in these tests, by card and tab

# Everything that the page's origin keeps in the browser, cookies apart, by where it is.
_KEPT = """async () => ({
    localStorage: Object.keys(localStorage),
    sessionStorage: Object.keys(sessionStorage),
    name: window.name ? [window.name] : [],
    indexedDB: (await indexedDB.databases()).map((database) => database.name),
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).map((worker) => worker.scope),
})"""


_AXE = Path(__file__).parents[1] / "axe" / "axe.min.js.gz"
_VIOLATIONS = """async (rules) => {
    const wanted = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) }
    const found = await axe.run(wanted)
    return found.violations.map(({ id, nodes }) => [id, ...nodes.map(
        (node) => `${node.html.slice(0, 99)} ${node.failureSummary}`)].join("\\n"))
}"""


@dataclass
class Watch(Notes):
    """What pages said and asked for, and what they put in front of people."""

    dialogs: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note everything that `page` does from here on."""
        super().watch(page)
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def complaints(self) -> list[str]:
        """Return, and forget, what pages have no reason to say."""
        said = [*self.console, *self.errors, *self.dialogs]
        for each in (self.console, self.errors, self.dialogs):
            each.clear()
        return said

    @property
    def posted(self) -> list[str]:
        """The addresses of events that were asked to be sent."""
        return [url for url in self.requests if url.endswith("/api/event")]


@dataclass(frozen=True, slots=True)
class Desk:
    """The dashboard of somebody who is logged in."""

    page: Page
    watch: Watch
    collector: Server

    def open(self, site: str, query: str = "") -> None:
        """Open a site's page."""
        self.page.goto(f"{DASHBOARD}sites/{site}{query}")

    def rows(self, card: str) -> dict[str, tuple[str, ...]]:
        """Return the lines of a card, or of a tab of one: the numbers by the names."""
        name, tab = _TABS.get(card, (card, ""))
        region = self.page.get_by_role("region", name=name, exact=True)
        if tab and region.locator("[aria-current]").inner_text() != tab:
            region.get_by_role("link", name=tab, exact=True).click()
            expect(region.locator("[aria-current]")).to_have_text(tab)
        found = region.evaluate(_ROWS)
        return {name: tuple(numbers) for name, *numbers in found}

    def names(self, site: str, field: str) -> list[str]:
        """Return all values of a dimension, as its own page lists them."""
        self.page.goto(f"{DASHBOARD}sites/{site}/by/{field}")
        return self.page.locator("tbody .name").all_text_contents()

    def number(self, measure: str) -> str:
        """Return one of the six numbers, as it is written."""
        tile = self.page.locator(".tiles li").filter(has=self.page.get_by_text(measure, exact=True))
        return tile.locator(".value").inner_text()

    def open_when(self, site: str, is_so: Callable[[], bool]) -> None:
        """Open a site's page again and again until it shows something.

        Raises:
            AssertionError: it did not in time; with what it showed.
        """
        give_up_at = time.monotonic() + DEADLINE_S
        while True:
            self.open(site)
            if is_so():
                return
            assert time.monotonic() < give_up_at, self.page.inner_text("main")
            time.sleep(_POLL_EVERY_S)

    def open_with_page(self, site: str, path: str, query: str = "") -> None:
        """Open a site's page once a path was counted, which is among the few it shows."""
        self.wait_for_page(site, path)
        self.open(site, query)
        assert path in self.rows("Popular pages")

    def wait_for_page(self, site: str, path: str) -> None:
        """Return once a path of a site was counted."""
        is_so = f"{path} on {site}"
        wait_until(lambda: self.has_page(site, path), is_so, every_s=ASK_EVERY_S)

    def has_page(self, site: str, path: str) -> bool:
        """Tell whether a path of a site counts."""
        return path in self._paths(site)

    def _paths(self, site: str) -> set[str]:
        # Asking for this alone costs the collector a tenth of what a page does.
        rows = self.collector.query(site_id=site, dimensions=["event:page"])
        return {path for row in rows for path in row["dimensions"]}


def follow(page: Page, link: str) -> None:
    """Click a link that leads to another document, and wait until that one has run."""
    with page.expect_navigation():
        page.get_by_text(link, exact=True).click()


def press(page: Page, button: str) -> None:
    """Press a button that leads to another document, and wait until that one has run.

    A click alone ends before: what is asked of the page next is asked of the one that goes away,
    or of one that has nothing in it yet.
    """
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def log_in(page: Page, password: str = PASSWORD) -> None:
    """Send the login form of the page that is open, and wait for the answer."""
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    press(page, "Log in")


def kept(page: Page) -> dict[str, list[str]]:
    """Return everything that a page's origin keeps in the browser, cookies apart."""
    found: dict[str, list[str]] = page.evaluate(_KEPT)
    return {where: names for where, names in found.items() if names}


def sticks_out(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@cache
def _axe() -> str:
    return gzip.decompress(_AXE.read_bytes()).decode()


def barriers(page: Page, *rules: str) -> list[str]:
    """Return what axe-core finds to be a barrier on the page, by these rules or by all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_VIOLATIONS, [*rules] or None)
    return found
