"""What the beacon counts as a pageview, in a real Chromium."""

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import PlainChromium, go_back
from tests.browser.recorder import RAN, SHOWN, Recorder

MAX_URL_CHARACTERS = 2000


def pages(recorder: Recorder) -> list[str]:
    """Return the addresses of the pageviews so far, without the site's own, in their order."""
    return [view["u"].removeprefix(recorder.url) for view in recorder.events("pageview")]


def open_page(page: Page, recorder: Recorder, path: str) -> None:
    """Open a page and wait until it was counted; else the next pageview could overtake this one."""
    page.goto(recorder.url + path)
    recorder.wait_for("pageview")


def test_a_loaded_page_is_one_pageview(page: Page, recorder: Recorder) -> None:
    """With the address and the referrer, and nothing about the visitor but the window's class."""
    page.goto(recorder.url + "/about#team", referer="https://news.example/today?id=7")
    (view,) = recorder.wait_for("pageview")
    referrer = "https://news.example/today?id=7"
    assert view == {"n": "pageview", "u": recorder.url + "/about", "r": referrer, "s": "md"}


def test_the_next_page_names_the_previous_one(page: Page, recorder: Recorder) -> None:
    """On a multi-page site the referrer is the page that held the link."""
    open_page(page, recorder, "/")
    page.get_by_text("About").click()
    views = recorder.wait_for("pageview", 2)
    assert [view["r"] for view in views] == ["", recorder.url + "/"]


def test_data_domain_and_the_scripts_own_address_are_heeded(page: Page, recorder: Recorder) -> None:
    """Events go to `api/event` beside the script, whatever query string follows its address."""
    page.goto(recorder.url + "/?domain=shop.example&src=/deep/er/beacon.js%3Fv%3D2")
    (view,) = recorder.wait_for("pageview")
    assert view["d"] == "shop.example"
    assert [post.path for post in recorder.posted] == ["/deep/er/api/event"]


def test_including_the_script_twice_counts_once(page: Page, recorder: Recorder) -> None:
    """Two tags, one pageview and one custom event."""
    page.goto(recorder.url + "/?times=2")
    page.evaluate("gatecount('Once')")
    recorder.wait_for("Once")
    page.get_by_text("About").click()
    recorder.wait_for_names(["Once", "engagement", "pageview", "pageview"])


def test_an_address_too_long_for_the_collector_is_cut(page: Page, recorder: Recorder) -> None:
    """An address of 2,001 characters would be refused, and the page not counted at all."""
    page.goto(recorder.url + "/app")
    for excess in (0, 1, 3000):
        address = f"{recorder.url}/app/{excess}?"
        address += "x" * (MAX_URL_CHARACTERS + excess - len(address))
        page.evaluate("address => history.pushState(null, '', address)", address)
    views = recorder.wait_for("pageview", 4)
    assert sorted(len(view["u"]) for view in views)[1:] == [MAX_URL_CHARACTERS] * 3


def test_only_the_class_of_the_windows_width_is_sent(page: Page, recorder: Recorder) -> None:
    """Steps of 512 CSS pixels; the last class is open-ended."""
    classes = {320: "xs", 511: "xs", 512: "sm", 1023: "sm", 1024: "md", 1535: "md", 1536: "lg"}
    classes[3000] = "lg"
    open_page(page, recorder, "/app")
    for count, width_px in enumerate(classes, start=2):
        page.set_viewport_size({"width": width_px, "height": 700})
        page.evaluate("width => history.pushState(0, '', '/app/' + width)", width_px)
        recorder.wait_for("pageview", count)
    sent = {view["u"].rpartition("/")[2]: view["s"] for view in recorder.events("pageview")[1:]}
    assert sent == {str(width_px): name for width_px, name in classes.items()}


def test_single_page_navigation_is_a_pageview_without_referrer(
    page: Page, recorder: Recorder
) -> None:
    """A click that calls pushState, and the way back through popstate."""
    open_page(page, recorder, "/app")
    page.get_by_text("Two").click()
    recorder.wait_for("pageview", 2)
    page.evaluate("history.back()")
    views = recorder.wait_for("pageview", 3)
    assert pages(recorder) == ["/app", "/app/two", "/app"]
    assert ["r" in view for view in views] == [True, False, False]


@pytest.mark.parametrize("method", ["pushState", "replaceState"])
def test_only_another_path_is_another_page(page: Page, recorder: Recorder, method: str) -> None:
    """A changed query or fragment, or the same address again, is still the same page."""
    open_page(page, recorder, "/app")
    for address in ["/app", "/app?tab=2", "#part", "/app/next?tab=1", "/app/next?tab=2"]:
        page.evaluate(f"address => history.{method}(null, '', address)", address)
    recorder.wait_for("pageview", 2)
    page.evaluate("location.hash = 'other'")
    page.evaluate(f"history.{method}(null, '', '/app/end')")
    recorder.wait_for("pageview", 3)
    assert pages(recorder) == ["/app", "/app/next?tab=1", "/app/end"]


def test_a_path_changed_behind_the_scripts_back_is_noticed_later(
    page: Page, recorder: Recorder
) -> None:
    """The prototype's own method is not listened to, but the next scroll shows the change."""
    open_page(page, recorder, "/app")
    page.evaluate("History.prototype.pushState.call(history, null, '', '/app/quiet')")
    page.mouse.wheel(0, 100)
    recorder.wait_for("pageview", 2)
    assert pages(recorder) == ["/app", "/app/quiet"]


def test_a_page_restored_from_the_back_forward_cache_is_a_pageview(
    page: Page, recorder: Recorder
) -> None:
    """It comes back alive, with its variables, and its referrer is not credited again."""
    page.goto(recorder.url + "/", referer="https://news.example/")
    page.evaluate("window.kept = true")
    recorder.wait_for("pageview")
    page.goto(recorder.url + "/about")
    recorder.wait_for("pageview", 2)
    assert go_back(page)
    views = recorder.wait_for("pageview", 3)
    assert page.evaluate("window.kept")
    assert pages(recorder) == ["/", "/about", "/"]
    assert "r" not in views[2]


def test_a_prerendered_page_is_counted_when_it_is_shown(
    plain_chromium: PlainChromium, recorder: Recorder
) -> None:
    """Its pageview and the custom event that was called meanwhile come then, once."""
    plain_chromium.open(recorder.url + "/prerenders")
    recorder.wait_for("pageview", 2)
    (held,) = recorder.wait_for("Held")
    assert RAN in recorder.fetched
    assert pages(recorder) == ["/prerenders", SHOWN]
    assert held["p"] == {"when": "early"}
    assert recorder.fetched.count(SHOWN) == 1


def test_a_prerendered_page_that_is_never_shown_is_not_counted(
    plain_chromium: PlainChromium, recorder: Recorder
) -> None:
    """It has run and is thrown away with its tab; the page that asked for it is left properly."""
    tab = plain_chromium.open(recorder.url + "/prerenders?stay")
    recorder.wait_for_fetch(RAN)
    plain_chromium.open(recorder.url + "/about")
    recorder.wait_for("engagement")
    recorder.wait_for("pageview", 2)
    plain_chromium.close(tab)
    plain_chromium.open(recorder.url + "/end")
    recorder.wait_for("pageview", 3)
    assert pages(recorder) == ["/prerenders?stay", "/about", "/end"]
    assert recorder.events("Held") == []
