"""Which days a page or a query speaks of, and the hours or days they fall into."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum
from zoneinfo import ZoneInfo

from collector.stats import Dimension, Period

ONE_DAY = timedelta(days=1)
# Bounds that keep date arithmetic and lists of days finite; 5,000 days are Plausible's most.
_FIRST_DATE, _LAST_DATE = date(2000, 1, 1), date(2999, 12, 31)
_MOST_DAYS = 5000
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HALF_HOUR = timedelta(minutes=30)  # the finest step by which a zone's offset changes nowadays


class Preset(StrEnum):
    """A period with a name, relative to today."""

    DAY = "day"
    WEEK = "7d"
    FOUR_WEEKS = "28d"

    def period(self, today: date) -> Period:
        """Return the days this names: today; or the 7 or 28 whole days *before* today.

        Today is left out of the longer ones, since a day that is not over would pull every mean
        and comparison down.

        Source: Plausible's Stats API v2, where `7d` ends yesterday.
        """
        if self is Preset.DAY:
            return Period(today, today)
        length = {Preset.WEEK: 7, Preset.FOUR_WEEKS: 28}[self]
        return Period(today - length * ONE_DAY, today - ONE_DAY)


class PeriodError(ValueError):
    """Two dates that make no period; the message says why."""


def span(first: str, last: str) -> Period:
    """Return the period from one date to another, both as YYYY-MM-DD and both inclusive.

    Raises:
        PeriodError: no dates, in the wrong order, or too far apart.
    """
    period = Period(_date(first), _date(last))
    if period.last < period.first:
        raise PeriodError(f"the last day ({last}) is before the first ({first})")
    if days_in(period) > _MOST_DAYS:
        raise PeriodError(f"at most {_MOST_DAYS:,} days")
    return period


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _FIRST_DATE <= found <= _LAST_DATE:
        raise PeriodError(f"{text!r} is no date; write it as 2026-11-24")
    return found


class State(Enum):
    """How far a stretch of time has come."""

    OVER = "over"
    RUNNING = "running"
    TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour or day of a period.

    `key` is the value of the time dimension; `start` is local to the site and naive.
    """

    key: str
    start: datetime
    state: State


def local_now(now: datetime, timezone: str) -> datetime:
    """Return the wall clock of a site."""
    return now.astimezone(ZoneInfo(timezone))


def days_in(period: Period) -> int:
    """Return how many days a period has."""
    return (period.last - period.first).days + 1


def step(period: Period) -> Dimension:
    """Return the time dimension that suits a period: hours for one day, days for more."""
    return Dimension.HOUR if period.first == period.last else Dimension.DAY


def midnights(period: Period, timezone: str) -> tuple[datetime, datetime]:
    """Return the first moment of a period and the first one after it, in the site's zone."""
    zone = ZoneInfo(timezone)
    end = datetime.combine(period.last + ONE_DAY, time.min, zone)
    return datetime.combine(period.first, time.min, zone), end


def buckets(
    period: Period, dimension: Dimension, timezone: str, now: datetime
) -> tuple[Bucket, ...]:
    """Return every hour or day of a period, in order.

    An hour that the clock skips is left out; one that it repeats is there once.
    """
    starts = (
        _hours(period, timezone)
        if dimension is Dimension.HOUR
        else [
            datetime.combine(period.first + days * ONE_DAY, time.min)
            for days in range(days_in(period))
        ]
    )
    length = timedelta(hours=1) if dimension is Dimension.HOUR else ONE_DAY
    present = local_now(now, timezone).replace(tzinfo=None)
    return tuple(
        Bucket(_key(start, dimension), start, _state(start, length, present)) for start in starts
    )


def _hours(period: Period, timezone: str) -> list[datetime]:
    zone = ZoneInfo(timezone)
    first, end = (moment.astimezone(ZoneInfo("UTC")) for moment in midnights(period, timezone))
    starts: dict[datetime, None] = {}
    moment = first
    while moment < end:
        starts[moment.astimezone(zone).replace(minute=0, second=0, tzinfo=None)] = None
        moment += _HALF_HOUR
    return sorted(starts)


def _key(start: datetime, dimension: Dimension) -> str:
    return f"{start:%Y-%m-%d %H:%M:%S}" if dimension is Dimension.HOUR else f"{start:%Y-%m-%d}"


def _state(start: datetime, length: timedelta, present: datetime) -> State:
    if present < start:
        return State.TO_COME
    return State.RUNNING if present < start + length else State.OVER
