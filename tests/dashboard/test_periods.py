"""Which days a page speaks of, and how addresses tell."""

from datetime import UTC, date, datetime

import pytest
from starlette.datastructures import QueryParams

from collector.question import Dimension, Period
from dashboard.question.addresses import View, view_of
from dashboard.question.comparing import finished, same_part
from dashboard.question.periods import PeriodError, Preset, State, buckets, span
from tests.dashboard.reading import DAY, TODAY
from tests.editors import BERLIN, NOW


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        (Preset.DAY, TODAY, TODAY),
        (Preset.WEEK, date(2026, 11, 17), date(2026, 11, 23)),
        (Preset.FOUR_WEEKS, date(2026, 10, 27), date(2026, 11, 23)),
        (Preset.THIRTY_DAYS, date(2026, 10, 25), date(2026, 11, 23)),
        (Preset.QUARTER, date(2026, 8, 25), date(2026, 11, 23)),
        (Preset.MONTH, date(2026, 11, 1), TODAY),
        (Preset.HALF_YEAR, date(2026, 5, 1), date(2026, 10, 31)),
        (Preset.TWELVE_MONTHS, date(2025, 11, 1), date(2026, 10, 31)),
        (Preset.YEAR, date(2026, 1, 1), TODAY),
    ],
)
def test_longer_periods_end_yesterday(preset: Preset, first: date, last: date) -> None:
    """As Plausible's do: a day that is not over would pull every mean down."""
    assert preset.period(TODAY) == Period(first, last)


@pytest.mark.parametrize(
    ("timezone", "day", "hours", "first"),
    [
        (BERLIN, date(2026, 11, 24), 24, "00"),
        (BERLIN, date(2026, 3, 29), 23, "00"),  # 02:00 is skipped
        (BERLIN, date(2026, 10, 25), 24, "00"),  # 02:00 comes twice and is one
        ("America/Santiago", date(2026, 9, 6), 23, "01"),  # midnight is skipped
        ("Australia/Lord_Howe", date(2026, 4, 5), 24, "00"),  # half an hour comes twice
        ("Australia/Lord_Howe", date(2026, 10, 4), 24, "00"),  # and is skipped
        ("America/Santiago", date(2026, 4, 4), 24, "00"),  # 23:00 comes twice
        ("Asia/Kathmandu", date(2026, 11, 24), 24, "00"),  # 5:45 ahead
    ],
)
def test_the_hours_of_a_day_are_those_its_clock_shows(
    timezone: str, day: date, hours: int, first: str
) -> None:
    """Each once and in order."""
    keys = [b.key for b in buckets(Period(day, day), Dimension.HOUR, timezone, NOW)]
    assert len(keys) == hours
    assert keys == sorted(set(keys))
    assert keys[0] == f"{day} {first}:00:00"


def test_a_bucket_is_over_running_or_to_come() -> None:
    """By the site's own clock; an hour is running until its last moment."""
    period = Period(TODAY, TODAY)
    for now, expected in (
        (datetime(2026, 11, 24, 13, 0, tzinfo=UTC), State.RUNNING),
        (datetime(2026, 11, 24, 13, 59, 59, 999_999, tzinfo=UTC), State.RUNNING),
        (datetime(2026, 11, 24, 14, 0, tzinfo=UTC), State.OVER),
        (datetime(2026, 11, 24, 12, 59, 59, tzinfo=UTC), State.TO_COME),
    ):
        hours = {b.start.hour: b.state for b in buckets(period, Dimension.HOUR, BERLIN, now)}
        assert hours[14] is expected


STATES = (
    "",
    "period=day&metric=visits",
    "period=custom&from=2026-11-23&to=2026-11-23",
    "period=7d&step=hour&compare=year",
    "period=all&step=week",
    "period=12mo&f=is,source,Google,Bing&f=contains_not,page,/a%5C,b&sources=channel&compare=none",
    "f=matches,props:file,pdf$&f=done,name,Download&events=props:file",
)


@pytest.mark.parametrize("state", STATES)
def test_an_address_leads_back_to_its_view(state: str) -> None:
    """Nothing of the state is anywhere else."""
    view = view_of(QueryParams(state), TODAY, TODAY - 400 * DAY)
    assert view_of(QueryParams(view.href[1:]), TODAY, TODAY - 400 * DAY) == view


def test_what_goes_without_saying_is_not_in_an_address() -> None:
    """So that addresses stay short; a period keeps its name, and is another one tomorrow."""
    assert _view("period=month&metric=visitors&compare=previous&step=day").href == "?period=month"


def _view(state: str) -> View:
    return view_of(QueryParams(state), TODAY, TODAY - 400 * DAY)


def test_one_can_step_back_and_forth_but_not_into_the_future() -> None:
    """By the length of the period."""
    week = _view("period=7d")
    assert week.earlier() == "?period=custom&from=2026-11-10&to=2026-11-16"
    assert week.later() == "?period=custom&from=2026-11-24&to=2026-11-30"
    assert _view("").later() is None
    assert _view("period=custom&from=2026-11-23&to=2026-11-23").later() == "?period=day"


@pytest.mark.parametrize(
    ("state", "steps", "own"),
    [
        ("period=day", [], "hour"),
        ("period=7d", ["hourly", "daily"], "day"),
        ("period=28d", ["daily", "weekly"], "day"),
        ("period=91d", ["daily", "weekly", "monthly"], "day"),
        ("period=12mo", ["daily", "weekly", "monthly"], "week"),
        ("period=all", ["daily", "weekly", "monthly"], "month"),
        ("period=7d&step=month", ["hourly", "daily"], "day"),
    ],
)
def test_only_steps_that_suit_a_period_are_offered(state: str, steps: list[str], own: str) -> None:
    """A step that does not suit is left out, so that a link to other days always works."""
    view = view_of(QueryParams(state), TODAY, date(2024, 1, 1)) if "all" in state else _view(state)
    found = [link.text for link in view.steps()]
    assert (found if len(found) > 1 else []) == (steps if "all" not in state else found)
    assert view.step.value == f"time:{own}"


@pytest.mark.parametrize(
    ("state", "first", "last"),
    [
        ("period=7d", "2026-11-10", "2026-11-16"),
        ("period=7d&compare=weekdays", "2026-11-10", "2026-11-16"),
        ("period=30d&compare=weekdays", "2026-09-20", "2026-10-19"),
        ("period=7d&compare=year", "2025-11-17", "2025-11-23"),
        ("period=month", "2026-10-01", "2026-10-24"),
        ("period=year", "2025-01-01", "2025-11-24"),
        ("period=day", "2026-11-23", "2026-11-23"),
        ("period=day&compare=weekdays", "2026-11-17", "2026-11-17"),
    ],
)
def test_a_period_is_compared_with_one_of_the_same_length(
    state: str, first: str, last: str
) -> None:
    """The one before, on the same weekdays, or a year ago; months and years by the calendar."""
    other = _view(state).other
    assert other is not None
    assert (other.first.isoformat(), other.last.isoformat()) == (first, last)


def test_a_period_need_not_be_compared() -> None:
    """One can switch that off, and on again."""
    view = _view("compare=none")
    assert view.other is None
    assert view.compare_toggle == "?period=day"


@pytest.mark.parametrize(
    ("state", "hour", "first", "last", "last_hour"),
    [
        ("period=7d", 14, "2026-11-10", "2026-11-16", 23),
        ("period=day", 14, "2026-11-23", "2026-11-23", 13),
        ("period=day", 0, None, None, None),
        ("period=month", 14, "2026-10-01", "2026-10-23", 23),
    ],
)
def test_only_what_is_over_is_compared(
    state: str, hour: int, first: str | None, last: str | None, last_hour: int | None
) -> None:
    """Whole hours of today, whole days of longer periods; nothing where none is over."""
    view = _view(state)
    part = finished(view.period, datetime(2026, 11, 24, hour, 32, tzinfo=UTC))
    if part is None or view.other is None:
        assert first is None
        return
    found = same_part(view.other, view.period, part)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)
    assert found.last_hour == last_hour


@pytest.mark.parametrize(
    ("first", "last", "is_taken"),
    [
        ("2000-01-01", "2000-01-01", True),
        ("1999-12-31", "2000-01-01", False),
        ("2999-12-31", "2999-12-31", True),
        ("2999-12-31", "3000-01-01", False),
        ("2000-01-01", "2013-09-08", True),  # 5,000 days
        ("2000-01-01", "2013-09-09", False),
        ("2026-02-29", "2026-03-01", False),
        ("2026-11-2", "2026-11-24", False),
    ],
)
def test_a_span_has_bounds(first: str, last: str, *, is_taken: bool) -> None:
    """So that no arithmetic of dates overflows."""
    if is_taken:
        assert span(first, last).first.isoformat() == first
    else:
        with pytest.raises(PeriodError):
            span(first, last)
