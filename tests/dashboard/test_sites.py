"""The front page: the sites."""

import re

from tests.dashboard.reading import (
    HOUR,
    MINUTE,
    site_page,
)
from tests.editors import Newsroom, pageview


def test_without_a_site_the_page_says_how_to_add_one(room: Newsroom) -> None:
    """It looks again by itself, also without scripts."""
    page = room.editor().get("/").text
    assert "gatecount site add example.com" in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page


def test_the_only_site_is_the_front_page(busy: Newsroom) -> None:
    """One click less a day; its page then links no list."""
    response = busy.editor().get("/")
    assert (response.status_code, response.headers["location"]) == (303, "/sites/example.com")
    assert "All sites" not in site_page(busy)


def test_several_sites_are_a_list_with_their_visitors_of_today(room: Newsroom) -> None:
    """Each in its own time zone: on Kiritimati it is tomorrow already."""
    near, far = room.site("b.example"), room.site("a.example", "Pacific/Kiritimati")
    room.count(
        pageview(near, 1, MINUTE),
        pageview(near, 2, 6 * HOUR),
        pageview(far, 3, MINUTE),
        pageview(far, 4, 6 * HOUR),  # 21:32 of the day before, there
    )
    page = room.editor().get("/").text
    rows = re.findall(r'href="/sites/([^"]+)">.*?<td>(\d+)</td><td>(\d+)</td>', page)
    assert rows == [("a.example", "1", "1"), ("b.example", "2", "1")]
    assert "All sites" in room.editor().get("/sites/b.example").text
