"""The dashboard as editors see it: with scripts and without, wide and narrow, full and empty."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from playwright.sync_api import Browser, Page, ViewportSize, expect

from dashboard.parts import Finding
from tests.browser.endtoend.desk import Desk, Watch, follow, kept, log_in, press, sticks_out
from tests.browser.endtoend.website import (
    BESIDE,
    DASHBOARD,
    FRESH,
    HOSTILE,
    PLAIN,
    QUIET,
    UNREACHED,
    Front,
)
from tests.serving import pageview

COLLECTOR = {"Host": "stats.example.net"}
NARROW: ViewportSize = {"width": 320, "height": 640}
UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true })"
PLANT = "document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=alert(1)>')"
RENEW = "document.querySelector('main').dispatchEvent(new Event('every'))"
IMAGE = "\"><img src=x onerror=alert('image')>"
ALERTS = (
    "<script>alert('script')</script>",
    IMAGE,
    "'-alert('quotes')-'",
    "</title></style></textarea><svg onload=alert('svg')>",
    '" onmouseover="alert(1)" autofocus onfocus="alert(2)" x="',
    "<iframe srcdoc=\"<script>parent.alert('frame')</script>\">",
    "<a href=javascript:alert('link')>here</a>",
    "&lt;script&gt;alert('entities')&lt;/script&gt;",
    "{{ 7 * 7 }}${alert('template')}",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.<b>exe",
)
DIMENSIONS = (
    *("event:page", "event:name", "event:hostname", "visit:source", "visit:referrer"),
    *("visit:utm_campaign", "visit:country", "visit:browser"),
)
# What hostile markup would have become, had it not been shown as text.
_FOREIGN = """() => [...document.querySelectorAll("*")].filter((element) =>
    element.matches("script:not([src^='/assets/']), style, iframe, img, b, textarea")
    || [...element.attributes].some(({ name, value }) =>
        name.startsWith("on") || name === "style" || /^\\s*javascript:/i.test(value))
).map((element) => element.outerHTML)"""


def log_in_also(page: Page, desk: Desk) -> None:
    """Let another browser take over an editor's login."""
    page.context.add_cookies(desk.page.context.cookies())  # type: ignore[arg-type]  # what it returns


def test_logging_in_and_out(page: Page, notes: Watch, desk: Desk) -> None:
    """A wrong password is told so; the right one leads to where one wanted to go."""
    page.goto(f"{DASHBOARD}sites/{QUIET}")
    with page.expect_console_message(lambda message: "status of 403" in message.text):
        log_in(page, "not-the-password-of-it")
    assert page.get_by_role("alert").inner_text() == "That is not an account with its password."
    assert len(notes.complaints()) == 1
    log_in(page)
    expect(page.get_by_role("heading", name=QUIET)).to_be_visible()
    assert kept(page) == {}
    press(page, "Log out")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    names = [cookie["name"] for cookie in page.context.cookies()]
    assert names == ["__Host-gatecount-device"]


def test_who_is_logged_out_meanwhile_logs_in_anew(
    page: Page, notes: Watch, desk: Desk, front: Front, section: str
) -> None:
    """The whole page goes to the form, whether one clicks or it renews itself."""
    front.collector.post(pageview(section, PLAIN), COLLECTOR)
    desk.wait_for_page(PLAIN, section)
    for gone_by in ("document.querySelector('[rel=prev]').click()", RENEW):
        log_in_also(page, desk)
        page.goto(f"{DASHBOARD}sites/{PLAIN}?period=day")
        page.context.clear_cookies()
        page.evaluate(gone_by)
        expect(page.get_by_label("E-mail address")).to_be_focused()
        assert page.locator("main").count() == 1
        assert page.url.startswith(f"{DASHBOARD}login")
    assert notes.complaints() == []


def test_over_tls_the_login_cookie_belongs_to_this_host_alone(desk: Desk) -> None:
    """No neighbour may plant one, no script may read it, and it never goes over plain HTTP."""
    names = set()
    for cookie in desk.page.context.cookies():
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        assert cookie["secure"]
        names.add(cookie["name"])
    assert names == {"__Host-gatecount-device", "__Host-gatecount-login"}


def test_the_waiting_panel_shows_the_snippet_and_copies_it(desk: Desk) -> None:
    """It is the very line that the sites of these tests embed."""
    page = desk.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.open(QUIET)
    assert page.locator("#snippet").inner_text() == BESIDE.snippet
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == BESIDE.snippet
    assert "Nothing in the request for this page speaks against" in page.inner_text("main")


def test_the_waiting_panel_tells_who_opted_out(page: Page, desk: Desk) -> None:
    """The cookie of the common domain comes along to the dashboard, too."""
    log_in_also(page, desk)
    page.goto(BESIDE.counter + "opt-out")
    press(page, "Do not count my visits")
    page.goto(f"{DASHBOARD}sites/{QUIET}")
    assert Finding.OPTED_OUT.headline in page.inner_text(".findings")


def test_the_waiting_panel_tells_of_a_site_that_no_public_url_is_for(desk: Desk) -> None:
    """Its events would be of a third party."""
    desk.open(UNREACHED)
    assert "by a host that is unknown to the site" in desk.page.inner_text(".findings")


def test_a_first_event_turns_the_waiting_panel_into_numbers(
    page: Page, scriptless: Page, desk: Desk, section: str
) -> None:
    """By themselves, with scripts and without."""
    desk.open(FRESH)
    log_in_also(scriptless, desk)
    scriptless.goto(f"{DASHBOARD}sites/{FRESH}")
    for waiting in (desk.page, scriptless):
        expect(waiting.get_by_text("Waiting for the first event")).to_be_visible()
    page.goto(f"https://{FRESH}{section}")
    for waiting in (desk.page, scriptless):
        row = waiting.locator(".name").get_by_text(section)
        expect(row).to_be_visible()


def test_the_dashboard_works_without_javascript(
    scriptless: Page, desk: Desk, front: Front, section: str
) -> None:
    """Logging in, choosing a site, a period and a number, unfolding, logging out."""
    front.collector.post(pageview(section, PLAIN), COLLECTOR)
    desk.wait_for_page(PLAIN, section)
    page = scriptless
    page.goto(DASHBOARD)
    log_in(page)
    follow(page, PLAIN)
    expect(page.locator(".name").get_by_text(section)).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("link", name="Pageviews").click()
    expect(page.get_by_role("heading", name="Pageviews per hour")).to_be_visible()
    page.get_by_text("These numbers as a table").click()
    expect(page.get_by_role("columnheader", name="Bounce rate")).to_be_visible()
    follow(page, "Yesterday")  # which does not renew itself: nothing is unfolded in vain
    page.get_by_text("More", exact=True).click()
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_label("To", exact=True).fill("2026-01-02")
    press(page, "Show")
    expect(page.get_by_text("Nobody was counted in this period")).to_be_visible()
    press(page, "Log out")
    expect(page.get_by_label("E-mail address")).to_be_visible()


def test_no_page_for_visitors_is_wider_than_320_pixels(page: Page) -> None:
    """With and without a choice, and where a cookie did not hold."""
    page.set_viewport_size(NARROW)
    page.goto(DASHBOARD + "login")
    assert sticks_out(page) <= 0
    for query in ("", "?set=out"):
        page.goto(f"{BESIDE.counter}opt-out{query}")
        assert sticks_out(page) <= 0
    press(page, "Do not count my visits")
    assert page.url.endswith("?set=out")
    assert sticks_out(page) <= 0


def hostile_posts() -> Iterator[tuple[dict[str, object], dict[str, str]]]:
    """Yield events, and headers, with hostile text in every place that takes any."""
    home = f"https://{HOSTILE}/"
    for text in ALERTS:
        in_header = text.encode("ascii", "ignore").decode()
        plain: dict[str, object] = {"n": "pageview", "u": home}
        yield {**plain, "u": home + text}, {}
        yield {**plain, "u": home + quote(text)}, {}
        yield {**plain, "u": f"https://{text}.{HOSTILE}/"}, {}
        yield {**plain, "d": text}, {}
        yield {**plain, "r": f"https://{text}/"}, {}
        yield {**plain, "r": f"https://{text}.example.edu/{text}"}, {}
        yield {**plain, "r": f"android-app://{text}"}, {}
        yield {**plain, "r": f"javascript:{text}"}, {}
        for tag in ("utm_source", "utm_medium", "utm_campaign", "ref"):
            yield {**plain, "u": f"{home}?{tag}={quote(text)}"}, {}
        yield {**plain, "n": text}, {}
        yield {**plain, "n": "Download", "p": {text: text}}, {}
        yield {**plain, "s": text}, {}
        yield {**plain, "$": {"currency": text, "amount": text}}, {}
        yield plain, {"User-Agent": f"Mozilla/5.0 (X11; {in_header}) {in_header}/1.0"}
        yield plain, {"X-Forwarded-For": in_header}


def follow_a_hostile_row(desk: Desk) -> None:
    """Filter by a row with markup in it: it is text in the chip and in the form, too."""
    row = desk.page.locator("tbody a.name").filter(has_text="<script>").first
    text = row.inner_text()
    row.click()
    expect(desk.page.locator(".chip strong")).to_have_text(text)
    assert desk.page.evaluate(_FOREIGN) == []


def test_hostile_text_is_shown_as_text(browser: Browser, desk: Desk, front: Front) -> None:
    """From every field of an event to the screen: nothing of it runs, nothing becomes markup.

    A second look without the pages' policy shows that it is escaping that holds; there, markup
    that is planted does run, and is noticed.
    """
    for number, (event, headers) in enumerate(hostile_posts()):
        visitor = {"X-Forwarded-For": f"203.0.113.{number % 250}"}
        answer = front.collector.post(event, COLLECTOR | visitor | headers)
        assert answer.status in (202, 400)
    front.collector.post(pageview("/end", HOSTILE), COLLECTOR)
    desk.wait_for_page(HOSTILE, "/end")
    for dimension in DIMENSIONS:
        rows = front.collector.query(site_id=HOSTILE, dimensions=[dimension])
        names = {name for row in rows for name in row["dimensions"]} - {"(not set)", "pageview"}
        # What is empty and what is of a closed list has another name on a page.
        shown = {name.casefold() for name in desk.names(HOSTILE, dimension.partition(":")[2])}
        assert {name for name in names if name.casefold() not in shown} <= {"NZ", "PT"}, dimension
        assert desk.page.evaluate(_FOREIGN) == [], dimension
    assert any("<script>" in path for path in desk.names(HOSTILE, "page"))
    assert any("<script>" in source for source in desk.names(HOSTILE, "source"))
    follow_a_hostile_row(desk)

    context = browser.new_context(bypass_csp=True)
    context.on("page", desk.watch.watch)
    page = context.new_page()
    log_in_also(page, desk)
    for view in (HOSTILE, quote(IMAGE), f"{HOSTILE}?metric={quote(IMAGE)}"):
        page.goto(f"{DASHBOARD}sites/{view}")
        page.evaluate(UNFOLD)
        assert page.evaluate(_FOREIGN) == []
    statuses = re.findall(r"status of (\d+)", " ".join(desk.watch.complaints()))
    assert statuses == ["404", "400"]
    with page.expect_event("dialog"):
        page.evaluate(PLANT)
    assert desk.watch.complaints() == ["1"]
    context.close()


def test_what_a_page_must_not_do_would_be_noticed(page: Page, notes: Watch) -> None:
    """Markup that the policy stops, and what is too wide."""
    page.set_viewport_size(NARROW)
    page.goto(DASHBOARD + "login")
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate(PLANT)
    assert len(page.evaluate(_FOREIGN)) == 1
    assert notes.complaints() != []
    page.evaluate("document.querySelector('h1').append(document.createElement('pre'))")
    page.evaluate("document.querySelector('pre').textContent = 'unbreakable'.repeat(9)")
    assert sticks_out(page) > 0
