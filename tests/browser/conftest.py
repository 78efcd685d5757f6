"""Chromium and a recording website, for tests in a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.chromium import PlainChromium, launch
from tests.browser.recorder import Recorder, serve


@dataclass
class Notes:
    """What a page said and asked for, in order."""

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note everything that `page` does from here on."""
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture(name="browser", scope="module")
def start_chromium() -> Iterator[Browser]:
    """Run Debian's Chromium under Playwright.

    One for a module and not for the session: while Playwright's synchronous interface is open, its
    event loop counts as running in this thread, and asyncio.run() in any other test would fail.
    """
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(name="context")
def new_context(browser: Browser) -> Iterator[BrowserContext]:
    """Make a visitor: a browser profile of their own, without cookies."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(name="notes")
def new_notes() -> Notes:
    """Return what the page of this test says and asks for."""
    return Notes()


@pytest.fixture(name="page")
def new_page(context: BrowserContext, notes: Notes) -> Page:
    """Return a visitor's page, watched."""
    page = context.new_page()
    notes.watch(page)
    return page


@pytest.fixture(name="recorder")
def start_recorder() -> Iterator[Recorder]:
    """Run a website that writes down what the beacon posts."""
    recorder, server = serve()
    yield recorder
    server.shutdown()
    server.server_close()
    assert recorder.failures == []


@pytest.fixture(name="plain_chromium", scope="module")
def start_plain_chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainChromium]:
    """Run a Chromium with real tabs and prerendering; a test closes the tabs that it must."""
    with PlainChromium(tmp_path_factory.mktemp("chromium")) as chromium:
        yield chromium
