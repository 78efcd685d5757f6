"""The cards of a site's page: the most frequent values of one dimension each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from collector.control import Site
from collector.question import MAX_ROWS, Dimension, Field, Metric, Property, Query, Row
from dashboard.drawing.charts import bar
from dashboard.drawing.worldmap import world_map
from dashboard.question.addresses import Link, View, site_path
from dashboard.question.asking import Answer, Unanswered
from dashboard.question.chosen import Chosen, Comparing
from dashboard.words.fields import OTHERS, address, label, value_name
from dashboard.words.formats import number, share
from dashboard.words.languages import isolated, say, to_say

_SHOWN = 9  # lines
_PAGEVIEW: Final = "pageview"  # an event like others to the engine, but not one of its card
_PATHS = frozenset({Dimension.PAGE, Dimension.ENTRY_PAGE, Dimension.EXIT_PAGE})


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a value with its bar and numbers, and the addresses it leads to.

    Args:
        only: of this page, narrowed down to the value; None when that is so already.
        without: of this page for all others; None where they cannot be told apart.
        opens: where a page of the site itself is.
    """

    name: str
    bar: Markup
    numbers: tuple[str, ...]
    only: str | None
    without: str | None
    opens: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """One card; `problem` says why it has no lines, if it should have some."""

    key: str
    title: str
    tabs: tuple[Link, ...]
    column: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    details: str
    problem: str | None = None
    map: Markup | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to tell visitors apart."""

    field: Field
    text: str
    second: Metric | None = None  # beside visitors; None for their share
    is_map: bool = False

    @property
    def name(self) -> str:
        """What it is called; a property as its site calls it."""
        return self.text if isinstance(self.field, Property) else say(self.text)

    @property
    def key(self) -> str:
        """Its name in addresses."""
        return "map" if self.is_map else address(self.field)


@dataclass(frozen=True, slots=True)
class Panel:
    """A card with its tabs, the first of which is in front unless the address says else."""

    key: str
    title: str
    tabs: tuple[Tab, ...]

    def front(self, view: View) -> Tab:
        """Return the tab that is in front."""
        asked = view.tab(self.key)
        named = next((tab for tab in self.tabs if tab.key == asked), None)
        if named is None and self.key == "events" and asked.startswith("props:"):
            return Tab(Property(asked.removeprefix("props:")), asked.removeprefix("props:"))
        return named or self.tabs[0]


PANELS: Final = (
    Panel(
        "sources",
        to_say("Traffic sources"),
        (
            Tab(Dimension.SOURCE, to_say("Sources")),
            Tab(Dimension.CHANNEL, to_say("Channels")),
            Tab(Dimension.REFERRER, to_say("Referrers")),
            Tab(Dimension.UTM_CAMPAIGN, to_say("Campaigns")),
        ),
    ),
    Panel(
        "pages",
        to_say("Popular pages"),
        (
            Tab(Dimension.PAGE, to_say("Top"), Metric.PAGEVIEWS),
            Tab(Dimension.ENTRY_PAGE, to_say("Entry"), Metric.VISITS),
            Tab(Dimension.EXIT_PAGE, to_say("Exit"), Metric.VISITS),
        ),
    ),
    Panel(
        "places",
        to_say("Places"),
        (
            Tab(Dimension.COUNTRY, to_say("Countries")),
            Tab(Dimension.COUNTRY, to_say("Map"), is_map=True),
        ),
    ),
    Panel(
        "devices",
        to_say("Devices"),
        (
            Tab(Dimension.DEVICE, to_say("Kinds")),
            Tab(Dimension.BROWSER, to_say("Browsers")),
            Tab(Dimension.OS, to_say("Systems")),
            Tab(Dimension.SCREEN, to_say("Screens")),
        ),
    ),
    Panel("events", to_say("Events"), (Tab(Dimension.NAME, to_say("Names"), Metric.EVENTS),)),
)
_METRIC_NAMES = {
    Metric.PAGEVIEWS: to_say("Views"),
    Metric.VISITS: to_say("Visits"),
    Metric.EVENTS: to_say("Events"),
}


def questions(view: View, site: Site) -> dict[str, Query]:
    """Return what the cards have to ask, by their keys."""
    return {panel.key: _question(panel.front(view), view, site) for panel in PANELS}


def _question(tab: Tab, view: View, site: Site) -> Query:
    metrics = (Metric.VISITORS, *([tab.second] if tab.second else []))
    return Query(
        site=site.id,
        metrics=metrics,
        dimensions=(tab.field,),
        period=view.period,
        filters=view.filter,
        order_by=((Metric.VISITORS, True), (tab.field, False)),
        limit=MAX_ROWS if tab.is_map else _SHOWN + 1,  # one may be none of a card's
    )


def cards(
    drawing: "Drawing", answers: Mapping[str, Answer], properties: Sequence[str] = ()
) -> dict[str, Card]:
    """Return the cards by their keys; with tabs for the properties of the event in a filter."""
    return {panel.key: _card(panel, drawing, answers[panel.key], properties) for panel in PANELS}


def _card(panel: Panel, drawing: "Drawing", answer: Answer, properties: Sequence[str]) -> Card:
    tab, view = panel.front(drawing.view), drawing.view
    rows = () if isinstance(answer, Unanswered) else _rows_of(tab, answer.rows)
    second = say("Share") if tab.second is None else say(_METRIC_NAMES[tab.second])
    return Card(
        key=panel.key,
        title=say(panel.title),
        tabs=_tabs(panel, view, properties),
        column=label(tab.field),
        columns=(say("Visitors"), second),
        lines=tuple(drawing.lines(tab.field, rows[:_SHOWN], has_share=tab.second is None)),
        details=details_path(drawing.site, tab.field) + view.href,
        problem=answer.reason if isinstance(answer, Unanswered) else None,
        map=drawing.map(rows) if tab.is_map and rows else None,
    )


def _tabs(panel: Panel, view: View, properties: Sequence[str]) -> tuple[Link, ...]:
    front = panel.front(view)
    more = [Tab(Property(name), name) for name in properties] if panel.key == "events" else []
    if isinstance(front.field, Property) and front not in more:
        more.append(front)
    return tuple(
        Link(
            tab.name,
            view.with_tab(panel.key, "" if tab is panel.tabs[0] else tab.key).href,
            tab.key == front.key,
        )
        for tab in (*panel.tabs, *more)
    )


def _rows_of(tab: Tab, rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if not is_beside(tab.field, row.dimensions[0]))


def is_beside(field: Field, value: str) -> bool:
    """Tell whether a value is none of those a list is about: pageviews, events without a word."""
    return (field is Dimension.NAME and value == _PAGEVIEW) or (
        isinstance(field, Property) and not value
    )


@dataclass(frozen=True, slots=True)
class Drawing:
    """What lines need to know of the page that they are on.

    Args:
        visitors: of the whole period, for their shares.
        least_visitors: the least number that is told where filters narrow it down.
        base: the path of the page that filters lead to; "" is the one at hand.
    """

    view: View
    site: Site
    visitors: int
    least_visitors: int
    base: str = ""

    def lines(self, field: Field, rows: Sequence[Row], *, has_share: bool) -> list[Line]:
        """Return rows as the lines of a card; the longest bar is that of the most visitors."""
        numbers = [self._numbers(row, has_share=has_share) for row in rows]
        return self.lines_with(field, rows, numbers)

    def lines_with(
        self, field: Field, rows: Sequence[Row], numbers: Sequence[Sequence[str]]
    ) -> list[Line]:
        """Return rows as lines with numbers that are written already."""
        highest = max((int(row.metrics[0] or 0) for row in rows), default=0)
        both = zip(rows, numbers, strict=True)
        return [self._line(field, row, highest, written) for row, written in both]

    def _numbers(self, row: Row, *, has_share: bool) -> list[str]:
        if row.is_hidden:
            return [f"<{self.least_visitors}", NOTHING_TOLD]
        numbers = [number(int(value or 0)) for value in row.metrics]
        return [*numbers, share(row.metrics[0] or 0, self.visitors)] if has_share else numbers

    def _line(self, field: Field, row: Row, highest: int, numbers: Sequence[str]) -> Line:
        value, count = row.dimensions[0], int(row.metrics[0] or 0)
        can_filter = value != OTHERS
        return Line(
            name=isolated(value_name(field, value)),
            bar=bar(count, highest),
            numbers=tuple(numbers),
            only=self.only(field, value) if can_filter else None,
            without=self._without(field, value) if can_filter else None,
            opens=page_address(self.site, value) if field in _PATHS else None,
        )

    def only(self, field: Field, value: str) -> str | None:
        """Return the address of the page narrowed down to a value; None when it is so already."""
        narrowed = self.view.only(field, value)
        return None if narrowed == self.view else self.base + narrowed.href

    def map(self, rows: Sequence[Row]) -> Markup:
        """Return rows of countries as a map."""
        return world_map(rows, self.least_visitors, lambda code: self.only(Dimension.COUNTRY, code))

    def _without(self, field: Field, value: str) -> str:
        return self.base + self.view.with_filter(Chosen(Comparing.IS_NOT, field, (value,))).href


NOTHING_TOLD: Final = ""


def details_path(site: Site, field: Field) -> str:
    """Return the path of the page that lists all values of a field."""
    return f"{site_path(site)}/by/{quote(address(field), safe=':')}"


def page_address(site: Site, path: str) -> str | None:
    """Return where a page can be opened; None when part of its path was scrubbed away."""
    if not path.startswith("/") or ":id" in path:
        return None
    return f"https://{site.domain}{quote(path, safe='/%:@!$&()*+,;=~-._')}"
