"""A period hour by hour or day by day: the points of the chart and the rows of its table."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from markupsafe import Markup

from collector.question import Dimension, Row
from dashboard.drawing.charts import Point, Tick
from dashboard.markup import table_row
from dashboard.question.periods import Bucket, State
from dashboard.words import formats
from dashboard.words.languages import say
from dashboard.words.measures import Measure, Totals

_DAILY_NAMES = 10  # up to so many days each is named below the chart,
_NARROW_NAMES = 5  # of them up to so many fit on a phone, else every other one,
_WEEKLY_NAMES = 70  # up to so many the Mondays are, and beyond that the first of each month
_MONDAY = 0
_HOURS_OF_A_DAY, _DAYS_OF_A_WEEK = 25, 7  # one more where the clock is set back
_MONTHLY_NAMES = 25  # up to so many months each is named
_YEARS_BELOW_A_CHART = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """One hour, day, week or month with its numbers, and those it is compared with.

    `then_name` is when those were.
    """

    bucket: Bucket
    name: str
    totals: Totals
    then: Totals | None = None
    then_name: str = ""

    @property
    def row(self) -> str:
        """The same, and how much of it there is."""
        if self.running:
            return say("{when} so far", when=self.name)
        return say("{when}, in part", when=self.name) if self.is_cut else self.name

    @property
    def counted(self) -> bool:
        """Whether there can be numbers at all."""
        return self.bucket.state not in {State.BEFORE, State.TO_COME}

    @property
    def running(self) -> bool:
        """Whether it is not over yet."""
        return self.bucket.state is State.RUNNING

    @property
    def is_cut(self) -> bool:
        """Whether the period holds only a part of it: the first or the last week or month."""
        return self.bucket.is_cut


@dataclass(frozen=True, slots=True)
class Reader:
    """Writes a measure of many moments."""

    told: Callable[[Totals], str]
    written: Callable[[Totals], str]

    @classmethod
    def of(cls, measure: Measure, least_visitors: int = 0) -> "Reader":
        """Return the one of a measure, in the language of the page."""
        return cls(measure.teller(least_visitors), measure.writer(least_visitors))

    def read(self, moment: Moment) -> str:
        """Say what the measure was: `13:00-14:00 so far: 42 visitors (Mon 23 Nov: 38)`."""
        told = say("{when}: {what}", when=moment.row, what=self.told(moment.totals))
        if moment.then is None:
            return told
        then = self.written(moment.then)
        return say("{told} ({when}: {number})", told=told, when=moment.then_name, number=then)


def name_of(start: datetime, step: Dimension) -> str:
    """Return the name of an hour of a known day, or of a day, week or month of a known year."""
    match step:
        case Dimension.HOUR:
            return f"{start:%H:%M}\N{EN DASH}{start + timedelta(hours=1):%H:%M}"
        case Dimension.WEEK:
            return say("Week from {day}", day=formats.short_day(start))
        case Dimension.MONTH:
            return formats.whole_month(start)
        case _:
            return formats.short_day(start)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of a report, and all the steps of its period."""

    rows: Sequence[Row]
    buckets: Sequence[Bucket]

    def laid_out(self) -> list[tuple[Bucket, Totals]]:
        """Return the numbers of each step, also of those in which nothing happened."""
        found = {row.dimensions[0]: row for row in self.rows}
        return [(bucket, Totals.of(found.get(bucket.key))) for bucket in self.buckets]


def moments(now: Stretch, then: Stretch | None, step: Dimension) -> tuple[Moment, ...]:
    """Lay a report out over all steps of its period, each beside that of the other period.

    The other period may be shorter, and clocks may skip one of its hours.
    """
    several = len(now.buckets) > _HOURS_OF_A_DAY
    others = {} if then is None else dict(zip(_places(then, step), then.laid_out(), strict=True))
    line = []
    for place, (bucket, totals) in zip(_places(now, step), now.laid_out(), strict=True):
        moment = Moment(bucket, _full_name(bucket.start, step, several), totals)
        if place in others:
            other, numbers = others[place]
            moment = replace(moment, then=numbers, then_name=_then_name(other.start, step))
        line.append(moment)
    return tuple(line)


def _places(of: Stretch, step: Dimension) -> Iterable[tuple[int, int]]:
    """Return which day and hour of its period each step is: the how many-th, if it is no hour."""
    if step is not Dimension.HOUR:
        return [(n, 0) for n in range(len(of.buckets))]
    starts = [bucket.start for bucket in of.buckets]
    return [((start.date() - starts[0].date()).days, start.hour) for start in starts]


def _full_name(start: datetime, step: Dimension, is_of_several_days: bool) -> str:  # noqa: FBT001
    name = name_of(start, step)
    is_named = is_of_several_days and step is Dimension.HOUR
    return f"{formats.short_day(start)}, {name}" if is_named else name


def _then_name(start: datetime, step: Dimension) -> str:
    return formats.short_day(start) if step is Dimension.HOUR else name_of(start, step)


def points(
    line: Sequence[Moment],
    step: Dimension,
    measure: Measure,
    least_visitors: int = 0,
    noted: Sequence[date] = (),
) -> tuple[Point, ...]:
    """Return what the chart draws of a measure; what is to come, or was before, has no value.

    Days about which something is noted are marked, each in the step it belongs to.
    """
    starts = [moment.bucket.start.date() for moment in line]
    marked = {bisect_right(starts, day) - 1 for day in noted}
    if len(starts) > 1 and starts[0] == starts[-1]:  # all of it is that day
        marked = set()
    reader = Reader.of(measure, least_visitors)
    return tuple(
        Point(
            measure.of(moment.totals) if moment.counted else None,
            not (moment.running or moment.is_cut),
            *_label(moment.bucket.start, step, len(line)),
            reader.read(moment),
            None if moment.then is None else measure.of(moment.then),
            index in marked,
        )
        for index, moment in enumerate(line)
    )


def rows(line: Sequence[Moment], measure: Measure, least_visitors: int = 0) -> Markup:
    """Return the rows of a table: all measures, then what the one shown is compared with, if any.

    A year of days has thousands of cells, for which a template is too slow.
    """
    writers = [each.writer(least_visitors) for each in Measure]
    write, is_compared = measure.writer(least_visitors), any(each.then for each in line)
    written = []
    for moment in line:
        cells = [write(moment.totals) for write in writers]
        if is_compared:
            cells.append(write(moment.then) if moment.then else "")
        written.append(table_row(moment.row, cells))
    return Markup("").join(written)


def _label(start: datetime, step: Dimension, steps: int) -> tuple[str, Tick]:
    match step:
        case Dimension.HOUR:
            return _hour_label(start, steps)
        case Dimension.WEEK:
            return _week_label(start, steps)
        case Dimension.MONTH:
            return _month_label(start, steps)
        case _:
            return _day_label(start, steps)


def _hour_label(start: datetime, steps: int) -> tuple[str, Tick]:
    if steps > _HOURS_OF_A_DAY:  # of several days each midnight
        gives_way = steps > _NARROW_NAMES * _HOURS_OF_A_DAY and start.toordinal() % 2
        tick = Tick.MINOR if gives_way else Tick.MAJOR
        return (formats.weekday_and_day(start), tick) if start.hour == 0 else ("", Tick.NONE)
    if start.hour % 3:
        return "", Tick.NONE
    return f"{start:%H}:00", Tick.MINOR if start.hour % 6 else Tick.MAJOR


def _week_label(start: datetime, steps: int) -> tuple[str, Tick]:
    if steps > _DAILY_NAMES:  # only the first week of a month
        is_first = start.day <= _DAYS_OF_A_WEEK and start.weekday() == _MONDAY
        return _month_label(start, steps // 4) if is_first else ("", Tick.NONE)
    return formats.day_and_month(start), Tick.MAJOR if steps <= _NARROW_NAMES else Tick.MINOR


def _month_label(start: datetime, steps: int) -> tuple[str, Tick]:
    if steps > _MONTHLY_NAMES:  # of many years each January
        is_named = start.month == 1 and not start.year % max(1, steps // _YEARS_BELOW_A_CHART // 12)
        return (f"{start:%Y}", Tick.MAJOR) if is_named else ("", Tick.NONE)
    name = formats.month(start, has_year=start.month == 1)
    return name, Tick.MAJOR if start.month % 3 == 1 else Tick.MINOR


def _day_label(start: datetime, steps: int) -> tuple[str, Tick]:
    if steps <= _DAILY_NAMES:
        gives_way = steps > _NARROW_NAMES and start.toordinal() % 2
        return formats.weekday_and_day(start), Tick.MINOR if gives_way else Tick.MAJOR
    if steps <= _WEEKLY_NAMES:
        if start.weekday() != _MONDAY:
            return "", Tick.NONE
        return formats.day_and_month(start), Tick.MAJOR
    return ("", Tick.NONE) if start.day != 1 else _month_label(start, steps // 30)
