"""A period hour by hour or day by day: the points of the chart and the rows of its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.question import Dimension, Row
from dashboard import formats
from dashboard.charts import Point, Tick
from dashboard.measures import Measure, Totals
from dashboard.periods import Bucket, State

_DAILY_NAMES = 10  # up to so many days each is named below the chart,
_NARROW_NAMES = 5  # of them up to so many fit on a phone, else every other one,
_WEEKLY_NAMES = 70  # up to so many the Mondays are, and beyond that the first of each month
_MONDAY = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """One hour or day with its numbers."""

    bucket: Bucket
    totals: Totals
    hourly: bool

    @property
    def name(self) -> str:
        """The hour or day in full."""
        start = self.bucket.start
        if not self.hourly:
            return formats.short_day(start)
        return f"{start:%H:%M}\N{EN DASH}{start + timedelta(hours=1):%H:%M}"

    @property
    def started(self) -> bool:
        """Whether there can be numbers at all."""
        return self.bucket.state is not State.TO_COME

    @property
    def running(self) -> bool:
        """Whether it is not over yet."""
        return self.bucket.state is State.RUNNING

    def readout(self, measure: Measure) -> str:
        """Say what the measure was: `13:00-14:00 so far: 42 visitors`."""
        so_far = " so far" if self.running else ""
        noun = _noun(measure, self.totals)
        return f"{self.name}{so_far}: {measure.written(self.totals)} {noun}".rstrip()


def _noun(measure: Measure, totals: Totals) -> str:
    if measure in {Measure.VISITORS, Measure.VISITS, Measure.PAGEVIEWS}:
        return measure.value.removesuffix("s") if measure.of(totals) == 1 else measure.value
    return {Measure.VIEWS_PER_VISIT: "views per visit", Measure.BOUNCE_RATE: "bounced"}.get(
        measure, ""
    )


def moments(
    rows: Sequence[Row], buckets: Sequence[Bucket], dimension: Dimension
) -> tuple[Moment, ...]:
    """Lay the rows of a report out over all hours or days of its period up to now."""
    found = {row.dimensions[0]: row for row in rows}
    return tuple(
        Moment(bucket, Totals.of(found.get(bucket.key)), dimension is Dimension.HOUR)
        for bucket in buckets
    )


def points(line: Sequence[Moment], measure: Measure) -> tuple[Point, ...]:
    """Return what the chart draws of a measure; what is to come has no value."""
    return tuple(_point(moment, measure, len(line)) for moment in line)


def _point(moment: Moment, measure: Measure, steps: int) -> Point:
    to_come = moment.bucket.state is State.TO_COME
    label, tick = _hour_label(moment) if moment.hourly else _day_label(moment.bucket.start, steps)
    return Point(
        value=None if to_come else measure.of(moment.totals),
        finished=not moment.running,
        label=label,
        tick=tick,
        readout=moment.readout(measure),
    )


def _hour_label(moment: Moment) -> tuple[str, Tick]:
    hour = moment.bucket.start.hour
    if hour % 3:
        return "", Tick.NONE
    return f"{hour:02}:00", Tick.MINOR if hour % 6 else Tick.MAJOR


def _day_label(start: datetime, steps: int) -> tuple[str, Tick]:
    if steps <= _DAILY_NAMES:
        gives_way = steps > _NARROW_NAMES and start.toordinal() % 2
        return f"{start:%a} {start.day}", Tick.MINOR if gives_way else Tick.MAJOR
    if steps <= _WEEKLY_NAMES:
        if start.weekday() != _MONDAY:
            return "", Tick.NONE
        return f"{start.day} {start:%b}", Tick.MAJOR
    if start.day != 1:
        return "", Tick.NONE
    return (
        f"{start:%b %Y}" if start.month == 1 else f"{start:%b}",
        Tick.MAJOR if start.month % 3 == 1 else Tick.MINOR,
    )
