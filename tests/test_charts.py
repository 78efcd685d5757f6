"""Charts are honest, readable and free of anything that could run."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from dashboard.drawing.charts import Point, Tick, bar, columns, sparkline, ticks, time_series
from dashboard.words.formats import Unit

_TO_COME = Point(None, finished=True, label="", tick=Tick.NONE, readout="")


def _points(*values: float | None, running: int | None = None) -> list[Point]:
    return [
        Point(value, index != running, f"{index:02}:00", Tick.MAJOR, f"{index}: {value}")
        for index, value in enumerate(values)
    ]


def _tree(markup: str) -> ET.Element:
    """Return markup as a tree; that it parses shows that it is well-formed."""
    return ET.fromstring(markup)  # noqa: S314 - our own


def _drawn(points: list[Point], unit: Unit = Unit.COUNT) -> ET.Element:
    return _tree(time_series(points, unit, "Title", "Description"))


def _of_class(tree: ET.Element, name: str) -> list[ET.Element]:
    return [found for found in tree.iter() if found.get("class") == name]


def _ys(element: ET.Element) -> list[float]:
    return [float(pair.split(",")[1]) for pair in (element.get("points") or "").split()]


@pytest.mark.parametrize(
    ("highest", "unit", "expected"),
    [
        (0, Unit.COUNT, (0, 1)),
        (1, Unit.COUNT, (0, 1)),
        (3, Unit.COUNT, (0, 1, 2, 3)),
        (5, Unit.COUNT, (0, 1, 2, 3, 4, 5)),
        (6, Unit.COUNT, (0, 2, 4, 6)),
        (100, Unit.COUNT, (0, 20, 40, 60, 80, 100)),
        (101, Unit.COUNT, (0, 25, 50, 75, 100, 125)),
        (9_999, Unit.COUNT, (0, 2000, 4000, 6000, 8000, 10_000)),
        (2.4, Unit.RATIO, (0, 0.5, 1, 1.5, 2, 2.5)),
        (0, Unit.PER_CENT, (0, 100)),
        (41.3, Unit.PER_CENT, (0, 10, 20, 30, 40, 50)),
        (100, Unit.PER_CENT, (0, 20, 40, 60, 80, 100)),
        (0, Unit.DURATION, (0, 60)),
        (134, Unit.DURATION, (0, 30, 60, 90, 120, 150)),
        (3_700, Unit.DURATION, (0, 900, 1800, 2700, 3600, 4500)),
    ],
)
def test_a_scale_has_round_values_that_reach_the_highest(
    highest: float, unit: Unit, expected: tuple[float, ...]
) -> None:
    """The table gives the whole scale."""
    assert ticks(highest, unit) == expected


@pytest.mark.parametrize("unit", Unit)
def test_a_scale_starts_at_zero_rises_evenly_and_stays_short(unit: Unit) -> None:
    """It holds from a tenth to ten thousand billion, with two to six values."""
    factors = (1, 1.01, 2.5, 4.99, 7, 9.99)
    for highest in (factor * 10**exponent for exponent in range(-1, 16) for factor in factors):
        if unit is Unit.PER_CENT and highest > 100:
            break
        scale = ticks(highest, unit)
        assert scale[0] == 0
        assert 2 <= len(scale) <= 6
        assert scale[-1] >= highest * (1 - 1e-9)
        assert {round((high - low) / scale[1], 6) for low, high in pairwise(scale)} == {1}
        assert unit is not Unit.COUNT or all(value == int(value) for value in scale)


def test_the_line_is_straight_and_measured_from_zero() -> None:
    """Half of the highest tick is half of the height; nothing is smoothed."""
    (line,) = _of_class(_drawn(_points(0, 50, 100)), "line")
    bottom, middle, top = _ys(line)
    assert (bottom, top) == (196, 0)
    assert middle == (bottom + top) / 2
    assert line.tag == "polyline"


def test_the_area_lies_between_the_line_and_zero() -> None:
    """It begins and ends on the base line."""
    (area,) = _of_class(_drawn(_points(3, 5)), "area")
    assert [_ys(area)[0], _ys(area)[-1]] == [196, 196]


def test_what_is_still_running_is_dashed_and_what_is_to_come_is_not_drawn() -> None:
    """The finished line ends where the dashed one begins; after it there is nothing."""
    tree = _drawn([*_points(10, 20, 5, running=2), _TO_COME, _TO_COME])
    (line,), (dashed,) = _of_class(tree, "line"), _of_class(tree, "line unfinished")
    assert (line.get("points") or "").split()[-1] == (dashed.get("points") or "").split()[0]
    assert (dashed.get("points") or "").split()[-1].startswith("500,")
    assert len(_of_class(tree, "dot unfinished")) == 1


def test_what_it_is_compared_with_is_a_line_of_its_own_below() -> None:
    """Without an area, through all its values, also where the present has none yet."""
    points = [Point(v, v != 2, "", Tick.NONE, "", then) for v, then in ((1, 8), (2, 4), (None, 2))]
    tree = _drawn(points)
    (then,) = _of_class(tree, "line then")
    assert len(_ys(then)) == 3
    (scale,) = _of_class(tree, "scale")
    assert [text.text for text in scale][-1] == "8"
    shapes = [found.get("class") for found in tree.iter() if found.tag in {"polyline", "polygon"}]
    assert shapes[0] == "line then"


def test_a_sparkline_has_a_line_and_no_axes() -> None:
    """Gaps are left out; of nothing there is none."""
    assert not sparkline([None, None])
    (line,) = _of_class(_tree(sparkline([0, None, 4, 2])), "line")
    assert (line.get("points") or "").split() == ["0,40", "133.33,0", "200,20"]


def test_columns_stand_on_the_base_and_say_what_they_are() -> None:
    """The highest is as high as there is room; nothing at all is flat."""
    tree = _tree(columns([0, 2, 4], ["two ago", "one ago", "now"]))
    assert [found.get("height") for found in _of_class(tree, "column")] == ["0", "80", "160"]
    assert [title.text for title in tree.iter("title")] == ["two ago: 0", "one ago: 2", "now: 4"]
    assert tree.get("aria-label") == "The highest of 3 is 4, the last 4"
    assert {c.get("height") for c in _of_class(_tree(columns([0], [""])), "column")} == {"0"}


def test_a_gap_breaks_the_line() -> None:
    """No value is no zero: a mean of nothing interrupts the line instead of dropping it."""
    lines = _of_class(_drawn(_points(40, 50, None, 60, 70), Unit.PER_CENT), "line")
    assert [len(_ys(line)) for line in lines] == [2, 2]


def test_a_value_without_neighbours_is_a_dot() -> None:
    """Also when it is the only step of the whole period, in the middle then."""
    assert len(_of_class(_drawn(_points(None, 5, None, 1, 2)), "dot")) == 1
    (dot,) = _of_class(_drawn(_points(7)), "dot")
    assert dot.get("cx") == "50%"


def test_the_first_hour_of_a_day_is_a_hollow_dot() -> None:
    """With nothing before it there is no line to dash."""
    tree = _drawn([*_points(3, running=0), _TO_COME])
    assert len(_of_class(tree, "dot unfinished")) == 1
    assert not _of_class(tree, "line unfinished")


def test_nothing_but_zeros_is_a_line_on_the_base() -> None:
    """The scale then reaches to 1."""
    tree = _drawn(_points(0, 0, 0))
    assert set(_ys(_of_class(tree, "line")[0])) == {196}
    (scale,) = _of_class(tree, "scale")
    assert [text.text for text in scale] == ["0", "1"]


def test_nothing_at_all_still_has_axes() -> None:
    """Neither an empty period nor one without values fails."""
    assert _of_class(_drawn(_points(None, None)), "base")
    assert _of_class(_drawn([]), "base")


def test_huge_numbers_are_labelled_in_words() -> None:
    """The column of labels is as wide as they need."""
    (scale,) = _of_class(_drawn(_points(1_900_000_000, 2_600_000_000)), "scale")
    assert [text.text for text in scale] == ["0", "1 billion", "2 billion", "3 billion"]
    assert int(scale.get("width") or 0) > 60


def test_every_point_can_be_read_under_the_pointer() -> None:
    """Up to 200; of more a script draws it, of which there are only the words, line by line."""
    assert len(_of_class(_drawn(_points(*range(200))), "at")) == 200
    tree = _drawn([*_points(*range(199)), _TO_COME, *_points(7)])
    assert not _of_class(tree, "at")
    (plot,) = _of_class(tree, "plot")
    read = plot.get("data-read") or ""  # of whose line ends an XML parser makes spaces
    assert read.endswith(" 197: 197 198: 198  0: 7")


def test_time_labels_are_drawn_where_asked_and_marked_when_minor() -> None:
    """The style sheet hides minor ones on narrow screens."""
    points = [
        Point(1, finished=True, label="00:00", tick=Tick.MAJOR, readout=""),
        Point(1, finished=True, label="01:00", tick=Tick.NONE, readout=""),
        Point(1, finished=True, label="03:00", tick=Tick.MINOR, readout=""),
    ]
    tree = _drawn(points)
    assert [t.text for t in _of_class(tree, "time major")] == ["00:00"]
    assert [t.text for t in _of_class(tree, "time minor")] == ["03:00"]


def test_the_chart_names_itself_and_says_where_its_numbers_are() -> None:
    """Screen readers get a title and a description, and nothing of the drawing."""
    tree = _drawn(_points(1, 2))
    (plot,) = _of_class(tree, "plot")
    assert plot.get("role") == "img"
    named = [
        tree.find(f".//*[@id='{name}']") for name in (plot.get("aria-labelledby") or "").split()
    ]
    assert [element.text for element in named if element is not None] == ["Title", "Description"]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&"]
)
def test_text_in_a_chart_is_text(text: str) -> None:
    """Labels, read-outs, title and description are escaped."""
    point = Point(1, finished=True, label=text, tick=Tick.MAJOR, readout=text)
    tree = _tree(time_series([point, point], Unit.COUNT, text, text))
    assert not list(tree.iter("script")) + list(tree.iter("img"))
    assert [t.text for t in tree.iter("title")] == [text]
    (plot,) = _of_class(_tree(time_series([point] * 201, Unit.COUNT, "", "")), "plot")
    assert (plot.get("data-read") or "").split() == 201 * text.split()


def test_charts_have_no_inline_style_script_or_handler() -> None:
    """The content security policy would block them."""
    markup = time_series(_points(1, None, 3, 4, running=3), Unit.COUNT, "", "") + bar(1, 2)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|javascript:|href=", markup)


@pytest.mark.parametrize(
    ("part", "whole", "width"),
    [
        (0, 10, "0%"),
        (5, 10, "50%"),
        (1, 3, "33.33%"),
        (10, 10, "100%"),
        (11, 10, "100%"),
        (0, 0, "0%"),
    ],
)
def test_a_bar_is_as_long_as_its_share(part: float, whole: float, width: str) -> None:
    """Nothing of nothing is no bar, and no bar leaves its row."""
    rect = _tree(bar(part, whole)).find("rect")
    assert rect is not None
    assert rect.get("width") == width
