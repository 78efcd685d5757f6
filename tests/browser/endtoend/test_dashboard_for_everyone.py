"""The dashboard by keyboard, by ear, in either theme, and on paper."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from dashboard.drawing.charts import Point, Tick, time_series
from dashboard.words.formats import Unit
from tests.browser.endtoend.conftest import WINDOW
from tests.browser.endtoend.desk import Desk, barriers, press, sticks_out
from tests.browser.endtoend.website import DASHBOARD, LONG, QUIET, READ, Front
from tests.serving import pageview

NARROW: ViewportSize = {"width": 320, "height": 640}
LONG_WORDS = "long-words-" * 60
UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true })"
_CUT_LABELS = """() => [...document.querySelectorAll(".chart text:not(.at *)")].filter((label) => {
    const box = label.ownerSVGElement.getBoundingClientRect()
    const isDrawnBeyond = getComputedStyle(label.ownerSVGElement).overflow === "visible"
    const { left, right } = label.getBoundingClientRect()
    return left < (isDrawnBeyond ? 0 : box.left) || right > (isDrawnBeyond ? innerWidth : box.right)
}).map((label) => label.textContent)"""
_REDRAW = """(chart) => {
    document.querySelector(".chart").outerHTML = chart
    document.dispatchEvent(new Event("htmx:after:process"))
}"""
_CURSORS = """() => [0, 99, 199].map((n) => Math.round(
    100 * document.querySelectorAll(".at circle")[n].getAttribute("cy")) / 100)"""
_COUNT_ASKED = """() => {
    window.asked = 0
    document.addEventListener("htmx:before:request", () => { window.asked += 1 })
}"""
_RENEW = "document.querySelector('main').dispatchEvent(new Event('every'))"  # as a timer does
COLLECTOR = {"Host": "stats.example.net"}
_CLIPPED_REASONS = """() => [...document.querySelectorAll("#excluded .name")].map(
    (reason) => reason.scrollHeight - reason.clientHeight)"""
_ABOVE_THE_FOLD = """() => ["tiles", "series"].map((name) =>
    Math.round(document.querySelector("." + name).getBoundingClientRect().bottom))"""


def _without_cause(said: str) -> str:
    return said.partition(":")[0]


@pytest.fixture(name="read", scope="module")
def have_readers(own_desk: Desk, front: Front) -> Iterator[Desk]:
    """Count some visits to one site that several tests look at, and leave out a robot."""
    robot = COLLECTOR | {"User-Agent": "curl/8.0"}
    assert front.collector.post(pageview("/read/a", READ), robot).status == 202
    for number, path in enumerate(("/read/a", "/read/b", "/read/a")):
        headers = COLLECTOR | {"X-Forwarded-For": f"198.51.100.{number}"}
        event = pageview(path, READ, r="https://www.google.com/")
        assert front.collector.post(event, headers).status == 202
    own_desk.wait_for_page(READ, "/read/b")
    yield own_desk
    own_desk.page.goto("about:blank")


# Every page, and the numbers of a site in several states; these differ in nothing but texts.
_PAGES = ("", "account", "account/keys", "people", "log", f"sites/{QUIET}", "sites/no")
_OF_A_SITE = (
    *("", "?places=map", "?f=is,source,Google&f=or,contains%5C,page%5C,x,is%5C,os%5C,iOS"),
    *("?period=x", "/by/page", "/now", "/settings?done=kept"),
    *("/mails", "/people", "/log", "/sharing"),
)
_WITH_OTHER_TEXTS = (
    *("?metric=bounce_rate", "?metric=visit_duration&period=28d", "/by/os"),
    f"?f=is,page,/{LONG_WORDS}",
)


def test_no_page_bars_anyone(read: Desk, desk: Desk, front: Front) -> None:
    """With all menus open: axe-core finds nothing, in either theme, and nobody scrolls sideways.

    On 320 pixels (WCAG 2.2, 1.4.10), whatever pages are called; no label is cut. In the dark
    theme only contrast can differ.
    """
    for path in (LONG_WORDS, "/".join(["deep"] * 90), "Donaudampfschiffahrt" * 9, "end"):
        event = pageview(f"/{path}", LONG, r="https://www.google.com/")
        front.collector.post(event, COLLECTOR)
    desk.wait_for_page(LONG, "/end")
    page = read.page
    page.goto(f"{DASHBOARD}sites/{LONG}/sharing")
    press(page, "Switch it on")
    of_a_site = [f"sites/{LONG}{state}" for state in (*_OF_A_SITE, *_WITH_OTHER_TEXTS)]
    for view in (*_PAGES, f"public/{LONG}", *of_a_site):
        page.set_viewport_size(NARROW)
        page.goto(DASHBOARD + view)
        page.evaluate(UNFOLD)
        assert sticks_out(page) <= 0, view
        assert page.evaluate(_CUT_LABELS) == [], view
        if view.endswith(_WITH_OTHER_TEXTS):
            continue
        page.set_viewport_size(WINDOW)
        page.emulate_media(color_scheme="light")
        assert barriers(page) == [], view
        page.emulate_media(color_scheme="dark")
        assert barriers(page, "color-contrast") == [], view
    page.set_viewport_size(WINDOW)
    page.get_by_role("button", name="Keyboard").click()
    assert barriers(page) == []
    page.emulate_media(color_scheme=None)
    assert len(desk.watch.complaints()) == len(("404 of sites/no", "400 of ?period=x"))


def test_axe_would_find_a_barrier(read: Desk) -> None:
    """A field that nobody named."""
    read.open(READ)
    read.page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert len(barriers(read.page)) == 1


def test_the_keyboard_alone_does_it_all(read: Desk) -> None:
    """Periods, comparison, filters, and a list of the keys; nothing happens while one types."""
    page = read.page
    read.open(READ)
    page.keyboard.press("w")
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=7d")
    page.keyboard.press("x")
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=7d&compare=none")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("from="))
    page.keyboard.press("d")
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=day&compare=none")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="What")).to_be_focused()
    page.get_by_label("Value", exact=True).press_sequentially("/read/w")
    page.keyboard.press("Enter")
    expect(page.locator(".chip strong")).to_have_text("/read/w")
    page.keyboard.press("Escape")
    expect(page.locator(".chip")).to_have_count(0)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("12 months")).to_be_visible()
    page.keyboard.press("w")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_chart_can_be_read_value_by_value(read: Desk) -> None:
    """With the arrow keys; each value is shown and announced politely; Esc leaves."""
    page = read.page
    read.open(READ)
    plot = page.locator(".plot")
    plot.focus()
    page.keyboard.press("Home")
    expect(page.locator(".at.on")).to_have_count(1)
    expect(page.locator("#said")).to_contain_text("00:00\N{EN DASH}01:00")
    expect(page.locator("#said")).to_have_attribute("role", "status")
    page.keyboard.press("End")
    now = page.locator(".at text").last.text_content()
    expect(page.locator("#said")).to_have_text(str(now))
    page.keyboard.press("Escape")
    expect(page.locator(".at.on")).to_have_count(0)
    page.locator(".at").first.hover(position={"x": 1, "y": 60})
    expect(page.locator(".at.on text")).to_contain_text("00:00\N{EN DASH}01:00")


def test_many_values_are_read_as_few_are(read: Desk) -> None:
    """Nothing lies over 201 of them until somebody comes near; then all of it, in its place."""
    page = read.page
    page.goto(f"{DASHBOARD}sites/{READ}?period=28d")  # which does not renew itself meanwhile
    values = [None, *range(200)]
    points = [Point(each, each != 199, "", Tick.NONE, f"it is {each}") for each in values]
    page.mouse.move(0, 0)
    plot = page.locator(".plot")
    for is_pointed_at in (False, True):
        page.evaluate(_REDRAW, time_series(points, Unit.COUNT, "", ""))
        assert page.locator(".at").count() == 0
        if is_pointed_at:
            plot.hover()
        else:
            plot.press("Home")
        expect(page.locator(".at")).to_have_count(200)
        assert page.evaluate(_CURSORS) == [240, 142.98, 44.98]  # of 0, 99 and 199 up to 200
    plot.focus()
    for key, said in (("Home", "it is 0"), ("End", "it is 199"), ("ArrowLeft", "it is 198")):
        page.keyboard.press(key)
        expect(page.locator("#said")).to_have_text(said)
        expect(page.locator(".at.on text")).to_have_text(said)
    page.keyboard.press("Escape")


def test_a_click_on_a_row_filters_and_one_with_alt_shows_all_others(read: Desk) -> None:
    """With a script as without; with Ctrl, beside; a menu closes when one clicks beside it."""
    page = read.page
    read.open(READ)
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("heading", name="Popular pages").click()
    expect(page.get_by_label("Value", exact=True)).to_be_hidden()
    page.get_by_role("link", name="/read/a", exact=True).click(modifiers=["Alt"])
    expect(page.locator(".chip")).to_contain_text("is not")
    expect(page.get_by_role("link", name="/read/a", exact=True)).to_have_count(0)
    page.get_by_role("link", name="is not", exact=True).click()
    expect(page.get_by_role("link", name="/read/b", exact=True)).to_have_count(0)
    shown = page.url
    with page.context.expect_page() as beside:
        page.get_by_role("link", name="7 days", exact=True).click(modifiers=["Control"])
    expect(beside.value).to_have_url(re.compile("period=7d"))
    beside.value.close()
    assert page.url == shown


def test_a_choice_leads_back_to_the_view_that_is_shown(read: Desk) -> None:
    """Though the foot of the page is that of the view before."""
    page = read.page
    read.open(READ)
    page.get_by_role("link", name="28 days").click()
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=28d")
    for name, dark in (("Dark", 1), ("As the system", 0)):
        page.get_by_role("button", name=name).click()
        expect(page.locator("html[data-theme=dark]")).to_have_count(dark)
        expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=28d")


def test_a_theme_is_chosen_without_a_script(read: Desk, scriptless: Page) -> None:
    """And stays on the next page."""
    scriptless.context.add_cookies(read.page.context.cookies())  # type: ignore[arg-type]  # what it returns
    scriptless.goto(f"{DASHBOARD}sites/{READ}?period=7d")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = scriptless.evaluate(paper)
    press(scriptless, "Dark")
    assert scriptless.url == f"{DASHBOARD}sites/{READ}?period=7d"
    assert scriptless.evaluate(paper) != light
    scriptless.goto(DASHBOARD)
    assert scriptless.evaluate(paper) != light


def test_the_first_look_shows_what_matters(read: Desk) -> None:
    """The six numbers and the chart on a laptop, the numbers on a phone; printed, one page."""
    page = read.page
    page.set_viewport_size({"width": 1280, "height": 720})
    read.open(READ)
    assert max(page.evaluate(_ABOVE_THE_FOLD)) <= 720
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(_ABOVE_THE_FOLD)[0] <= 844
    printed = page.pdf(format="A4")
    assert printed.count(b"/Type /Page\n") == 1


def test_a_reason_is_read_to_its_end(read: Desk) -> None:
    """However narrow the page: it is a sentence, not a name that is known by its beginning."""
    read.page.set_viewport_size(NARROW)
    read.open(READ)
    assert read.page.evaluate(_CLIPPED_REASONS) == [0]


def test_another_view_replaces_the_page_in_place(read: Desk) -> None:
    """No reload, no jump; going back works, and the focus stays where it was."""
    page = read.page
    read.open(READ)
    page.evaluate("window.stays = true")
    page.get_by_role("link", name="Channels").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Channels")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Channels")).to_be_focused()
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=day&sources=channel")
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.locator(".chip strong")).to_have_text("Search")
    expect(page.locator("#said")).to_contain_text(READ)
    page.go_back(wait_until="commit")
    expect(page.locator(".chip")).to_have_count(0)
    page.get_by_text("More", exact=True).click()
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_label("To", exact=True).fill("2026-01-02")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nobody was counted in this period")).to_be_visible()
    assert page.evaluate("window.stays")


def test_the_last_click_counts(read: Desk) -> None:
    """What was on its way is given up, also where one goes back, and the same again is no step."""
    page, site = read.page, f"{DASHBOARD}sites/{READ}"
    read.open(READ, "?period=28d")  # which does not renew itself meanwhile
    page.evaluate(_COUNT_ASKED)
    page.route(re.compile(r"period=(?:7|28)d$"), lambda _: None)  # which are never answered
    busy = page.locator("main[aria-busy]")
    page.get_by_role("link", name="7 days", exact=True).click()
    expect(busy).to_have_count(1)
    with page.expect_event("requestfailed") as given_up:
        page.get_by_role("link", name="Pageviews").click()
    assert given_up.value.url == f"{site}?period=7d"
    assert "hx-current-url" not in given_up.value.headers
    expect(busy).to_have_count(0)
    page.get_by_role("link", name="Pageviews").click()
    expect(busy).to_have_count(0)
    page.wait_for_url(f"{site}?period=28d&metric=pageviews")
    page.go_back(wait_until="commit")
    expect(busy).to_have_count(1)
    expect(page).to_have_url(f"{site}?period=28d")
    with page.expect_event("requestfailed") as given_up:
        page.get_by_role("link", name="Bounce rate").click()
    assert given_up.value.url == f"{site}?period=28d"
    expect(page.get_by_role("heading", name="Bounce rate per day")).to_be_visible()
    expect(page).to_have_url(f"{site}?period=28d&metric=bounce_rate")
    expect(busy).to_have_count(0)
    assert page.evaluate("window.asked") == 5
    page.unroute_all()
    page.go_back(wait_until="commit")
    expect(page.get_by_role("heading", name="Visitors per day")).to_be_visible()


def test_a_page_renews_itself_around_who_reads_it(read: Desk, front: Front, section: str) -> None:
    """What is open stays so, what has the focus keeps it; an open menu is nothing to interrupt."""
    page = read.page
    read.open(READ)
    page.get_by_text("These numbers as a table").click()
    page.locator("#sources tbody tr").first.evaluate("(row) => { window.row = row }")
    page.evaluate(_COUNT_ASKED)
    page.get_by_text("Filter", exact=True).click()
    assert page.evaluate(f"window.asked = 0, {_RENEW}, window.asked") == 0
    page.keyboard.press("Escape")
    tab = page.get_by_role("link", name="Entry", exact=True)
    tab.focus()
    front.collector.post(pageview(section, READ), COLLECTOR)
    read.wait_for_page(READ, section)
    page.evaluate(_RENEW)
    expect(page.get_by_role("link", name=section, exact=True)).to_be_visible()
    expect(tab).to_be_focused()
    expect(page.get_by_role("columnheader", name="Bounce rate")).to_be_visible()
    assert page.evaluate("window.row.isConnected")


def test_a_whole_list_opens_over_the_numbers(read: Desk) -> None:
    """Under its own address; going back, Esc and a filter lead where one would look for them."""
    page, site = read.page, f"{DASHBOARD}sites/{READ}"
    shown = "period=day&metric=pageviews"
    page.set_viewport_size(NARROW)  # rows can be clicked anywhere on a phone, too
    read.open(READ, "?metric=pageviews")
    page.evaluate("window.stays = true")
    dialog, search = page.get_by_role("dialog"), page.get_by_role("searchbox")
    details = page.get_by_role("link", name="Details: Page", exact=True)
    details.click()
    expect(dialog.get_by_role("link", name="/read/b", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{site}/by/page?{shown}")
    assert barriers(page) == []
    dialog.get_by_role("link", name="Pageviews").click()
    expect(page).to_have_url(re.compile("sort=-pageviews"))
    expect(dialog.get_by_role("link", name="Pageviews")).to_be_focused()
    search.fill("read/b")
    page.keyboard.press("Enter")
    expect(dialog.locator("tbody tr")).to_have_count(1)
    page.go_back(wait_until="commit")
    expect(search).to_have_value("")
    expect(page).to_have_url(f"{site}/by/page?{shown}&sort=-pageviews")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(f"{site}?metric=pageviews")
    expect(details).to_be_focused()
    page.keyboard.press("?")
    keys = page.locator("#keys dd")
    expect(keys.filter(has_text="Yesterday")).to_be_visible()
    assert keys.filter(has_text=re.compile("^$|Search")).count() == 0  # of the list that is closed
    page.keyboard.press("Escape")
    page.go_forward(wait_until="commit")
    dialog.get_by_role("link", name="/read/b", exact=True).click()
    expect(page.locator(".chip strong")).to_have_text("/read/b")
    expect(dialog).to_be_hidden()
    assert page.evaluate("window.stays")
    page.go_back(wait_until="commit")
    expect(dialog).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=f"{READ}: Pages")).to_be_visible()
    page.keyboard.press("?")
    expect(keys.filter(has_text=re.compile("^Search$"))).to_be_visible()


def test_the_form_offers_the_values_there_are(read: Desk) -> None:
    """Those of the field that is chosen, by their names."""
    page = read.page
    read.open(READ)
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("combobox", name="What").select_option("source")
    page.get_by_label("Value", exact=True).focus()
    expect(page.locator("#values option[value='Google']")).to_have_count(1)


def test_what_happens_now_is_seen_as_it_happens(read: Desk, front: Front, section: str) -> None:
    """By server-sent events, without loading the page again."""
    page = read.page
    read.open(READ)
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Visitors per minute")).to_be_visible()
    expect(page.locator("#live[data-flows]")).to_have_count(1)  # events have come
    page.evaluate("window.stays = true")
    front.collector.post(pageview(section + "breaking", READ), COLLECTOR)
    row = page.get_by_role("region", name="Pages").get_by_text(section + "breaking")
    expect(row).to_be_visible()
    assert page.evaluate("window.stays")
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}")


def test_what_stands_stays_while_there_is_no_answer(read: Desk) -> None:
    """It is told, and a link tries again: of a view, of a list over it, and of a page that watches.

    Where events are refused, the page asks for them again with each time that it renews itself.
    """
    page, gone = read.page, f"{DASHBOARD}sites/{READ}**"
    read.open(READ)
    told, again = page.get_by_text("There is no answer"), page.get_by_role("link", name="Try again")
    page.route(gone, lambda route: route.abort())
    page.get_by_role("link", name="/read/a", exact=True).click()
    expect(told).to_be_visible()
    assert page.locator(".chip").count() == 0
    page.get_by_role("link", name="Details: Source").click()
    expect(again).to_have_attribute("href", re.compile("/by/source"))
    page.get_by_role("link", name="7 days", exact=True).click()
    expect(again).to_have_attribute("href", re.compile("period=7d$"))
    page.unroute(gone)
    again.click()
    expect(page).to_have_url(f"{DASHBOARD}sites/{READ}?period=7d")
    expect(told).to_be_hidden()
    page.route("**/now/events", lambda route: route.fulfill(status=503))
    page.goto(f"{DASHBOARD}sites/{READ}/now")
    expect(page.get_by_text("The connection is lost")).to_be_visible()
    page.unroute("**/now/events")
    page.evaluate("document.dispatchEvent(new Event('htmx:after:request'))")  # or in seconds
    expect(page.get_by_text("The connection is lost")).to_be_hidden()
    assert {*map(_without_cause, read.watch.complaints())} == {"Failed to load resource", "htmx"}
