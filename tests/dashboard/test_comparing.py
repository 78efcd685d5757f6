"""How numbers have changed, in words, in tiles and in the chart."""

import re
from datetime import UTC, date, datetime

import pytest

from collector.question import Dimension, Period, Row
from dashboard.drawing.timeline import Stretch, moments
from dashboard.question.comparing import change_of
from dashboard.question.periods import buckets
from dashboard.words.formats import Unit
from tests.dashboard.reading import DAY, HOUR, MINUTE, Markup, site_page
from tests.editors import Newsroom, pageview


@pytest.mark.parametrize(
    ("now", "then", "unit", "written"),
    [
        (12, 10, Unit.COUNT, "+20%"),
        (5, 10, Unit.COUNT, "\N{MINUS SIGN}50%"),
        (10, 10, Unit.COUNT, "as before"),
        (1001, 1000, Unit.COUNT, "as before"),
        (3, 0, Unit.COUNT, "new"),
        (0, 0, Unit.COUNT, ""),
        (50_000, 10, Unit.COUNT, "+499,900%"),
        (52.4, 50.4, Unit.PER_CENT, "+2 points"),
        (50, 51, Unit.PER_CENT, "\N{MINUS SIGN}1 point"),
        (None, 50, Unit.PER_CENT, ""),
        (60, None, Unit.DURATION, ""),
    ],
)
def test_a_change_is_written_with_its_sign(
    now: float | None, then: float | None, unit: Unit, written: str
) -> None:
    """Per cent in points; from nothing to something is new."""
    assert change_of(now, then, unit) == written


@pytest.fixture(name="compared")
def open_compared(room: Newsroom) -> Newsroom:
    """Count three visitors today, one of them just now, and two yesterday at noon."""
    site = room.site()
    room.count(
        *(pageview(site, token, 3 * HOUR) for token in (1, 2)),
        pageview(site, 3, MINUTE),
        *(pageview(site, token, DAY + 3 * HOUR) for token in (4, 5)),
        *(pageview(site, 6, 40 * DAY) for _ in range(2)),
    )
    return room


def _changes(page: str) -> list[str]:
    found = re.findall(r'<span class="change">(.*?)</span>', page)
    return [Markup(each).words for each in found]


def test_today_is_compared_with_the_same_hours_of_another_day(compared: Newsroom) -> None:
    """The hour that is not over is left out of both, and the page says so."""
    page = site_page(compared)
    assert "against Mon 23 Nov, both until 14:00" in Markup(page).words
    assert _changes(page)[:2] == ["as before until 14:00", "as before until 14:00"]
    assert 'class="line then"' in page
    assert "2 visitors (Mon 23 Nov: 2)" in page
    page = site_page(compared, "?period=custom&from=2026-11-23&to=2026-11-24")
    assert _changes(page)[0] == "new without today"


@pytest.mark.parametrize(
    ("today", "before"),
    [("2026-03-29", "2026-03-28"), ("2026-03-30", "2026-03-29"), ("2026-10-25", "2026-10-24")],
)
def test_an_hour_stands_beside_the_same_hour_of_another_day(today: str, before: str) -> None:
    """Also on days from whose clocks one is missing, or on which one comes twice."""

    def of(day: str) -> Stretch:
        on = date.fromisoformat(day)
        now = datetime(2026, 11, 24, tzinfo=UTC)
        steps = buckets(Period(on, on), Dimension.HOUR, "Europe/Berlin", now)
        rows = [Row((step.key,), (step.start.hour, 1, 1, None, None)) for step in steps]
        return Stretch(rows, steps)

    for each in moments(of(today), of(before), Dimension.HOUR):
        if each.then is None:  # the other day has no such hour
            assert (before, each.bucket.start.hour) == ("2026-03-29", 2)
        else:
            assert each.then.visitors == each.bucket.start.hour


def test_a_whole_period_says_from_what_it_changed(compared: Newsroom) -> None:
    """From nobody to somebody is new; a period from before the counting is not compared with."""
    page = site_page(compared, "?period=custom&from=2026-11-23&to=2026-11-24&compare=year")
    assert "nothing to compare with yet" in Markup(page).words
    assert _changes(page) == []
    page = site_page(compared, "?period=28d")
    assert "against 29 Sep \N{EN DASH} 26 Oct" not in page
    page = site_page(compared, "?period=custom&from=2026-11-22&to=2026-11-23")
    assert "against 20\N{EN DASH}21 Nov" in Markup(page).words
    assert _changes(page)[0] == "new from 0"


def test_without_a_comparison_nothing_is_said_of_one(compared: Newsroom) -> None:
    """Neither in tiles nor in the chart; one can choose what to compare with."""
    page = site_page(compared, "?compare=none")
    assert _changes(page) == []
    assert 'class="line then"' not in page
    assert "The same weekdays before" in page
