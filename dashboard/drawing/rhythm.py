"""When visitors come: a heat map of weekdays by hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup, escape

from collector.control import Site
from collector.question import Dimension, Metric, Period, Query, Row
from dashboard.question.addresses import View
from dashboard.question.asking import Answer, Unanswered
from dashboard.question.periods import ONE_DAY, days_in
from dashboard.words.formats import days, number
from dashboard.words.languages import say, speech

_LEAST_DAYS, _MOST_DAYS = 7, 364  # shorter periods say nothing of weekdays
_USUAL_DAYS: Final = 28
_HOURS: Final = 24
_LEVELS: Final = 5  # of colour
_WEEKDAYS: Final = 7
_NAMES_PX, _CELL_PX, _GAP_PX, _FOOT_PX = 36, 24, 2, 20
_NAMED_EVERY: Final = 6  # hours
_CELLS: Final = [(weekday, hour) for weekday in range(_WEEKDAYS) for hour in range(_HOURS)]
_LEAST_TOLD = 0.05  # a mean below that would be written as nothing


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The heat map, the days it speaks of, and its busiest hour in words.

    `has_hidden` tells that there are hours with visitors, but with too few to be shown.
    """

    drawn: Markup
    days: str
    busiest: str
    problem: str | None = None
    has_hidden: bool = False


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


def rhythm(query: Query, answer: Answer, least_visitors: int) -> Rhythm:
    """Return the mean visitors of each hour of the week; too few of them are not told."""
    period = query.period
    words = days(period.first, period.last)
    if isinstance(answer, Unanswered):
        return Rhythm(Markup(""), words, "", answer.reason)
    means = _means(answer.rows, period)
    weekday, hour = max(_CELLS, key=lambda at: means[at[0]][at[1]] or 0)
    highest = means[weekday][hour]
    if not highest:
        return Rhythm(Markup(""), words, "", has_hidden=bool(answer.rows))
    busiest = say("{when}, {what}", when=_when(weekday, hour), what=_mean(highest))
    return Rhythm(_drawn(means, highest, least_visitors), words, busiest)


def _means(rows: Sequence[Row], period: Period) -> list[list[float | None]]:
    means: list[list[float | None]] = [[0.0] * _HOURS for _ in range(_WEEKDAYS)]
    for row in rows:
        weekday, hour = map(int, row.dimensions[0].split())
        visitors = row.metrics[0]
        mean = None if visitors is None else visitors / _times(weekday, period)
        means[weekday - 1][hour] = mean
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


def _told(weekday: int, hour: int, value: float | None, least_visitors: int) -> str:
    few = say("fewer than {n} visitors", n=least_visitors)
    what = few if value is None else _mean(value)
    return say("{when}: {what}", when=_when(weekday, hour), what=what)


def _drawn(means: Sequence[Sequence[float | None]], highest: float, least_visitors: int) -> Markup:
    step = 100 / _HOURS
    size = f'width="{step * 0.92:.2f}%" height="{_CELL_PX - _GAP_PX}"'
    cells = [
        f'<rect class="l{_level(value, highest)}" x="{hour * step:.2f}%" y="{weekday * _CELL_PX}"'
        f" {size}><title>{escape(_told(weekday, hour, value, least_visitors))}</title></rect>"
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


def _level(value: float | None, highest: float) -> int:
    """Return 0 for nothing that is told, and 1 to 5 for fifths of the highest."""
    return min(_LEVELS, int(_LEVELS * value / highest) + 1) if value else 0
