"""What a visitor takes back is gone from the dashboard within three seconds."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.endtoend.desk import Desk, follow
from tests.browser.endtoend.website import BARE, BESIDE, Front, Place
from tests.serving import wait_until

SHOWN_WITHIN_S = 3.0
ERASED = "Today\u2019s visits are erased"


@pytest.mark.parametrize("place", [BARE, BESIDE], ids=["below a path", "beside"])
def test_a_visitor_takes_back_what_they_contributed(
    scriptless: Page, page: Page, desk: Desk, front: Front, section: str, place: Place
) -> None:
    """By one button, without JavaScript; a neighbour's visit stays."""
    mine, theirs = section + "mine", section + "theirs"
    page.goto(place.home + mine)
    front.wait_for(place.home + mine, "pageview")
    visitor, front.visitor = front.visitor, "192.0.2.222"
    page.goto(place.home + theirs)
    front.wait_for(place.home + theirs, "pageview")
    page.goto("about:blank")
    front.visitor = visitor
    for path in (mine, theirs):
        desk.wait_for_page(place.site, path)

    scriptless.goto(place.counter + "opt-out")
    scriptless.get_by_role("button", name="Erase").click()
    expect(scriptless.get_by_role("heading", level=1)).to_have_text(ERASED)
    answered_at = time.monotonic()
    wait_until(lambda: not desk.has_page(place.site, mine), "erasing")
    assert time.monotonic() - answered_at < SHOWN_WITHIN_S
    assert desk.has_page(place.site, theirs)
    follow(scriptless, "See your choice")
    assert scriptless.context.cookies() == []
