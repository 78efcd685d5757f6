"""How the beacon measures attention and scrolling, in a real Chromium."""

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.chromium import DEADLINE_S, PlainChromium
from tests.browser.recorder import PAGE_HEIGHT_PX, Recorder
from tests.serving import wait_until

WINDOW_PX = 720  # height of Playwright's window
FIRST_SCREEN = round(100 * WINDOW_PX / PAGE_HEIGHT_PX)
CLOSED_TABS, CLOSED_WITHIN_S = 10, 2.0


class Visitor:
    """Somebody who turns to a page and away from it, and whose clock stands still until told."""

    def __init__(self, context: BrowserContext, recorder: Recorder) -> None:
        self._other = context.new_page()
        self.page = context.new_page()
        self._devtools = context.new_cdp_session(self.page)
        self._recorder = recorder

    def open(self, path: str) -> None:
        """Open a page of the site, look at it, and stop its clock."""
        self.page.clock.install(time=0)
        self.page.goto(self._recorder.url + path)
        self.page.clock.pause_at(60_000)
        self._recorder.wait_for("pageview")
        # Playwright makes every page believe that it has the focus; this one is to know.
        self._devtools.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
        self.away()
        self._recorder.wait_for("engagement")
        self.back()

    def away(self) -> None:
        """Turn to another window."""
        self._other.bring_to_front()
        self._wait_until("!document.hasFocus()")

    def back(self) -> None:
        """Turn to the page again."""
        self.page.bring_to_front()
        self._wait_until("document.hasFocus()")

    def look(self, milliseconds: int) -> None:
        """Let time pass in the page."""
        self.page.clock.run_for(milliseconds)

    def scroll_to(self, y_px: int) -> None:
        """Scroll, and wait until the page has been told."""
        self.page.evaluate(
            """y => {
                window.scrolled = false
                addEventListener("scroll", () => { window.scrolled = true }, { once: true })
                scrollTo(0, y)
            }""",
            y_px,
        )
        self._wait_until("window.scrolled")

    def _wait_until(self, condition: str) -> None:
        # Not wait_for_function: it evaluates text in the page, which the site's policy forbids.
        wait_until(lambda: bool(self.page.evaluate(condition)), condition, DEADLINE_S)


@pytest.fixture(name="visitor")
def new_visitor(context: BrowserContext, recorder: Recorder) -> Visitor:
    """Return a visitor who has not opened anything yet."""
    return Visitor(context, recorder)


def later(recorder: Recorder, count: int) -> list[dict[str, Any]]:
    """Return the engagements after the one that `Visitor.open` makes, once there are `count`.

    They come over several connections, in any order, and are sorted by time and depth.
    """
    engagements = recorder.wait_for("engagement", count + 1)[1:]
    return sorted(engagements, key=lambda engagement: (engagement["e"], engagement["sd"]))


def test_leaving_for_another_page_reports_the_page_that_was_left(
    page: Page, recorder: Recorder
) -> None:
    """The event survives the page's unloading and names the page it belongs to."""
    page.goto(recorder.url + "/#part")
    recorder.wait_for("pageview")
    page.goto(recorder.url + "/about")
    (engagement,) = recorder.wait_for("engagement")
    engaged_ms = engagement.pop("e")
    assert isinstance(engaged_ms, int)
    assert engaged_ms > 0
    expected = {"n": "engagement", "u": recorder.url + "/", "s": "md", "sd": FIRST_SCREEN}
    assert engagement == expected


def test_closing_the_tab_reports_it(context: BrowserContext, recorder: Recorder) -> None:
    """There is no next page, only an end.

    Chromium leaves a page half a second for its end, so a slow machine has more than one try.
    """
    for _ in range(CLOSED_TABS):
        tab = context.new_page()
        tab.goto(recorder.url + "/")
        tab.close()
        if recorder.comes("engagement", CLOSED_WITHIN_S):
            break
    assert recorder.wait_for("engagement")[0]["u"] == recorder.url + "/"


def test_single_page_navigation_reports_the_page_before(page: Page, recorder: Recorder) -> None:
    """Each page of a single-page site has its own time and its own depth."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "{}"))
    page.goto(recorder.url + "/app")
    page.get_by_text("Two").click()
    recorder.wait_for("pageview", 2)
    page.goto(recorder.url + "/nothing?times=0")
    engaged = {engagement["u"] for engagement in recorder.wait_for("engagement", 2)}
    assert engaged == {recorder.url + "/app", recorder.url + "/app/two"}
    names = [name for text in sent if (name := json.loads(text).get("n"))]
    assert names[:3] == ["pageview", "engagement", "pageview"]


def test_a_tab_put_in_front_makes_the_other_report(
    plain_chromium: PlainChromium, recorder: Recorder
) -> None:
    """The hidden page reports; back in front, it waits for its turn to hide again."""
    about = plain_chromium.open(recorder.url + "/about")
    recorder.wait_for("pageview")
    plain_chromium.open(recorder.url + "/app")
    recorder.wait_for("pageview", 2)
    assert recorder.wait_for("engagement")[0]["u"] == recorder.url + "/about"
    plain_chromium.show(about)
    assert recorder.wait_for("engagement", 2)[1]["u"] == recorder.url + "/app"


def test_attention_adds_up_over_several_reports(visitor: Visitor, recorder: Recorder) -> None:
    """Each report holds what has come since the last one, to the millisecond."""
    visitor.open("/")
    for milliseconds in (1500, 2500):
        visitor.look(milliseconds)
        visitor.away()
        visitor.look(7000)  # unseen
        visitor.back()
    assert [engagement["e"] for engagement in later(recorder, 2)] == [1500, 2500]


def test_less_than_a_second_waits_for_more(visitor: Visitor, recorder: Recorder) -> None:
    """Nothing is sent for it alone, and nothing of it is lost."""
    visitor.open("/")
    for milliseconds in (999, 0, 1, 400, 600):
        visitor.look(milliseconds)
        visitor.away()
        visitor.back()
    assert [engagement["e"] for engagement in later(recorder, 2)] == [1000, 1000]


def test_a_deeper_scroll_is_worth_a_report(visitor: Visitor, recorder: Recorder) -> None:
    """The deepest point counts, also when the visitor has scrolled up again."""
    visitor.open("/")
    for down_px, up_px in ((1280, 100), (1279, 0), (PAGE_HEIGHT_PX, 1)):
        visitor.scroll_to(down_px)
        visitor.scroll_to(up_px)
        visitor.away()
        visitor.back()
    assert recorder.events("engagement")[0]["sd"] == FIRST_SCREEN
    assert [engagement["sd"] for engagement in later(recorder, 2)] == [50, 100]


def test_a_page_that_grows_is_measured_as_it_is(visitor: Visitor, recorder: Recorder) -> None:
    """Half of a page that has doubled since is a quarter, and never more than all of it."""
    visitor.open("/")
    visitor.scroll_to(1280)
    visitor.page.evaluate("document.body.style.height = '8000px'")
    visitor.look(1000)
    visitor.away()
    visitor.back()
    visitor.page.evaluate("document.documentElement.style.height = 'auto'")
    visitor.page.evaluate("document.body.style.height = '500px'")
    visitor.look(1000)
    visitor.away()
    assert [engagement["sd"] for engagement in later(recorder, 2)] == [25, 100]


def test_the_next_page_starts_from_nothing(visitor: Visitor, recorder: Recorder) -> None:
    """Depth and time of one page of a single-page site are not credited to the next."""
    visitor.open("/app")
    visitor.look(5000)
    visitor.scroll_to(PAGE_HEIGHT_PX)
    visitor.page.evaluate("history.pushState(null, '', '/app/next')")
    visitor.scroll_to(0)
    visitor.look(1200)
    visitor.away()
    second, first = later(recorder, 2)
    assert (first["u"], first["e"], first["sd"]) == (recorder.url + "/app", 5000, 100)
    assert (second["u"], second["e"]) == (recorder.url + "/app/next", 1200)
    assert second["sd"] == FIRST_SCREEN


def test_a_page_nobody_looks_at_has_no_engagement(visitor: Visitor, recorder: Recorder) -> None:
    """What comes and scrolls while the visitor is elsewhere has no time and no depth."""
    visitor.open("/app")
    visitor.away()
    visitor.page.evaluate("history.pushState(null, '', '/app/unseen')")
    visitor.look(60_000)
    visitor.scroll_to(2000)
    visitor.page.evaluate("history.pushState(null, '', '/app/seen')")
    visitor.back()
    visitor.look(1000)
    visitor.away()
    (engagement,) = later(recorder, 1)
    assert (engagement["u"], engagement["e"]) == (recorder.url + "/app/seen", 1000)
