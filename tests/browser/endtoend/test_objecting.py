"""Whoever objects sends nothing: real buttons, cookies and browser settings (promise P10)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Playwright, expect

from dashboard.parts import Finding
from tests.browser.chromium import go_back, launch_with
from tests.browser.endtoend.desk import Desk, Watch, follow, kept, press
from tests.browser.endtoend.website import (
    BESIDE,
    DASHBOARD,
    ELSEWHERE,
    PLACES,
    PREFIX,
    QUIET,
    Front,
    Place,
)

FENCE = "fetch('/fence').then(() => 0)"  # one more request, after which nothing is under way
POST = """action => {
    const form = document.createElement("form")
    Object.assign(form, { method: "post", action })
    document.body.append(form)
    form.submit()
}"""
COUNTED, NOT_COUNTED = "Your visits are counted", "Your visits are not counted"

# A browser that objects by itself: its settings, and the flags that turn them on.
PREFERENCES = {"Global Privacy Control": {}, "Do Not Track": {"enable_do_not_track": True}}
SETTINGS = {
    "Global Privacy Control": [
        "--enable-features=GlobalPrivacyControl,GlobalPrivacyControlForce",
    ],
    "Do Not Track": [],
}
SAYS_SO = "[navigator.globalPrivacyControl === true, navigator.doNotTrack === '1']"


def visit(page: Page, start: str) -> None:
    """Do everything that is counted, from an address on; leave nothing under way."""
    page.goto(start)
    page.get_by_text("One").click()
    page.evaluate("gatecount('Download')")
    follow(page, "Next")
    assert go_back(page), "Chromium did not keep the page"
    follow(page, "Bare")
    page.evaluate(FENCE)


def glance(page: Page, start: str) -> None:
    """Load a page and do something there."""
    page.goto(start)
    page.evaluate("gatecount('Download')")


def choose(page: Page, button: str, leads_to: str) -> None:
    """Press a button of the opt-out page, and see what it leads to."""
    press(page, button)
    expect(page.get_by_role("heading", level=1)).to_have_text(leads_to)


def opt_out_page(place: Place) -> str:
    """Return where a site's visitors make their choice."""
    return place.counter + "opt-out"


@dataclass(frozen=True, slots=True)
class Objector:
    """A browser in whose settings a signal is switched on, and what its pages say."""

    signal: str
    page: Page
    watch: Watch


@pytest.fixture(name="objector", scope="module", params=list(SETTINGS))
def start_objector(
    request: pytest.FixtureRequest,
    playwright: Playwright,
    front: Front,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Objector]:
    """Run a browser that objects by itself."""
    signal = str(request.param)
    profile = tmp_path_factory.mktemp("objector")
    (profile / "Default").mkdir()
    (profile / "Default" / "Preferences").write_text(json.dumps(PREFERENCES[signal]))
    context = launch_with(playwright, profile, *SETTINGS[signal], *front.flags)
    watch = Watch()
    context.on("page", watch.watch)
    page = context.new_page()
    page.goto(BESIDE.home + "/bare")
    assert page.evaluate(SAYS_SO) == [signal == name for name in SETTINGS], "not this browser"
    yield Objector(signal, page, watch)
    context.close()
    assert watch.complaints() == []


@pytest.mark.parametrize("place", [PREFIX, BESIDE], ids=attrgetter("site"))
def test_opting_out_and_in_again(
    page: Page, notes: Watch, front: Front, section: str, place: Place
) -> None:
    """From the press of the button on, and on every page; and back, by the same page."""
    start = place.home + section
    page.goto(start)
    front.wait_for(start, "pageview")
    follow(page, "Privacy")
    front.wait_for(start, "engagement")
    choose(page, "Do not count my visits", NOT_COUNTED)
    front.arrived.clear()
    notes.requests.clear()
    visit(page, start)
    assert (front.events(start), notes.posted) == ([], [])
    assert kept(page) == {}
    (cookie,) = page.context.cookies()
    assert (cookie["value"], cookie["secure"], cookie["httpOnly"]) == ("1", True, False)

    page.goto(opt_out_page(place))
    choose(page, "Count my visits again", COUNTED)
    assert page.context.cookies() == []
    page.goto(start + "again")
    front.wait_for(start + "again", "pageview")


@pytest.mark.parametrize("place", PLACES, ids=attrgetter("site"))
def test_the_opt_out_page_names_where_the_choice_holds(front: Front, place: Place) -> None:
    """The host under a path of the site, else the common domain, whatever the proxy calls us."""
    _, page = front.ask(opt_out_page(place))
    name = place.site if place is BESIDE else urlsplit(place.home).netloc
    assert f'<p class="site">{name}</p>' in page


def test_opting_out_reaches_tabs_that_are_open(page: Page, front: Front, section: str) -> None:
    """A tab from before sends nothing more, and a new tab shows the choice."""
    start = PREFIX.home + section
    tab = page.context.new_page()
    tab.goto(start)
    front.wait_for(start, "pageview")
    page.goto(opt_out_page(PREFIX))
    choose(page, "Do not count my visits", NOT_COUNTED)
    front.arrived.clear()
    tab.get_by_text("One").click()
    tab.evaluate("gatecount('Download')")
    tab.goto(opt_out_page(PREFIX))
    expect(tab.get_by_role("heading", name=NOT_COUNTED)).to_be_visible()
    page.goto(PREFIX.home + "/bare")
    page.evaluate(FENCE)
    assert front.events(start) == []


def test_a_page_kept_for_going_back_to_sends_nothing_once_opted_out(
    page: Page, front: Front, section: str
) -> None:
    """It comes back as it was left, from before the choice, and looks again before it sends."""
    start = PREFIX.home + section
    page.goto(start)
    front.wait_for(start, "pageview")
    follow(page, "Bare")
    front.wait_for(start, "engagement")
    other = page.context.new_page()
    other.goto(opt_out_page(PREFIX))
    choose(other, "Do not count my visits", NOT_COUNTED)
    assert go_back(page), "Chromium did not keep the page"
    page.get_by_text("One").click()
    page.evaluate("gatecount('Download')")
    follow(page, "Bare")
    page.evaluate(FENCE)
    front.wait_for_names(start, ["engagement", "pageview"])


def test_a_choice_on_the_host_beside_holds_for_all_of_the_domain(
    page: Page, front: Front, section: str
) -> None:
    """The site itself, with and without www., and its subdomains see the cookie."""
    page.goto(opt_out_page(BESIDE))
    choose(page, "Do not count my visits", NOT_COUNTED)
    for home in (BESIDE.home, f"https://{BESIDE.site}", f"https://{QUIET}"):
        glance(page, home + section)
        assert page.evaluate("document.cookie") == "gatecount-optout=1"
    follow(page, "Bare")
    page.evaluate(FENCE)
    assert front.events(section) == []


def test_opting_out_needs_no_javascript(
    scriptless: Page, page: Page, front: Front, section: str
) -> None:
    """The button is a form; what it leaves in the browser is honoured once scripts run again."""
    start = BESIDE.home + section
    scriptless.goto(start)
    follow(scriptless, "Privacy")
    choose(scriptless, "Do not count my visits", NOT_COUNTED)
    page.context.add_cookies(scriptless.context.cookies())  # type: ignore[arg-type]  # what it returns
    visit(page, start)
    assert front.events(start) == []
    choose(scriptless, "Count my visits again", COUNTED)
    assert scriptless.context.cookies() == []


def test_a_browser_whose_settings_object_is_believed(
    objector: Objector, front: Front, section: str
) -> None:
    """Nothing is sent, nothing is kept, and the opt-out page names the signal."""
    page = objector.page
    for place in (PREFIX, BESIDE):
        glance(page, place.home + section)
        page.goto(opt_out_page(place))
        expect(page.get_by_role("heading", name=NOT_COUNTED)).to_be_visible()
        assert f"({objector.signal})" in page.inner_text(".lead")
        assert kept(page) == {}
    visit(page, BESIDE.home + section)
    assert page.context.cookies() == []
    assert front.events(section) == []
    assert objector.watch.posted == []
    assert {each.signal for each in front.arrived if section in each.url} == {"1"}


def test_opting_out_survives_a_restart_of_the_browser(
    playwright: Playwright, front: Front, section: str, tmp_path: Path
) -> None:
    """On the site's pages, after going back to one that was kept, and on the opt-out page.

    A cookie without an age does not: it is a restart indeed.
    """
    for start in range(2):
        context = launch_with(playwright, tmp_path, *front.flags)
        page = context.new_page()
        page.goto(opt_out_page(BESIDE))
        if not start:
            choose(page, "Do not count my visits", NOT_COUNTED)
            page.evaluate("document.cookie = 'of_this_session=1'")
        assert ("of_this_session" in page.evaluate("document.cookie")) == (not start)
        expect(page.get_by_role("heading", level=1)).to_have_text(NOT_COUNTED)
        if start:
            visit(page, BESIDE.home + section)
            assert go_back(page), "Chromium did not keep the page"
            follow(page, "Bare")
            page.evaluate(FENCE)
        context.close()
    assert front.events(section) == []


def test_the_waiting_panel_tells_an_objector_why_nothing_comes(
    objector: Objector, desk: Desk
) -> None:
    """Whoever sets a site up in such a browser would wait for ever."""
    context = objector.page.context
    context.add_cookies(desk.page.context.cookies())  # type: ignore[arg-type]  # as above
    objector.page.goto(f"{DASHBOARD}sites/{QUIET}")
    finding = {"Global Privacy Control": Finding.GPC, "Do Not Track": Finding.DNT}[objector.signal]
    assert finding.headline in objector.page.inner_text(".findings")
    context.clear_cookies()


def test_another_website_cannot_opt_a_visitor_in(page: Page, notes: Watch) -> None:
    """A form on it is refused and explained, and the cookie stays."""
    page.goto(opt_out_page(PREFIX))
    choose(page, "Do not count my visits", NOT_COUNTED)
    page.goto(f"{ELSEWHERE}?x")
    with (
        page.expect_console_message(lambda message: "status of 403" in message.text),
        page.expect_navigation(),
    ):
        page.evaluate(POST, PREFIX.counter + "opt-in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was changed")
    assert len(notes.complaints()) == 1
    follow(page, "See your choice")
    expect(page.get_by_role("heading", level=1)).to_have_text(NOT_COUNTED)


def test_a_visit_without_objection_is_counted_wholly(
    page: Page, front: Front, section: str
) -> None:
    """And `visit` misses nothing, on which the tests above rely."""
    start = PREFIX.home + section
    visit(page, start)
    front.wait_for_names(start, ["Download", *["engagement"] * 4, *["pageview"] * 4])
