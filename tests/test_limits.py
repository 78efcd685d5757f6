"""Limits: what one site may have of one day, in events and in values."""

from collections import Counter
from datetime import timedelta

import pytest

from collector import limits
from collector.journal import Event
from collector.limits import MOST_VALUES, OTHER, SiteShare, Values
from tests.application import NOW, SITE, Started, pageview

DAY, NEXT_DAY = "2026-11-24", "2026-11-25"


def event(**values: object) -> Event:
    """Return an event that is empty but for some fields."""
    usual = {"site": 1, "date": DAY, "hour": 0, "at_us": 0, "token": 0}
    return Event(**{**usual, "name": "", "host": "", "path": "", **values})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def make_limits_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three values be the most, and two names of properties."""
    monkeypatch.setattr(limits, "MOST_VALUES", dict.fromkeys(MOST_VALUES, 3))
    monkeypatch.setattr(limits, "MOST_PROPERTIES", 2)
    monkeypatch.setattr(limits, "MOST_PROPERTY_VALUES", 3)


def test_further_values_have_no_room() -> None:
    """Those that are known keep theirs."""
    values = Values(2)
    told = [values.has_room_for(value) for value in ("a", "b", "a", "c", "b", "d")]
    assert told == [True, True, True, False, True, False]


def test_yesterdays_values_have_room_whatever_comes_first() -> None:
    """So that a flood at midnight takes no page its name; but only yesterday's."""
    yesterday = Values(2)
    assert all(map(yesterday.has_room_for, ("a", "b")))
    today = Values(2, yesterday)
    assert all(map(today.has_room_for, ("x", "y", "a", "b")))
    assert not today.has_room_for("z")
    tomorrow = Values(2, today)
    assert all(map(tomorrow.has_room_for, ("1", "2", "x", "y")))
    assert not tomorrow.has_room_for("a")
    assert len(tomorrow.seen) == 2


@pytest.mark.parametrize("field", MOST_VALUES)
def test_each_field_has_its_own_room(field: str) -> None:
    """What is beyond becomes "(other)", and nothing else of the event changes."""
    share = SiteShare(DAY)
    for number in range(3):
        one = event(**{field: f"v{number}"})
        assert share.narrowed(one) is one
    assert share.narrowed(event(**{field: "v3"})) == event(**{field: OTHER})
    others = {other: "new" for other in MOST_VALUES if other != field}
    assert share.narrowed(event(**others, **{field: "v1"})) == event(**others, **{field: "v1"})
    assert share.narrowed(event()) == event()


def test_properties_are_limited_by_name_and_by_value() -> None:
    """A value that is too much keeps its name; a name that is too much takes its value with it."""
    share = SiteShare(DAY)
    for pair in (("a", "1"), ("b", "1"), ("a", "2")):
        assert share.narrowed(event(props=dict([pair]))).props == dict([pair])
    assert share.narrowed(event(props={"a": "2", "b": "3"})).props == {"a": "2", "b": OTHER}
    assert share.narrowed(event(props={"c": "1", "d": "2"})).props == {OTHER: OTHER}


def test_a_flood_of_pages_becomes_one(started: Started) -> None:
    """At the endpoint; each event counts, and on the next day there is room again."""
    with started() as whole:
        for number in range(6):
            assert whole.post(pageview(f"/{number}")).status_code == 202
        whole.clock.turn(days=1)
        for path in ("/6", "/7", "/8", "/1", "/9"):
            whole.post(pageview(path))
        paths = [event.path for event in whole.events()]
        assert paths == ["/0", "/1", "/2", *[OTHER] * 3, "/6", "/7", "/8", "/1", OTHER]
        assert whole.drops() == Counter()


def test_what_a_visitor_is_shown_is_not_counted_among_the_values(started: Started) -> None:
    """A look at one's own visit takes nobody's room."""
    with started() as whole:
        for number in range(5):
            referer = {"Referer": f"https://{SITE}/look-{number}"}
            assert f"/look-{number}" in whole.get("/your-visit", referer).text
        whole.post(pageview("/real"))
        assert [event.path for event in whole.events()] == ["/real"]


def test_events_beyond_a_days_limit_are_dropped(started: Started) -> None:
    """Of that site, until its own midnight; also when the sites change meanwhile."""
    sites = {SITE: "Europe/Berlin", "example.org": "UTC"}
    with started(daily_limit=2, sites=sites, now=NOW + timedelta(hours=12, minutes=30)) as whole:
        for _ in range(4):
            assert whole.post(pageview("/")).status_code == 202
        whole.post(pageview("/", "example.org"), host="example.org")
        whole.composed.ingest.know(whole.composed.control.sites(), {})
        whole.post(pageview("/"))
        whole.clock.turn(minutes=29)
        whole.post(pageview("/"))
        whole.clock.turn(minutes=1)
        whole.post(pageview("/"))
        dates = [(event.site, event.date) for event in whole.events()]
        assert dates == [(1, DAY), (1, DAY), (2, DAY), (1, NEXT_DAY)]
        assert whole.drops() == Counter(daily_limit=4)


def test_a_site_that_is_removed_is_forgotten(started: Started) -> None:
    """With all that is known about its day."""
    with started(daily_limit=1) as whole:
        whole.post(pageview("/"))
        whole.composed.control.remove_site(SITE, NOW)
        whole.composed.ingest.know((), {})
        whole.composed.control.add_site(SITE, "UTC", NOW)
        whole.composed.ingest.know(whole.composed.control.sites(), {})
        whole.post(pageview("/"))
        assert [event.site for event in whole.events()] == [1, 2]
