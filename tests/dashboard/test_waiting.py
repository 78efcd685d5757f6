"""A site without events."""

import pytest

from dashboard.app import Finding
from tests.dashboard.reading import MINUTE, Markup, site_page, tiles
from tests.editors import Newsroom, pageview


def test_a_site_without_events_shows_its_snippet_and_waits(room: Newsroom) -> None:
    """The snippet is text to copy; the page looks again by itself, also without scripts."""
    room.site()
    page = site_page(room)
    assert "&lt;script defer src=" in page
    assert "Waiting for the first event" in page
    assert "Nothing in the request for this page speaks against" in page
    assert 'hx-trigger="every 3s"' in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    site = room.control.site("example.com")
    assert site is not None
    room.count(pageview(site, 1, MINUTE))
    assert tiles(site_page(room))["Visitors"] == "1"


@pytest.mark.parametrize("finding", Finding)
def test_what_speaks_against_counting_this_browser_is_named(
    room: Newsroom, finding: Finding
) -> None:
    """With what to do about it."""
    room.site()
    room.parts = {"diagnose": lambda _scope, _site: (finding,)}
    words = Markup(site_page(room)).words
    assert finding.headline in words
    assert finding.advice in words
    assert "Nothing in the request" not in words
