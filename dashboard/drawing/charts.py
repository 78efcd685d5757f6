"""Numbers drawn as SVG, without scripts and without style attributes.

Everything is placed in per cent across and in pixels down, so that a chart fills any width while
its text and its lines keep their size. Colours are classes of the style sheet.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from markupsafe import Markup

from dashboard.markup import filled
from dashboard.words.formats import HOUR_S, MINUTE_S, Unit, axis_label, number
from dashboard.words.languages import say

_TOP_PX = 44  # room for a heading and the exact value of the point under the pointer
_PLOT_PX = 196
_FOOT_PX = 24  # room for the labels of time
_HEIGHT_PX = _TOP_PX + _PLOT_PX + _FOOT_PX
_BASE_PX = _TOP_PX + _PLOT_PX
_ACROSS = 1000  # units across the plot's own coordinates
_MOST_INTERVALS = 5
# Of more points, which would be too narrow to hit, only chart.js draws the strips, once somebody
# comes near the chart: a year of days would be 2,000 elements before anything is seen.
_MOST_READOUTS = 200
_EDGE_PER_CENT = 3  # a label nearer to the right edge than this would stick out
_CHARACTER_PX = 7  # a generous mean of 12 px type
_GAP_PX = 8
_DURATION_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 15 * MINUTE_S, 30 * MINUTE_S),
    *(HOUR_S, 2 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S),
)

_SPARK_ACROSS, _SPARK_PX = 200, 40
_COLUMNS_TOP_PX, _COLUMNS_PX, _COLUMN_SHARE = 24, 160, 0.8
_COLUMNS_BASE_PX = _COLUMNS_TOP_PX + _COLUMNS_PX

# How far a scale reaches on which nothing happened.
_IDLE_TOP = {Unit.COUNT: 1, Unit.RATIO: 1, Unit.PER_CENT: 100, Unit.DURATION: MINUTE_S}


class Tick(Enum):
    """Whether a point is named below the chart; minor names give way on narrow screens."""

    NONE = ""
    MINOR = "minor"
    MAJOR = "major"


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a time series.

    Args:
        value: None where there is no value: before the present ends, or a mean of nothing.
        finished: False for a step that is still running, or that the period only has a part of.
        label: what stands below the chart, if `tick` says so.
        readout: the exact value in words, shown while the pointer is on it.
        then: what it was in the period that this one is compared with.
        is_noted: whether something worth a mark happened then.
    """

    value: float | None
    finished: bool
    label: str
    tick: Tick
    readout: str
    then: float | None = None
    is_noted: bool = False


def ticks(highest: float, unit: Unit) -> tuple[float, ...]:
    """Return round values from zero to at least `highest`, at most six of them."""
    size = _tick_size(highest, unit) if highest > 0 else _IDLE_TOP[unit]
    count = max(1, math.ceil(highest / size - 1e-9))
    return tuple(size * number for number in range(count + 1))


def _tick_size(highest: float, unit: Unit) -> float:
    least = highest / _MOST_INTERVALS
    if unit is Unit.DURATION:
        for seconds in _DURATION_STEPS_S:
            if seconds >= least:
                return seconds
    if unit is Unit.PER_CENT:
        return next(size for size in (5, 10, 20) if size >= least or size == 20)  # noqa: PLR2004
    return _decimal_step(least, smallest=0.5 if unit is Unit.RATIO else 1)


def _decimal_step(least: float, smallest: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, 25, 50, ... that is not below `least`."""
    if least <= smallest:
        return smallest
    magnitude = 10 ** math.floor(math.log10(least))
    return next(
        float(factor * magnitude)
        for factor in ((1, 2, 5, 10) if magnitude < 10 else (1, 2, 2.5, 5, 10))  # noqa: PLR2004
        if factor * magnitude >= least * (1 - 1e-9)
    )


def time_series(points: Sequence[Point], unit: Unit, title: str, description: str) -> Markup:
    """Draw a series as an area under straight lines, from zero up.

    What is not over yet is dashed, and so is, without an area, what it is compared with. A value
    without neighbours is a dot.
    """
    values = [v for point in points for v in (point.value, point.then) if v is not None]
    scale = ticks(max(values, default=0), unit)
    plot = _Plot(tuple(points), scale[-1])
    return Markup(
        '<div class="chart">{scale}'
        '<svg class="plot" width="100%" height="{height}" role="img"'
        ' aria-labelledby="chart-title chart-description"{read}>'
        '<title id="chart-title">{title}</title>'
        '<desc id="chart-description">{description}</desc>'
        "{grid}{marks}{shapes}{labels}{dots}{readouts}</svg></div>"
    ).format(
        scale=_scale(plot, scale, unit),
        height=_HEIGHT_PX,
        title=title,
        description=description,
        grid=_grid(plot, scale),
        marks=_marks(plot),
        shapes=_shapes(plot),
        labels=_labels(plot),
        dots=_dots(plot),
        read=_read_by_script(plot),
        readouts=_readouts(plot),
    )


def bar(part: float, whole: float) -> Markup:
    """Draw the part of a whole as a bar that lies behind a row's text."""
    per_cent = min(100.0, 100 * part / whole) if whole > 0 else 0.0
    return filled(
        '<svg class="bar" width="100%" height="100%" aria-hidden="true">'
        '<rect width="{}%" height="100%"/></svg>',
        _short(per_cent),
    )


@dataclass(frozen=True, slots=True)
class _Plot:
    points: tuple[Point, ...]
    highest: float

    def x(self, index: int) -> float:
        """Return the place of a point across, in per cent."""
        return 100 * index / (len(self.points) - 1) if len(self.points) > 1 else 50.0

    def y(self, value: float) -> float:
        """Return the place of a value down, in pixels."""
        return _BASE_PX - _PLOT_PX * value / self.highest

    def known(self) -> Iterator[tuple[int, Point, float]]:
        """Yield the points that have a value, each with its index and that value."""
        for index, point in enumerate(self.points):
            if point.value is not None:
                yield index, point, point.value


def _short(number: float) -> str:
    """Write a coordinate with the two decimals that a screen can show."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _grid(plot: _Plot, scale: Sequence[float]) -> Markup:
    line = Markup('<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>')
    return Markup("").join(
        line.format("grid" if value else "base", *2 * [_short(round(plot.y(value)) + 0.5)])
        for value in scale
    )


def _marks(plot: _Plot) -> Markup:
    mark = Markup('<line class="mark" x1="{x}%" x2="{x}%" y1="{}" y2="{}"/>')
    return Markup("").join(
        mark.format(_TOP_PX - 8, _BASE_PX, x=_short(plot.x(index)))
        for index, point in enumerate(plot.points)
        if point.is_noted
    )


def _scale(plot: _Plot, scale: Sequence[float], unit: Unit) -> Markup:
    """Draw the values of the grid lines in a column of their own, as wide as they need."""
    names = [axis_label(value, unit) for value in scale]
    width = _CHARACTER_PX * max(map(len, names)) + _GAP_PX
    text = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>')
    texts = [
        text.format(width - _GAP_PX, round(plot.y(value)) + 4, name)
        for value, name in zip(scale, names, strict=True)
    ]
    return Markup('<svg class="scale" width="{}" height="{}" aria-hidden="true">{}</svg>').format(
        width, _HEIGHT_PX, Markup("").join(texts)
    )


def _labels(plot: _Plot) -> Markup:
    text = '<text class="time {}" x="{}%" y="{}"{}>{}</text>'
    return Markup("").join(
        filled(
            text,
            point.tick.value,
            _short(plot.x(index)),
            _HEIGHT_PX - 6,
            _anchor(plot.x(index)),
            point.label,
        )
        for index, point in enumerate(plot.points)
        if point.tick is not Tick.NONE
    )


def _anchor(x_per_cent: float) -> Markup:
    if x_per_cent > 100 - _EDGE_PER_CENT:
        return Markup(' text-anchor="end"')
    return Markup(' text-anchor="middle"')


def _runs(plot: _Plot) -> Iterator[list[int]]:
    """Yield the indices of neighbours that all have a value and are all over."""
    return _neighbours([point.value is not None and point.finished for point in plot.points])


def _runs_then(plot: _Plot) -> Iterator[list[int]]:
    """Yield the indices of neighbours that all have a value to be compared with."""
    return _neighbours([point.then is not None for point in plot.points])


def _neighbours(chosen: Sequence[bool]) -> Iterator[list[int]]:
    run: list[int] = []
    for index, is_chosen in enumerate(chosen):
        if is_chosen:
            run.append(index)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _unfinished(plot: _Plot) -> Iterator[list[int]]:
    """Yield the pairs of neighbours of which one is not whole."""
    for (before, one), (after, other) in pairwise(enumerate(plot.points)):
        is_whole = one.finished and other.finished
        if one.value is not None and other.value is not None and not is_whole:
            yield [before, after]


def _shapes(plot: _Plot) -> Markup:
    shapes = [
        *(_line(plot, run, "then") for run in _runs_then(plot) if len(run) > 1),
        *(_shape(plot, run, "") for run in _runs(plot) if len(run) > 1),
        *(_shape(plot, pair, " unfinished") for pair in _unfinished(plot)),
    ]
    return Markup(
        '<svg y="{}" width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none"'
        ' overflow="visible">{}</svg>'
    ).format(_TOP_PX, _PLOT_PX, _ACROSS, _PLOT_PX, Markup("").join(shapes))


def _shape(plot: _Plot, indices: Sequence[int], kind: str) -> Markup:
    places = [
        (_short(plot.x(i) * _ACROSS / 100), _short(plot.y(plot.points[i].value or 0) - _TOP_PX))
        for i in indices
    ]
    line = " ".join(f"{x},{y}" for x, y in places)
    area = f"{places[0][0]},{_PLOT_PX} {line} {places[-1][0]},{_PLOT_PX}"
    return Markup(
        '<polygon class="area{0}" points="{1}"/>'
        '<polyline class="line{0}" points="{2}" vector-effect="non-scaling-stroke"/>'
    ).format(kind, area, line)


def _line(plot: _Plot, indices: Sequence[int], kind: str) -> Markup:
    places = " ".join(
        f"{_short(plot.x(i) * _ACROSS / 100)},{_short(plot.y(plot.points[i].then or 0) - _TOP_PX)}"
        for i in indices
    )
    return Markup(
        '<polyline class="line {}" points="{}" vector-effect="non-scaling-stroke"/>'
    ).format(kind, places)


def _dots(plot: _Plot) -> Markup:
    lonely = {run[0] for run in _runs(plot) if len(run) == 1}
    dot = Markup('<circle class="dot{}" cx="{}%" cy="{}" r="3.5"/>')
    return Markup("").join(
        dot.format(
            "" if point.finished else " unfinished", _short(plot.x(index)), _short(plot.y(value))
        )
        for index, point, value in plot.known()
        if index in lonely or not point.finished
    )


def _readouts(plot: _Plot) -> Markup:
    """Lay an invisible strip over each point; the style sheet shows its value under the pointer."""
    if len(plot.points) > _MOST_READOUTS:
        return Markup("")
    width = 100 / max(1, len(plot.points) - 1)
    readout = (
        '<g class="at"><rect x="{left}%" y="0" width="{width}%" height="{base}"/>'
        '<line x1="{x}%" x2="{x}%" y1="{top}" y2="{base}"/>'
        '<circle cx="{x}%" cy="{y}" r="3.5"/>'
        '<text x="100%" y="14" text-anchor="end">{text}</text></g>'
    )
    return Markup("").join(
        filled(
            readout,
            left=_short(plot.x(index) - width / 2),
            width=_short(width),
            x=_short(plot.x(index)),
            y=_short(plot.y(value)),
            top=_TOP_PX,
            base=_BASE_PX,
            text=point.readout,
        )
        for index, point, value in plot.known()
    )


def _read_by_script(plot: _Plot) -> Markup:
    """Say the same of many points, a line each and an empty one where there is no value."""
    if len(plot.points) <= _MOST_READOUTS:
        return Markup("")
    lines = ("" if point.value is None else point.readout for point in plot.points)
    return filled(
        ' data-top="{}" data-base="{}" data-read="{}"', _TOP_PX, _BASE_PX, "\n".join(lines)
    )


_COLUMN = Markup(
    '<g><rect class="back" x="{x}%" y="0" width="{step}%" height="{full}"/>'
    '<rect class="column" x="{x}%" y="{y}" width="{width}%" height="{height}"/>'
    "<title>{said}</title></g>"
)
_COLUMNS = Markup(
    '<svg class="columns" width="100%" height="{height}" role="img" aria-label="{said}">'
    '<line class="grid" x1="0" x2="100%" y1="{top}" y2="{top}"/>'
    '<text x="0" y="{above}">{highest}</text>{columns}'
    '<line class="base" x1="0" x2="100%" y1="{foot}" y2="{foot}"/>'
    '<text x="0" y="{text}">{first}</text>'
    '<text x="100%" y="{text}" text-anchor="end">{last}</text></svg>'
)


def columns(values: Sequence[float], names: Sequence[str]) -> Markup:
    """Draw counts as columns side by side, each with its name and value under the pointer."""
    highest = max(1.0, *values) if values else 1.0
    step = 100 / max(1, len(values))
    drawn = (
        _COLUMN.format(
            x=_short(index * step),
            step=_short(step),
            width=_short(step * _COLUMN_SHARE),
            full=_COLUMNS_BASE_PX,
            y=_short(_COLUMNS_BASE_PX - _COLUMNS_PX * value / highest),
            height=_short(_COLUMNS_PX * value / highest),
            said=say("{when}: {what}", when=name, what=number(round(value))),
        )
        for index, (value, name) in enumerate(zip(values, names, strict=True))
    )
    return _COLUMNS.format(
        height=_COLUMNS_BASE_PX + _FOOT_PX,
        top=_short(_COLUMNS_TOP_PX + 0.5),
        above=_COLUMNS_TOP_PX - 4,
        highest=number(highest),
        said=say(
            "The highest of {count} is {highest}, the last {last}",
            count=len(values),
            highest=number(highest),
            last=number((values or [0])[-1]),
        ),
        columns=Markup("").join(drawn),
        foot=_short(_COLUMNS_BASE_PX + 0.5),
        text=_COLUMNS_BASE_PX + 16,
        first=(names or [""])[0],
        last=(names or [""])[-1],
    )


def sparkline(values: Sequence[float | None]) -> Markup:
    """Draw a few values as a line without axes; it has no points where there is no value."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if not known:
        return Markup("")
    highest = max(1.0, *(value for _, value in known))
    places = [
        (
            _short(_SPARK_ACROSS * index / max(1, len(values) - 1)),
            _short(_SPARK_PX - _SPARK_PX * value / highest),
        )
        for index, value in known
    ]
    line = " ".join(f"{x},{y}" for x, y in places)
    return Markup(
        '<svg class="spark" width="100%" height="{height}" viewBox="0 0 {across} {height}"'
        ' preserveAspectRatio="none" aria-hidden="true">'
        '<polygon class="area" points="{first},{height} {line} {last},{height}"/>'
        '<polyline class="line" points="{line}" vector-effect="non-scaling-stroke"/></svg>'
    ).format(
        height=_SPARK_PX, across=_SPARK_ACROSS, line=line, first=places[0][0], last=places[-1][0]
    )
