"""When visitors come: a heat map of weekdays by hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup, escape

from collector.control import Site
from collector.question import Dimension, Metric, Period, Query, Row
from dashboard.addresses import View
from dashboard.asking import Answer, Unanswered
from dashboard.formats import days, number
from dashboard.languages import say, speech
from dashboard.periods import ONE_DAY, days_in

_LEAST_DAYS, _MOST_DAYS = 7, 364  # shorter periods say nothing of weekdays
_USUAL_DAYS: Final = 28
_HOURS: Final = 24
_LEVELS: Final = 5  # of colour
_WEEKDAYS: Final = 7
_NAMES_PX, _CELL_PX, _GAP_PX, _FOOT_PX = 36, 24, 2, 20
_NAMED_EVERY: Final = 6  # hours
_LEAST_TOLD = 0.05  # a mean below that would be written as nothing


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The heat map, the days it speaks of, and its busiest hour in words."""

    drawn: Markup
    days: str
    busiest: str
    problem: str | None = None


def question(view: View, site: Site, began: date) -> Query:
    """Return what has to be asked: the whole days of the period, or of the weeks up to its end.

    Today is none of them, but where counting began with it.
    """
    period = view.period
    last = min(period.last, max(view.today - ONE_DAY, began))
    length = min(days_in(Period(period.first, last)), _MOST_DAYS)
    if length < _LEAST_DAYS:
        length = _USUAL_DAYS
    weeks = Period(min(max(last - (length - 1) * ONE_DAY, began), last), last)
    return Query(site.id, (Metric.VISITORS,), (Dimension.HOUR_OF_WEEK,), weeks, view.filter)


def rhythm(query: Query, answer: Answer) -> Rhythm:
    """Return the mean visitors of each hour of the week."""
    period = query.period
    if isinstance(answer, Unanswered):
        return Rhythm(Markup(""), days(period.first, period.last), "", answer.reason)
    means = _means(answer.rows, period)
    highest = max(max(row) for row in means)
    if not highest:
        return Rhythm(Markup(""), days(period.first, period.last), "")
    hours = ((w, h) for w in range(len(means)) for h in range(_HOURS))
    weekday, hour = max(hours, key=lambda at: means[at[0]][at[1]])
    busiest = say("{when}, {what}", when=_when(weekday, hour), what=_mean(highest))
    return Rhythm(_drawn(means, highest), days(period.first, period.last), busiest)


def _means(rows: Sequence[Row], period: Period) -> list[list[float]]:
    means = [[0.0] * _HOURS for _ in range(_WEEKDAYS)]
    for row in rows:
        weekday, hour = map(int, row.dimensions[0].split())
        means[weekday - 1][hour] = (row.metrics[0] or 0) / _times(weekday, period)
    return means


def _times(weekday: int, period: Period) -> int:
    """Return how often a weekday comes in a period."""
    first = (weekday - period.first.isoweekday()) % _WEEKDAYS
    return len(range(first, days_in(period), _WEEKDAYS))


def _hour(hour: int) -> str:
    return f"{hour:02}:00\N{EN DASH}{hour + 1:02}:00"


def _when(weekday: int, hour: int) -> str:
    return f"{speech().manners.weekdays_alone[weekday]} {_hour(hour)}"


def _mean(value: float) -> str:
    if 0 < value < _LEAST_TOLD:
        return say("under {number} visitors", number=number(0.1, 1))
    return say("{number} visitors", number=number(value, 1 if value < 10 else 0))  # noqa: PLR2004 - two digits


def _told(weekday: int, hour: int, value: float) -> str:
    return say("{when}: {what}", when=_when(weekday, hour), what=_mean(value))


def _drawn(means: Sequence[Sequence[float]], highest: float) -> Markup:
    step = 100 / _HOURS
    size = f'width="{step * 0.92:.2f}%" height="{_CELL_PX - _GAP_PX}"'
    cells = [
        f'<rect class="l{_level(value, highest)}" x="{hour * step:.2f}%" y="{weekday * _CELL_PX}"'
        f" {size}><title>{escape(_told(weekday, hour, value))}</title></rect>"
        for weekday, row in enumerate(means)
        for hour, value in enumerate(row)
    ]
    foot = _WEEKDAYS * _CELL_PX + _FOOT_PX - 6
    hour_names = [
        Markup('<text x="{}%" y="{}">{}</text>').format(f"{hour * step:.2f}", foot, f"{hour:02}:00")
        for hour in range(0, _HOURS, _NAMED_EVERY)
    ]
    day_names = [
        Markup('<text x="0" y="{}">{}</text>').format(number * _CELL_PX + 16, name)
        for number, name in enumerate(speech().manners.weekdays_alone)
    ]
    height = _WEEKDAYS * _CELL_PX + _FOOT_PX
    return Markup(
        '<div class="heat"><svg width="{names}" height="{height}" aria-hidden="true">{days}</svg>'
        '<svg width="100%" height="{height}" role="img" aria-labelledby="rhythm-busiest">'
        "{cells}{hours}</svg></div>"
    ).format(
        names=_NAMES_PX,
        height=height,
        days=Markup("").join(day_names),
        cells=Markup("".join(cells)),  # noqa: S704 - escaped
        hours=Markup("").join(hour_names),
    )


def _level(value: float, highest: float) -> int:
    """Return 0 for nothing, and 1 to 5 for fifths of the highest."""
    return min(_LEVELS, int(_LEVELS * value / highest) + 1) if value else 0
