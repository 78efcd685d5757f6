"""Websites with a real collector behind them, visitors' browsers, and an editor's.

What costs a second to start is shared by the tests of this folder and ends with the last of them:
while Playwright's synchronous interface is open, asyncio.run() fails in this thread. Each test
visits a section of the sites that is its own, from an address of its own.
"""

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright

from collector.control import Control
from tests.browser.chromium import launch
from tests.browser.endtoend.desk import Desk, Watch, log_in
from tests.browser.endtoend.website import DASHBOARD, PLACES, SITES, Front, serve
from tests.countries import mmdb
from tests.people import admit
from tests.serving import USER_AGENT, Installation, installation, zone_at_noon

COUNTRIES = {"192.0.2.0/24": {"country_code": "NZ"}, "198.51.100.0/24": {"country_code": "PT"}}
WINDOW: ViewportSize = {"width": 1280, "height": 720}
_numbers = itertools.count(1)


@pytest.fixture(name="here", scope="package")
def make_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Make an installation that knows all sites."""
    with installation(tmp_path_factory.mktemp("gatecount")) as here:
        for site in SITES:
            here.add_site(site, zone_at_noon())
        with contextlib.closing(Control.open(here.data / "control.sqlite")) as control:
            admit(control)
        yield here


@pytest.fixture(name="front", scope="package")
def start_front(here: Installation) -> Iterator[Front]:
    """Run `gatecount serve` and the front that browsers see it through."""
    database = here.folder / "countries.mmdb"
    database.write_bytes(mmdb(COUNTRIES))
    flags = [flag for place in PLACES for flag in ("--public-url", place.counter)]
    with here.serving(*flags, "--geo-database", str(database)) as collector:
        front, server = serve(collector, here.folder)
        yield front
        server.shutdown()
        server.server_close()
        assert front.failures == []
        assert "Traceback" not in collector.said()


@pytest.fixture(name="playwright", scope="package")
def start_playwright() -> Iterator[Playwright]:
    """Run Playwright."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(name="browser", scope="package")
def start_browser(playwright: Playwright, front: Front) -> Iterator[Browser]:
    """Run a Chromium for which every host is the front."""
    browser = launch(playwright, *front.flags)
    yield browser
    browser.close()


@pytest.fixture(name="own_desk", scope="package")
def log_editor_in(browser: Browser, front: Front) -> Iterator[Desk]:
    """Log an editor in by the form, once."""
    watch = Watch()
    context = browser.new_context(user_agent=USER_AGENT)
    context.on("page", watch.watch)
    desk = Desk(context.new_page(), watch, front.collector)
    desk.page.goto(DASHBOARD)
    log_in(desk.page)
    yield desk
    context.close()


@pytest.fixture(name="section")
def new_section(front: Front) -> str:
    """Return a part of a site that only this test visits, from an address of its own."""
    number = next(_numbers)
    front.visitor = f"192.0.2.{number}"
    return f"/section-{number}/"


@pytest.fixture(name="visitor", scope="package")
def start_visitor(browser: Browser) -> Iterator[tuple[Page, Watch]]:
    """Make the browser profile that visits the sites, with one page, watched."""
    watch = Watch()
    context = browser.new_context(user_agent=USER_AGENT)
    context.on("page", watch.watch)
    yield context.new_page(), watch
    context.close()


@pytest.fixture(name="notes")
def new_notes(visitor: tuple[Page, Watch]) -> Iterator[Watch]:
    """Return what the visitor's pages say; in the end nothing that a test did not expect.

    Chromium writes what a policy blocks and what could not be loaded to the console.
    """
    _, watch = visitor
    watch.requests.clear()
    yield watch
    assert watch.complaints() == []


@pytest.fixture(name="page")
def new_page(visitor: tuple[Page, Watch], notes: Watch) -> Iterator[Page]:
    """Return the visitor's page, without cookies; other things are never kept, as tests say."""
    page, _ = visitor
    yield page
    for other in page.context.pages:
        if other is not page:
            other.close()
    _leave(page)


@pytest.fixture(name="shared_scriptless", scope="package")
def start_scriptless(browser: Browser) -> Iterator[tuple[Page, Watch]]:
    """Make a browser profile with JavaScript switched off, with one page, watched."""
    watch = Watch()
    context = browser.new_context(user_agent=USER_AGENT, java_script_enabled=False)
    context.on("page", watch.watch)
    yield context.new_page(), watch
    context.close()


@pytest.fixture(name="scriptless")
def new_scriptless(shared_scriptless: tuple[Page, Watch]) -> Iterator[Page]:
    """Return a page without JavaScript, whose browser has no cookies."""
    page, watch = shared_scriptless
    yield page
    _leave(page)
    assert watch.complaints() == []


def _leave(page: Page) -> None:
    """Make a page as new for the next test."""
    page.goto("about:blank")
    page.context.clear_cookies()
    page.set_viewport_size(WINDOW)


@pytest.fixture(name="desk")
def sit_at_desk(own_desk: Desk) -> Iterator[Desk]:
    """Return the page of an editor who is logged in, watched like a visitor's."""
    yield own_desk
    own_desk.page.set_viewport_size(WINDOW)
    assert own_desk.watch.complaints() == []
