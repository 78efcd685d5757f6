"""Which days a page or a query speaks of, and the hours or days they fall into."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum
from zoneinfo import ZoneInfo

from collector.question import Dimension, Period
from dashboard.words.languages import say

ONE_DAY = timedelta(days=1)
# Bounds that keep date arithmetic and lists of days finite; 5,000 days are Plausible's most.
_FIRST_DATE, _LAST_DATE = date(2000, 1, 1), date(2999, 12, 31)
_MOST_DAYS = 5000
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_HOUR = 23
_MOST_DAYS_BY_HOUR, _MOST_DAYS_BY_DAY, _MOST_DAYS_BY_WEEK = 2, 40, 190
_HALF_HOUR = timedelta(minutes=30)  # the finest step by which a zone's offset changes nowadays


class Preset(StrEnum):
    """A period with a name, relative to today."""

    DAY = "day"
    WEEK = "7d"
    FOUR_WEEKS = "28d"
    THIRTY_DAYS = "30d"
    QUARTER = "91d"
    MONTH = "month"
    HALF_YEAR = "6mo"
    TWELVE_MONTHS = "12mo"
    YEAR = "year"

    def period(self, today: date) -> Period:
        """Return the days this names: today; so many whole days or months before; or to date.

        Today is left out of `7d` to `91d`, and this month of `6mo` and `12mo`, since what is not
        over would pull every mean and comparison down; `month` and `year` end today.

        Source: Plausible's Stats API v2.
        """
        if self in _DAYS:
            return Period(today - _DAYS[self] * ONE_DAY, today - ONE_DAY)
        if self in _MONTHS:
            this_month = today.replace(day=1)
            return Period(_months_before(this_month, _MONTHS[self]), this_month - ONE_DAY)
        first = {Preset.MONTH: today.replace(day=1), Preset.YEAR: today.replace(month=1, day=1)}
        return Period(first.get(self, today), today)


_DAYS = {Preset.WEEK: 7, Preset.FOUR_WEEKS: 28, Preset.THIRTY_DAYS: 30, Preset.QUARTER: 91}
_MONTHS = {Preset.HALF_YEAR: 6, Preset.TWELVE_MONTHS: 12}


def _months_before(first_of_month: date, months: int) -> date:
    month = first_of_month.year * 12 + first_of_month.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)


def last_24_hours(local: datetime) -> Period:
    """Return the hour that a site's clock shows and the 23 before it."""
    yesterday = local.date() - ONE_DAY
    if local.hour == _LAST_HOUR:
        return Period(local.date(), local.date())
    return Period(yesterday, local.date(), local.hour + 1, local.hour)


def before(period: Period, *, match_weekdays: bool) -> Period:
    """Return the period of the same length just before, or a little earlier to fit weekdays.

    Hours keep their time of day: 24 hours move by one day, although they are parts of two.
    """
    hours = 24 * (days_in(period) - 1) + period.last_hour - period.first_hour + 1
    days = -(-hours // 24)
    return _moved(period, -(-days // 7) * 7 if match_weekdays else days)


def to_weekday(period: Period, of: Period) -> Period:
    """Return a period moved by up to three days, so that it begins on the weekday of another."""
    return _moved(period, (period.first.weekday() - of.first.weekday() + 3) % 7 - 3)


def year_before(period: Period, *, match_weekdays: bool) -> Period:
    """Return the same dates a year ago; or 52 weeks ago, on the same weekdays."""
    if match_weekdays:
        return _moved(period, 364)
    first, last = (_a_year_before(day) for day in (period.first, period.last))
    return Period(first, last, period.first_hour, period.last_hour)


def _moved(period: Period, days: int) -> Period:
    by = days * ONE_DAY
    return Period(period.first - by, period.last - by, period.first_hour, period.last_hour)


def _a_year_before(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


class PeriodError(ValueError):
    """Two dates that make no period; the message says why."""


def span(first: str, last: str) -> Period:
    """Return the period from one date to another, both as YYYY-MM-DD and both inclusive.

    Raises:
        PeriodError: no dates, in the wrong order, or too far apart.
    """
    period = Period(_date(first), _date(last))
    if period.last < period.first:
        raise PeriodError(
            say("the last day ({last}) is before the first ({first})", last=last, first=first)
        )
    if days_in(period) > _MOST_DAYS:
        raise PeriodError(say("at most {n} days", n=_MOST_DAYS))
    return period


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _FIRST_DATE <= found <= _LAST_DATE:
        raise PeriodError(say("{text} is no date; write it as 2026-11-24", text=repr(text)))
    return found


class State(Enum):
    """How far a stretch of time has come."""

    BEFORE = "before"  # anything was counted
    OVER = "over"
    RUNNING = "running"
    TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour or day of a period.

    `key` is the value of the time dimension; `start` is local to the site and naive; `is_cut` tells
    of a week or month of which the period has only a part.
    """

    key: str
    start: datetime
    state: State
    is_cut: bool = False


def local_now(now: datetime, timezone: str) -> datetime:
    """Return the wall clock of a site."""
    return now.astimezone(ZoneInfo(timezone))


def days_in(period: Period) -> int:
    """Return how many days a period has."""
    return (period.last - period.first).days + 1


def time_dimension(period: Period) -> Dimension:
    """Return the steps in which a period is looked at best: at most some 50 of them."""
    days = days_in(period)
    if days <= _MOST_DAYS_BY_HOUR:
        return Dimension.HOUR
    if days <= _MOST_DAYS_BY_DAY:
        return Dimension.DAY
    return Dimension.WEEK if days <= _MOST_DAYS_BY_WEEK else Dimension.MONTH


def step(period: Period) -> Dimension:
    """Return the time dimension that suits a period: hours for one day, days for more."""
    return Dimension.HOUR if period.first == period.last else Dimension.DAY


def bounds(period: Period, timezone: str) -> tuple[datetime, datetime]:
    """Return the first moment of a period and the first one after it, in the site's zone."""
    zone = ZoneInfo(timezone)
    end = datetime.combine(period.last, time.min) + timedelta(hours=period.last_hour + 1)
    return datetime.combine(period.first, time(period.first_hour), zone), end.replace(tzinfo=zone)


def buckets(
    period: Period, dimension: Dimension, timezone: str, now: datetime, began: date | None = None
) -> tuple[Bucket, ...]:
    """Return every hour, day, week or month of a period, in order; `began` is when counting did.

    An hour that the clock skips is left out; one that it repeats is there once. A week begins on
    Monday, the first one with the period.
    """
    starts = _STARTS[dimension](period, timezone)
    ends = [*starts[1:], datetime.combine(period.last + ONE_DAY, time.min)]
    if dimension is Dimension.HOUR:
        ends = [start + timedelta(hours=1) for start in starts]
    present = local_now(now, timezone).replace(tzinfo=None)
    since = datetime.combine(began or date.min, time.min)
    return tuple(
        Bucket(
            _key(start, dimension),
            start,
            State.BEFORE if end <= since else _state(start, end, present),
            is_cut=_is_cut(start, end, period, dimension),
        )
        for start, end in zip(starts, ends, strict=True)
    )


def _days(period: Period, _timezone: str) -> list[datetime]:
    days = range(days_in(period))
    return [datetime.combine(period.first + day * ONE_DAY, time.min) for day in days]


def _weeks(period: Period, timezone: str) -> list[datetime]:
    first, *others = _days(period, timezone)
    return [first, *(day for day in others if day.weekday() == 0)]


def _months(period: Period, _timezone: str) -> list[datetime]:
    month, months = period.first.replace(day=1), []
    while month <= period.last:
        months.append(datetime.combine(month, time.min))
        month = (month + 31 * ONE_DAY).replace(day=1)
    return months


def _hours(period: Period, timezone: str) -> list[datetime]:
    zone = ZoneInfo(timezone)
    first, end = (moment.astimezone(ZoneInfo("UTC")) for moment in bounds(period, timezone))
    starts: dict[datetime, None] = {}
    moment = first
    while moment < end:
        starts[moment.astimezone(zone).replace(minute=0, second=0, tzinfo=None)] = None
        moment += _HALF_HOUR
    return [start for start in sorted(starts) if _is_within(start, period)]


def _is_within(start: datetime, period: Period) -> bool:
    hour = (start.date(), start.hour)
    return (period.first, period.first_hour) <= hour <= (period.last, period.last_hour)


_STARTS = {
    Dimension.HOUR: _hours,
    Dimension.DAY: _days,
    Dimension.WEEK: _weeks,
    Dimension.MONTH: _months,
}


def _key(start: datetime, dimension: Dimension) -> str:
    return start.isoformat(" ") if dimension is Dimension.HOUR else start.date().isoformat()


def _is_cut(start: datetime, end: datetime, period: Period, dimension: Dimension) -> bool:
    if dimension is Dimension.WEEK:
        return (end - start).days < 7  # noqa: PLR2004 - days of a week
    if dimension is Dimension.MONTH:
        return start.date() < period.first or end.day != 1
    return False


def _state(start: datetime, end: datetime, present: datetime) -> State:
    if present < start:
        return State.TO_COME
    return State.RUNNING if present < end else State.OVER
