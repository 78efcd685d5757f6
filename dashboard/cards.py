"""The tables of a site's page: the most frequent values of one dimension each."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from collector.control import Site
from collector.question import Dimension, Metric, Period, Query, Row
from collector.stats import Stats
from dashboard.charts import bar
from dashboard.countries import UNKNOWN, country_name
from dashboard.formats import share

DIRECT = "Direct / None"  # visits that came from no other site, in Plausible's words
_SHOWN = 10  # lines at once
_MOST = 60  # lines when unfolded


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a name with its bar, numbers, and for a page where it is."""

    name: str
    bar: Markup
    numbers: tuple[str, ...]
    href: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """One table. `folded` are the lines behind "more"; `cut` says that there are even more."""

    key: str
    title: str
    column: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    folded: tuple[Line, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    key: str
    title: str
    column: str
    dimension: Dimension
    name: Callable[[str], str]


def _or_unknown(value: str) -> str:
    return value or UNKNOWN


_DEVICES = {
    "desktop": "Desktop",
    "mobile": "Mobile",
    "tablet": "Tablet",
    "tv": "TV",
    "console": "Console",
    "unknown": UNKNOWN,
}


def _device_name(value: str) -> str:
    return _DEVICES.get(value, value) or UNKNOWN


def _or_direct(value: str) -> str:
    return value or DIRECT


_PAGES = _Kind("pages", "Popular pages", "Page", Dimension.PAGE, _or_unknown)
_KINDS = (
    _PAGES,
    _Kind("sources", "Traffic sources", "Source", Dimension.SOURCE, _or_direct),
    _Kind("countries", "Countries", "Country", Dimension.COUNTRY, country_name),
    _Kind("devices", "Devices", "Device", Dimension.DEVICE, _device_name),
    _Kind("browsers", "Browsers", "Browser", Dimension.BROWSER, _or_unknown),
    _Kind("systems", "Operating systems", "System", Dimension.OS, _or_unknown),
)


def cards(stats: Stats, site: Site, period: Period, visitors: int) -> dict[str, Card]:
    """Return all cards by their keys. Blocking."""
    return {kind.key: _card(stats, kind, site, period, visitors) for kind in _KINDS}


def _card(stats: Stats, kind: _Kind, site: Site, period: Period, visitors: int) -> Card:
    metrics = (Metric.VISITORS, Metric.PAGEVIEWS) if kind is _PAGES else (Metric.VISITORS,)
    query = Query(
        site=site.id,
        metrics=metrics,
        dimensions=(kind.dimension,),
        period=period,
        order_by=((Metric.VISITORS, True), (kind.dimension, False)),
        limit=_MOST + 1,
    )
    rows = stats.report(query).rows
    highest = max((_count(row, 0) for row in rows), default=0)
    lines = tuple(_line(kind, site, row, highest, visitors) for row in rows[:_MOST])
    return Card(
        key=kind.key,
        title=kind.title,
        column=kind.column,
        columns=("Visitors", "Pageviews") if kind is _PAGES else ("Visitors", "Share"),
        lines=lines[:_SHOWN],
        folded=lines[_SHOWN:],
        cut=len(rows) > _MOST,
    )


def _count(row: Row, index: int) -> int:
    return int(row.metrics[index] or 0)


def _line(kind: _Kind, site: Site, row: Row, highest: int, visitors: int) -> Line:
    value, count = row.dimensions[0], _count(row, 0)
    second = f"{_count(row, 1):,}" if kind is _PAGES else share(count, visitors)
    return Line(
        name=kind.name(value),
        bar=bar(count, highest),
        numbers=(f"{count:,}", second),
        href=_page_address(site, value) if kind is _PAGES else None,
    )


def _page_address(site: Site, path: str) -> str | None:
    """Return where a page can be opened; None when part of its path was scrubbed away."""
    if not path.startswith("/") or ":id" in path:
        return None
    return f"https://{site.domain}{quote(path, safe='/%:@!$&()*+,;=~-._')}"
