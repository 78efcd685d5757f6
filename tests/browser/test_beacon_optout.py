"""Whoever objects sends nothing, in a real Chromium (promise P10)."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import go_back
from tests.browser.conftest import Notes
from tests.browser.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable


def signal(name: str, value: str) -> str:
    """Return the script that makes a browser send a signal, as its settings would."""
    getter = f"get: () => {value}, configurable: true"
    return f"Object.defineProperty(Navigator.prototype, '{name}', {{ {getter} }})"


def cookie(name: str, value: str = "1") -> str:
    """Return the script that sets a cookie as the opt-out page's answer does."""
    return f"document.cookie = '{name}={value}; Path=/; Secure; SameSite=Lax'"


OBJECTIONS = {
    "cookie": cookie("gatecount-optout"),
    "__Host- cookie": cookie("__Host-gatecount-optout"),
    "cookie of value 0": cookie("gatecount-optout", "0"),
    "empty cookie": cookie("gatecount-optout", ""),
    "cookie between others": cookie("a") + ";" + cookie("gatecount-optout") + ";" + cookie("z"),
    "global privacy control": signal("globalPrivacyControl", "true"),
    "do not track": signal("doNotTrack", "'1'"),
    "do not track of old": signal("doNotTrack", "'yes'"),
}
NO_OBJECTIONS = {
    "nothing": "0",
    "another name's end": cookie("xgatecount-optout"),
    "another name's beginning": cookie("gatecount-optout-not"),
    "another prefix": cookie("__Secure-gatecount-optout"),
    "the name in a value": cookie("a", "gatecount-optout=1"),
    "the name in a value after a space": cookie("a", "b gatecount-optout=1"),
    "the name in other letters": cookie("Gatecount-Optout"),
    "no privacy control": signal("globalPrivacyControl", "false"),
    "do not track 0": signal("doNotTrack", "'0'"),
    "do not track unspecified": signal("doNotTrack", "'unspecified'"),
    "do not track null": signal("doNotTrack", "null"),
}

# Takes back whatever was set above.
FORGET = """
    for (const cookie of document.cookie.split("; ")) {
        document.cookie = cookie.split("=")[0] + "=; Path=/; Secure; Max-Age=0"
    }
    delete Navigator.prototype.globalPrivacyControl
    const nothing = { get: () => null, configurable: true }
    Object.defineProperty(Navigator.prototype, "doNotTrack", nothing)
"""

# One more request, after which nothing is under way.
FENCE = "fetch('/fence').then(() => 0)"

# All that a visit sends when nobody objects.
WHOLE_VISIT = ["Download", "Early", *["engagement"] * 3, *["pageview"] * 3]


def visit(page: Page, recorder: Recorder, object_by: str = "", object_at: str = "") -> None:
    """Do everything that is counted; object at a stage of it, if at all.

    It ends on a page without the beacon, from which something was fetched after all that was sent.
    """
    stages: dict[str, Callable[[], object]] = {
        "load": lambda: page.goto(recorder.url + "/app?early=Early"),
        "navigate": lambda: page.get_by_text("Two").click(),
        "call": lambda: page.evaluate("gatecount('Download', { file: 'report.pdf' })"),
        "leave": lambda: page.goto(recorder.url + "/nothing?times=0"),
        "return": lambda: go_back(page),
        "end": lambda: page.goto(recorder.url + "/nothing?times=0"),
        "fence": lambda: page.evaluate(FENCE),
    }
    for name, stage in stages.items():
        if name == object_at:
            page.evaluate(object_by)
        stage()


def test_a_visit_without_objection_is_counted_wholly(page: Page, recorder: Recorder) -> None:
    """And `visit` misses nothing, on which the tests below rely."""
    visit(page, recorder)
    recorder.wait_for_names(WHOLE_VISIT)


@pytest.mark.parametrize("objection", ["__Host- cookie", "global privacy control", "do not track"])
def test_an_objection_before_the_page_loads_leaves_no_request(
    page: Page, recorder: Recorder, notes: Notes, objection: str
) -> None:
    """Neither the server sees one nor the browser makes one."""
    page.add_init_script(OBJECTIONS[objection])
    visit(page, recorder)
    assert recorder.posted == []
    assert [request for request in notes.requests if "/event" in request] == []


@pytest.mark.parametrize(
    ("objection", "stage", "sent"),
    [
        ("global privacy control", "navigate", ["Early", "pageview"]),
        ("do not track", "leave", [*WHOLE_VISIT[:2], "engagement", "pageview", "pageview"]),
        ("cookie", "return", [*WHOLE_VISIT[:2], *["engagement"] * 2, *["pageview"] * 2]),
    ],
)
def test_an_objection_on_the_way_stops_the_next_event(
    page: Page, recorder: Recorder, objection: str, stage: str, sent: list[str]
) -> None:
    """Each event asks anew: nothing is sent from the moment of the objection on."""
    visit(page, recorder, OBJECTIONS[objection], stage)
    recorder.wait_for_names(sent)


def test_objections_are_told_from_what_only_looks_like_one(page: Page, recorder: Recorder) -> None:
    """The cookie's name is compared whole, its value not at all, and signals have set values."""
    page.goto(recorder.url + "/app")
    for name, script in {**OBJECTIONS, **NO_OBJECTIONS}.items():
        page.evaluate(script)
        page.evaluate("name => gatecount(name)", name)
        page.evaluate(FORGET)
    page.goto(recorder.url + "/nothing?times=0")
    page.evaluate(FENCE)
    recorder.wait_for_names([*NO_OBJECTIONS, "pageview", "engagement"])


def test_an_objector_is_not_listened_to(page: Page, recorder: Recorder) -> None:
    """No handler is installed, `history` is as it was, and gatecount() may still be called."""
    page.goto(recorder.url + "/nothing?times=0")
    page.evaluate(OBJECTIONS["cookie"])
    page.add_init_script("""
        window.listened = []
        const listen = EventTarget.prototype.addEventListener
        EventTarget.prototype.addEventListener = function (type, ...rest) {
            if (new Error().stack.includes("beacon.js")) listened.push(type)
            return listen.call(this, type, ...rest)
        }
    """)
    page.goto(recorder.url + "/app")
    assert page.evaluate("listened") == []
    assert page.evaluate("Object.keys(history)") == []
    assert page.evaluate("gatecount('Download')") is None
    page.context.clear_cookies()
    page.goto(recorder.url + "/app")
    assert "visibilitychange" in page.evaluate("listened")
    assert page.evaluate("Object.keys(history)") == ["pushState", "replaceState"]


def test_whoever_opts_in_again_is_counted_from_the_next_page_on(
    page: Page, recorder: Recorder
) -> None:
    """Nothing that was done while objecting is sent afterwards."""
    page.goto(recorder.url + "/nothing?times=0")
    page.evaluate(OBJECTIONS["cookie"])
    page.goto(recorder.url + "/app?early=Early")
    page.evaluate("gatecount('Objecting')")
    page.context.clear_cookies()
    page.evaluate("gatecount('Unopened')")
    page.goto(recorder.url + "/about")
    (view,) = recorder.wait_for("pageview")
    assert view["u"] == recorder.url + "/about"
    assert recorder.names() == ["pageview"]


def test_attention_from_before_the_return_is_thrown_away(page: Page, recorder: Recorder) -> None:
    """What was measured while objecting stays unsent after opting in again."""
    page.clock.install(time=0)
    page.goto(recorder.url + "/app")
    page.clock.pause_at(60_000)
    recorder.wait_for("pageview")
    page.evaluate(OBJECTIONS["cookie"])
    page.clock.run_for(5000)
    page.evaluate("history.pushState(null, '', '/app/objecting')")
    page.clock.run_for(7000)
    page.evaluate("history.pushState(null, '', '/app/objecting/still')")
    page.context.clear_cookies()
    page.clock.run_for(1000)
    page.evaluate("history.pushState(null, '', '/app/back')")
    (engagement,) = recorder.wait_for("engagement")
    assert (engagement["u"], engagement["e"]) == (recorder.url + "/app/objecting/still", 1000)
    recorder.wait_for("pageview", 2)
    assert len(recorder.names()) == 3


def test_where_cookies_cannot_be_read_nothing_is_sent(page: Page, recorder: Recorder) -> None:
    """In a sandboxed frame nobody can say whether the visitor objects."""
    page.goto(recorder.url + "/outside?times=0")
    page.evaluate("""
        () => new Promise((loaded) => {
            const frame = document.createElement("iframe")
            frame.sandbox = "allow-scripts"
            frame.src = "/framed"
            frame.onload = loaded
            document.body.append(frame)
        })
    """)
    assert page.frames[1].evaluate("typeof gatecount") == "function"
    assert page.frames[1].evaluate("gatecount('Framed')") is None
    page.goto(recorder.url + "/about")
    recorder.wait_for("pageview")
    assert recorder.names() == ["pageview"]


def test_the_host_beside_the_site_gets_the_cookies_and_the_objection_holds(
    page: Page, recorder: Recorder
) -> None:
    """The collector may stand at stats.site: cookies come along without CORS and its preflight."""
    site, beside = recorder.address("www.site.localhost"), recorder.address("stats.site.localhost")
    address = f"{site}/app?src={beside}/beacon.js"
    page.goto(beside + "/nothing?times=0")
    page.evaluate("document.cookie = 'other=1; Domain=site.localhost; Path=/; Secure'")
    page.goto(address)
    recorder.wait_for("pageview")
    (post,) = recorder.posted
    assert (post.host, post.path) == (beside.removeprefix("http://"), "/api/event")
    assert (post.headers["cookie"], post.headers["sec-fetch-site"]) == ("other=1", "same-site")
    assert recorder.preflights == []

    page.evaluate("document.cookie = 'gatecount-optout=1; Domain=site.localhost; Path=/; Secure'")
    page.goto(address + "&again")
    page.goto(site + "/end?times=0")
    page.evaluate(FENCE)
    assert recorder.names() == ["pageview"]
