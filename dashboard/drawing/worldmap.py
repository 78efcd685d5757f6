"""The map of the world: each country as dark as many visitors came from it."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from math import sqrt
from typing import Final

from markupsafe import Markup

from collector.question import Dimension, Row
from dashboard.markup import filled
from dashboard.words.fields import value_name
from dashboard.words.formats import number
from dashboard.words.languages import say, say_n

_WIDTH, _HEIGHT = 1000, 440  # of the map's own units, see lists/refresh
_LEVELS: Final = 5


@cache
def _shapes() -> dict[str, Markup]:
    """Return the outline of each country that is large enough to have one, by its code."""
    text = (resources.files("dashboard") / "lists" / "world.json").read_text("utf-8")
    shapes: dict[str, str] = json.loads(text)
    return {code: Markup('<path d="{}"/>').format(path) for code, path in shapes.items()}


def world_map(
    rows: Sequence[Row], least_visitors: int, only: Callable[[str], str | None]
) -> Markup:
    """Draw the countries of a report; those with visitors are links.

    `only` returns the address of a page narrowed down to a country, None where it is so already.
    """
    found = {row.dimensions[0]: row for row in rows}
    highest = max((int(row.metrics[0] or 0) for row in rows), default=0)
    drawn = [
        _country(code, shape, found.get(code), highest, least_visitors, only)
        for code, shape in _shapes().items()
    ]
    return Markup(
        '<svg class="map" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, say("Visitors by country"), Markup("").join(drawn))


def _country(
    code: str,
    shape: Markup,
    row: Row | None,
    highest: int,
    least_visitors: int,
    only: Callable[[str], str | None],
) -> Markup:
    if row is None:
        return filled("<g>{}</g>", shape)
    count = int(row.metrics[0] or 0)
    said = f"<{least_visitors}" if row.is_hidden else number(count)
    what = say_n("{n} visitor", "{n} visitors", count, n=said)
    name = say("{when}: {what}", when=value_name(Dimension.COUNTRY, code), what=what)
    level = _level(count, highest)
    group = filled('<g class="l{}"><title>{}</title>{}</g>', level, name, shape)
    where = only(code)
    return (
        group
        if where is None
        else filled('<a href="{}" aria-label="{}">{}</a>', where, name, group)
    )


def _level(value: float, highest: float) -> int:
    """Return 1 to 5; by the root, so that one large country does not leave all others pale."""
    return min(_LEVELS, int(_LEVELS * sqrt(value / highest)) + 1) if highest else 1
