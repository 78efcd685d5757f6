"""The front page: the sites."""

import re

from collector.journal import Drops
from collector.people.accounts import Role
from tests.dashboard.reading import (
    DAY,
    HOUR,
    MINUTE,
    Markup,
    site_page,
)
from tests.editors import Newsroom, pageview


def cards(page: str) -> list[tuple[str, str, str]]:
    """Return each site with its visitors of the last five minutes and of today."""
    pattern = r'class="domain">([^<]+)<.*?class="now">(?:<strong>(\d*)</strong> now)?</span>'
    return re.findall(pattern + r'.*?class="value">([^<]+)<', page, re.DOTALL)


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
    assert cards(page) == [("a.example", "1", "1"), ("b.example", "1", "2")]
    assert 'http-equiv="refresh"' not in page  # one may be typing what one looks for
    assert '<a href="">Renew</a>' in page
    assert "All sites" in room.editor().get("/sites/b.example").text


def test_who_owns_all_sites_is_told_how_to_add_another(room: Newsroom) -> None:
    """Nobody else is."""
    room.site("a.example")
    room.site("b.example")
    how = "<code>gatecount site add example.com</code>"
    assert how in room.editor().get("/").text
    assert how not in room.editor("viewer@example.com", Role.VIEWER).get("/").text


def test_a_site_without_events_waits_for_the_first(room: Newsroom) -> None:
    """It says so where numbers would be; one that nobody has visited for long has none of today."""
    room.site("new.example")
    old = room.site("old.example")
    room.count(pageview(old, 1, 60 * DAY))
    page = room.editor().get("/").text
    assert page.count("Waiting for the first event") == 1
    assert Markup(page).words.count("visitors today") == 1
    assert page.count('class="spark') == 1


def test_sites_can_be_searched_and_sorted(room: Newsroom) -> None:
    """By visitors of four weeks unless one says else; each with how it has changed."""
    many, few, none = (room.site(f"{name}.example") for name in ("many", "few", "none"))
    room.count(
        *(pageview(many, token, 2 * DAY) for token in range(6)),
        *(pageview(many, token, 30 * DAY) for token in range(4)),
        pageview(many, 1, 60 * DAY),
        *(pageview(few, token, 2 * DAY) for token in range(2)),
        pageview(few, 1, MINUTE),
        pageview(none, 1, 60 * DAY),
        Drops(site=0, date="2026-11-24", reason="unknown_site", count=1_300),
    )
    editor = room.editor()
    words = Markup(editor.get("/").text).words
    assert "6 in 28 days, +50% from 4" in words
    assert "1,300 events of the last 28 days named a site that is not registered" in words
    for sort, order in (
        ("visitors", ["many", "few", "none"]),
        ("current", ["few", "many", "none"]),
        ("name", ["few", "many", "none"]),
        ("nonsense", ["many", "few", "none"]),
    ):
        found = [domain for domain, *_ in cards(editor.get(f"/?sort={sort}").text)]
        assert found == [f"{name}.example" for name in order], sort
    assert [domain for domain, *_ in cards(editor.get("/?q=NY").text)] == ["many.example"]
    assert "No site is called “&lt;b&gt;”." in editor.get("/?q=<b>").text


def test_what_was_counted_for_a_part_of_the_time_is_no_measure(room: Newsroom) -> None:
    """Four days of the weeks before would make any site grow; its line begins with its counting."""
    young, younger = room.site("young.example"), room.site("younger.example")
    room.count(
        *(pageview(young, token, 2 * DAY) for token in range(6)),
        *(pageview(young, token, 30 * DAY) for token in range(4)),
        *(pageview(younger, token, days * DAY) for token, days in enumerate((1, 2, 3))),
    )
    page = room.editor().get("/").text
    words = Markup(page).words
    assert "6 in 28 days" in words
    assert "3 in 28 days" in words
    assert "from 4" not in words
    lines = re.findall(r'<polyline class="line" points="([^"]+)"', page)
    assert [len(line.split()) for line in lines] == [28, 3]


def test_a_list_that_takes_too_long_says_so_beside_each_site(room: Newsroom) -> None:
    """The sites can be gone to all the same."""
    room.site("a.example")
    room.site("b.example")
    slow = Newsroom(room.folder, room.control, room.store, parts={"limit_s": 0})
    page = slow.editor().get("/").text
    assert page.count("This took longer than 0 s.") == 2
    assert 'href="/sites/b.example"' in page
