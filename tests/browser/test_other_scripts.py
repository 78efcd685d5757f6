"""Pages from right to left and in longer words: nothing sticks out at the side."""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route

from dashboard.words.languages import LANGUAGES
from tests.dashboard.reading import DAY, HOUR, MINUTE
from tests.editors import HOST, newsroom, pageview
from tests.tongues import PAGES, bracketed

SITE = "example.com"
WIDTHS = (320, 1280)
IN_LONG_WORDS = (
    "/",
    "/sites/{domain}",
    "/sites/{domain}/settings",
    "/sites/{domain}/mails",
    "/account",
)
ORIGIN = f"http://{HOST}"
Saved = Mapping[str, httpx.Response]
_STICKS_OUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
    const { left, right, width } = one.getBoundingClientRect()
    const clips = one.closest(".scroll, .unseen, .skip, svg")
    return width > 0 && !clips && (left < -1 || right > innerWidth + 1)
}).map((one) => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 40)}`)"""

_SET_OPEN = """(is) => document.querySelectorAll("details").forEach((one) => { one.open = is })"""


@pytest.fixture(name="saved", scope="module")
def save_pages(ram_of_module: Path) -> Saved:
    """Save all pages with what they are made of, by language and address.

    Before Chromium starts: from then on asyncio.run() fails in this thread.
    """
    saved = {}
    with newsroom(ram_of_module) as room:
        arabic = bracketed(ram_of_module)
        room.parts["languages"] = (arabic, *LANGUAGES)
        site = room.site()
        room.site("a-rather-long-name-of-a-newspaper.example")
        room.count(
            *(pageview(site, n, n * HOUR, f"/a/long/path/{n}", country="DE") for n in range(60)),
            pageview(site, 90, 2 * MINUTE, "/b", name="Download", source="Google"),
            pageview(site, 91, 40 * DAY, "/c"),
        )
        editor = room.editor()
        for language in ("ar", "de"):
            for path in PAGES:
                address = path.format(domain=site.domain)
                wishes = {"Accept-Language": language}
                saved[f"{language} {address}"] = page = editor.get(address, wishes)
                for asset in re.findall(r'"(/assets/[^"]+)"', page.text):
                    saved[asset] = saved.get(asset) or editor.get(asset)
    return saved


@pytest.mark.parametrize(("language", "paths"), [("ar", PAGES), ("de", IN_LONG_WORDS)])
def test_nothing_sticks_out_at_the_side(
    saved: Saved, browser: Browser, language: str, paths: tuple[str, ...]
) -> None:
    """On a phone and on a laptop, with all menus open."""
    context = browser.new_context()
    page = context.new_page()

    def answer(route: Route) -> None:
        address = route.request.url.removeprefix(ORIGIN)
        found = saved.get(address) or saved.get(f"{language} {address}")
        if found is None:
            route.abort()
        else:
            kind = found.headers["content-type"]
            route.fulfill(status=found.status_code, body=found.content, content_type=kind)

    page.route("**/*", answer)
    found = [each for path in paths for each in _sticking_out(page, path.format(domain=SITE))]
    context.close()
    assert not found, "\n".join(found)


def _sticking_out(page: Page, address: str) -> list[str]:
    """Return what sticks out, with the menus closed and then open, at either width."""
    page.goto(ORIGIN + address, wait_until="load")
    direction = page.evaluate("getComputedStyle(document.body).direction")
    assert direction == ("rtl" if page.get_attribute("html", "lang") == "ar" else "ltr")
    found = []
    for is_open in (False, True):
        page.evaluate(_SET_OPEN, is_open)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            # What a closed menu hides has a place all the same.
            out = page.evaluate(_STICKS_OUT) if is_open else []
            if wide > width or out:
                found.append(f"{address} at {width}: {wide}, {out}")
    return found
