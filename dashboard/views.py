"""The pages: reports become words, tiles, charts and tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.question import Dimension, Metric, Period, Query
from dashboard import charts, formats, timeline
from dashboard.addresses import View, site_path, view_of
from dashboard.cards import cards
from dashboard.measures import METRICS, Measure, Totals
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.periods import PeriodError, Preset, buckets, local_now, step

_REFRESH_S = 10  # of a page that shows today
_WAITING_S = 3  # of a page that waits for a first event


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the six numbers, and the address that puts it into the chart."""

    label: str
    value: str
    caption: str
    href: str
    current: bool


def front_page(parts: Parts, _request: Request) -> Response:
    """List the sites; with only one, go to it. Blocking."""
    sites = sorted(parts.control.sites(), key=lambda site: site.domain)
    if len(sites) == 1:
        return RedirectResponse(site_path(sites[0]), 303)
    now = parts.clock()
    return render(
        "sites.html",
        notices=parts.notices(),
        rows=[(site, site_path(site), *_today(parts, site, now)) for site in sites],
        refresh_s=_REFRESH_S if sites else _WAITING_S,
    )


def _today(parts: Parts, site: Site, now: datetime) -> tuple[int, int]:
    """Return a site's visitors of today and of the last five minutes."""
    period = Preset.DAY.period(local_now(now, site.timezone).date())
    totals = parts.stats.report(Query(site.id, (Metric.VISITORS,), (), period))
    visitors = sum(int(row.metrics[0] or 0) for row in totals.rows)
    return visitors, parts.stats.current_visitors(site.id, now)


def site_page(parts: Parts, request: Request) -> Response:
    """Show a site's numbers, or how to get some when there are none yet. Blocking."""
    site = parts.control.site(request.path_params["domain"].lower())
    if site is None:
        return _no_such_site()
    now = parts.clock()
    head: dict[str, Any] = {
        "site": site,
        "notices": parts.notices(),
        "only_site": len(parts.control.sites()) == 1,
    }
    if (began := parts.stats.first_date(site.id)) is None:
        findings = parts.diagnose(request.scope, site)
        snippet = parts.snippet(site)
        return render(
            "waiting.html", **head, snippet=snippet, findings=findings, refresh_s=_WAITING_S
        )
    local = local_now(now, site.timezone)
    try:
        view = view_of(request.query_params, local.date())
    except PeriodError as error:
        view = view_of({}, local.date())
        return render("period.html", 400, **head, view=view, problem=str(error), refresh_s=None)
    return render(
        "site.html",
        **head,
        **_numbers(parts, site, view, now),
        view=view,
        clock=f"{local:%H:%M}",
        current=parts.stats.current_visitors(site.id, now),
        began=formats.plain_day(began),
        rekeyed=_rekeyed(parts, site, view.period),
        geo=parts,
        refresh_s=_REFRESH_S if view.includes_today else None,
    )


def _no_such_site() -> Response:
    return render(
        "message.html",
        404,
        headline="There is no such site",
        text="It may have been removed, or its name is written differently.",
    )


def _rekeyed(parts: Parts, site: Site, period: Period) -> str:
    """Name the days of a period on which returning visitors count twice."""
    dates = sorted(d for d in parts.rekeyed(site) if period.first <= d <= period.last)
    return ", ".join(formats.short_day(when) for when in dates)


def _numbers(parts: Parts, site: Site, view: View, now: datetime) -> dict[str, Any]:
    dimension = step(view.period)
    totals = _totals(parts, site, view.period)
    rows = parts.stats.report(Query(site.id, METRICS, (dimension,), view.period)).rows
    line = timeline.moments(rows, buckets(view.period, dimension, site.timezone, now), dimension)
    unit = "hour" if dimension is Dimension.HOUR else "day"
    title = f"{view.measure.label} per {unit}"
    return {
        "tiles": _tiles(view, totals),
        "series_title": title,
        "chart": charts.time_series(
            timeline.points(line, view.measure),
            view.measure.unit,
            title=f"{title}, {view.title}",
            description="The table below the chart has the same numbers.",
        ),
        "moments": [moment for moment in line if moment.started],
        "measures": tuple(Measure),
        "unit": unit,
        "cards": cards(parts.stats, site, view.period, totals.visitors),
        "nobody": totals.visitors == 0,
    }


def _totals(parts: Parts, site: Site, period: Period) -> Totals:
    rows = parts.stats.report(Query(site.id, METRICS, (), period)).rows
    return Totals.of(rows[0] if rows else None)


def _tiles(view: View, totals: Totals) -> tuple[Tile, ...]:
    return tuple(
        Tile(
            label=measure.label,
            value=measure.written(totals),
            caption=measure.caption,
            href=view.link(measure=measure),
            current=measure is view.measure,
        )
        for measure in Measure
    )
