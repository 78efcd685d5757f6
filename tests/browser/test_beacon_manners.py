"""Custom events, and how the beacon behaves as a guest in somebody's page, in a real Chromium."""

import json
import re
from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page

from tests.browser.chromium import go_back
from tests.browser.conftest import Notes
from tests.browser.recorder import BEACON, Recorder

# What the script may touch of the page and the browser while it does everything it can (P14).
# `location` cannot be watched: its members can be redefined by nobody.
TOUCHED = {
    *["Document.currentScript", "Document.cookie", "Document.referrer", "Document.documentElement"],
    *["Document.hidden", "Document.hasFocus", "Document.prerendering", "Element.scrollHeight"],
    *["HTMLScriptElement.src", "HTMLElement.dataset"],
    *["EventTarget.addEventListener", "PageTransitionEvent.persisted"],
    *["History.pushState", "History.replaceState"],
    *["Navigator.doNotTrack", "Navigator.sendBeacon", "Performance.now"],
    *["Window.navigator", "Window.performance", "Window.history"],
    *["Window.innerWidth", "Window.innerHeight", "Window.scrollY"],
    *["URL.toString", "URL.toJSON"],
}

# Notes every property and method of every browser interface that beacon.js touches; writing to a
# property ends in "=". It runs before all other scripts.
WATCH = """
    window.touched = []
    const note = (name) => {
        const caller = new Error().stack.split("\\n")[3] || ""
        if (caller.includes("/beacon.js") && !touched.includes(name)) touched.push(name)
    }
    const watch = (owner, label) => {
        for (const [key, was] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
            if (!was.configurable || key === "constructor" || key === "touched") continue
            const { get, set, value } = was
            const now = { ...was }
            if (get) now.get = function () { note(`${label}.${key}`); return get.call(this) }
            if (set) now.set = function (to) { note(`${label}.${key}=`); set.call(this, to) }
            if (typeof value === "function" && !/^[A-Z]/.test(key)) {
                now.value = function (...args) {
                    note(`${label}.${key}`)
                    return value.apply(this, args)
                }
            }
            Object.defineProperty(owner, key, now)
        }
    }
    for (const name of Object.getOwnPropertyNames(window)) {
        const type = Object.getOwnPropertyDescriptor(window, name).value
        const isInterface = typeof type === "function" && /\\[native code\\]/.test(type)
        if (!isInterface || type.prototype?.[Symbol.toStringTag] !== name) continue
        watch(type.prototype, name)
    }
    watch(window, "Window")
"""

# Pages that have broken or frozen something, by what follows "?hostile=" in their address.
HOSTILE_PAGES = """
    const noCookies = { get() { throw new Error("no") } }
    const hostilities = {
        "no sendBeacon": () => { delete Navigator.prototype.sendBeacon },
        "sendBeacon throws": () => { Navigator.prototype.sendBeacon = noCookies.get },
        "sendBeacon refuses": () => { Navigator.prototype.sendBeacon = () => false },
        "frozen history": () => Object.freeze(history),
        "cookies throw": () => Object.defineProperty(document, "cookie", noCookies),
        "signals throw": () => Object.defineProperty(navigator, "doNotTrack", noCookies),
        "no JSON": () => { delete window.JSON },
        "no performance": () => { window.performance = undefined },
        "no URL": () => { delete window.URL },
        "no map": () => { delete Array.prototype.map },
        "another gatecount": () => Object.defineProperty(window, "gatecount", { value() {} }),
        "a queue that is none": () => { window.gatecount = () => {}; gatecount.q = 7 },
        "no root": () => addEventListener("load", () => document.documentElement.remove()),
    }
    const { search } = location
    if (search.startsWith("?hostile=")) hostilities[decodeURIComponent(search.slice(9))]()
"""

AWKWARD_CALLS = """() => {
    const circle = {}
    circle.self = circle
    const calls = [
        [], [undefined], [null], [7], [{}], ["Circle", circle], ["Big", { n: 1n }],
        ["Thrower", { get it() { throw new Error("no") } }], ["Symbol", Symbol("s")],
        ["Options", {}, null], ["Options", {}, "text"], ["Options", {}, 7], ["Function", () => 1],
        ["Options", {}, { get it() { throw new Error("no") } }],
        ["Json", { toJSON() { throw new Error("no") } }], ["Text", "text"],
        ["Long", { text: "x".repeat(1e5) }],
    ]
    return calls.map((call) => gatecount(...call) === undefined)
}"""


def do_everything(page: Page, recorder: Recorder) -> None:
    """Visit in every way the beacon knows."""
    page.goto(recorder.url + "/app?early=Early")
    page.evaluate("gatecount('Download', { file: 'report.pdf' }, { interactive: false })")
    page.mouse.wheel(0, 500)
    page.get_by_text("Two").click()
    page.evaluate("history.replaceState(null, '', '/app/three')")
    page.evaluate("history.back()")
    recorder.wait_for("pageview", 4)
    page.goto(recorder.url + "/about")
    assert go_back(page)
    recorder.wait_for("pageview", 6)


def test_a_custom_event_carries_its_props(page: Page, recorder: Recorder) -> None:
    """It belongs to the page it happened on."""
    page.goto(recorder.url + "/app#part")
    page.evaluate("gatecount('Download', { file: 'report.pdf', pages: 12, free: true })")
    (event,) = recorder.wait_for("Download")
    props = {"file": "report.pdf", "pages": 12, "free": True}
    assert event == {"n": "Download", "u": recorder.url + "/app", "s": "md", "p": props}


def test_the_third_argument_is_more_of_the_event(page: Page, recorder: Recorder) -> None:
    """By long or short names, also in the place of what the script would have sent."""
    page.goto(recorder.url + "/app")
    page.evaluate("gatecount('Progress', {}, { interactive: false, revenue: { amount: 1 } })")
    page.evaluate("u => gatecount('pageview', {}, { u })", recorder.url + "/wizard/2")
    (event,) = recorder.wait_for("Progress")
    assert (event["interactive"], event["revenue"]) == (False, {"amount": 1})
    views = {view["u"] for view in recorder.wait_for("pageview", 2)}
    assert views == {recorder.url + "/app", recorder.url + "/wizard/2"}


def test_calls_before_the_script_are_kept(page: Page, recorder: Recorder) -> None:
    """The page's stub queues them, and they follow the pageview, once."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.goto(recorder.url + "/?early=Signup&times=2")
    (event,) = recorder.wait_for("Signup")
    assert event["p"] == {"when": "early"}
    page.evaluate("gatecount('Last')")
    recorder.wait_for_names(["Last", "Signup", "pageview"])
    assert next(json.loads(text)["n"] for text in sent if text) == "pageview"


def test_nothing_is_stored_printed_or_asked_for_beyond_the_events(
    context: BrowserContext, page: Page, recorder: Recorder, notes: Notes
) -> None:
    """No cookie, no storage, no console message, no violation of a strict policy (promise P13).

    The events are simple POSTs of plain text without a preflight, to `api/event` beside the script.
    """
    do_everything(page, recorder)
    state = context.storage_state(indexed_db=True)
    assert (state["cookies"], state["origins"]) == ([], [])
    assert page.evaluate("[localStorage.length, sessionStorage.length, window.name]") == [0, 0, ""]
    assert page.evaluate("Promise.all([caches.keys(), indexedDB.databases()])") == [[], []]
    assert (notes.console, notes.errors) == ([], [])
    site = {"/app?early=Early", "/about", "/site.js", "/site.css"}
    ours = {"/count/beacon.js", "/count/api/event"}
    asked_for = {url.removeprefix(recorder.url) for url in notes.requests}
    assert asked_for - {"data:,"} == site | ours
    types = {post.headers["content-type"] for post in recorder.posted}
    assert (types, recorder.preflights) == ({"text/plain;charset=UTF-8"}, [])


def test_only_listed_browser_apis_are_touched(page: Page, recorder: Recorder) -> None:
    """Promise P14, seen from the browser's side, while the script does everything it can."""
    page.add_init_script(WATCH)
    do_everything(page, recorder)
    touched = set(page.evaluate("touched"))
    assert touched - TOUCHED == set()
    assert {"Document.cookie", "Navigator.sendBeacon", "Window.innerWidth"} < touched


def test_nothing_is_thrown_into_a_hostile_page(
    page: Page, recorder: Recorder, notes: Notes
) -> None:
    """Whatever a page has broken or frozen, the script fails in silence."""
    page.add_init_script(HOSTILE_PAGES)
    for hostility in re.findall('"(.+)": ', HOSTILE_PAGES):
        page.goto(recorder.url + "/app?hostile=" + quote(hostility))
        page.evaluate("history.pushState(null, '', '/app/two')")
        page.evaluate("dispatchEvent(new Event('scroll'))")
        page.evaluate("dispatchEvent(new Event('blur'))")
        page.evaluate("gatecount('Called')")
        assert (notes.console, notes.errors) == ([], []), hostility
    page.goto(recorder.url + "/end?times=0")
    assert (notes.console, notes.errors) == ([], [])


def test_awkward_calls_return_nothing_and_throw_nothing(
    page: Page, recorder: Recorder, notes: Notes
) -> None:
    """Cycles, throwing getters, too much text: such a call alone is lost."""
    page.goto(recorder.url + "/app")
    assert all(page.evaluate(AWKWARD_CALLS))
    page.evaluate("gatecount('After')")
    recorder.wait_for("After")
    assert not {"Circle", "Big", "Thrower", "Json"} & set(recorder.names())
    assert (notes.console, notes.errors) == ([], [])


def test_the_sites_own_navigation_works_as_before(page: Page, recorder: Recorder) -> None:
    """Arguments, results and errors of the history methods pass through, a wrapper's too."""
    page.add_init_script("""
        const { pushState } = history
        history.pushState = function (...args) { pushState.apply(this, args); return "pushed" }
    """)
    page.goto(recorder.url + "/app")
    assert page.evaluate("history.pushState({ step: 2 }, '', '/app/two')") == "pushed"
    assert page.evaluate("history.state") == {"step": 2}
    refused = "try { history.pushState(0, '', 'https://other.example/') } catch (e) { e.name }"
    assert page.evaluate(refused) == "SecurityError"
    recorder.wait_for("pageview", 2)


def test_a_script_that_does_not_know_its_address_stays_silent(
    page: Page, recorder: Recorder, notes: Notes
) -> None:
    """Copied into a page's console or bundle, it neither sends nor throws."""
    page.goto(recorder.url + "/app?times=0")
    page.evaluate(f"() => {{ {BEACON.read_text('ascii')} }}")
    page.evaluate("gatecount('Called')")
    page.goto(recorder.url + "/about")
    recorder.wait_for("pageview")
    assert recorder.names() == ["pageview"]
    assert (notes.console, notes.errors) == ([], [])
