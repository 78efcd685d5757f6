"""The front page: the sites."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.question import Metric, Query
from dashboard.addresses import site_path
from dashboard.frame import REFRESH_S, WAITING_S
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.periods import Preset, local_now


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
        refresh_s=REFRESH_S if sites else WAITING_S,
    )


def _today(parts: Parts, site: Site, now: datetime) -> tuple[int, int]:
    """Return a site's visitors of today and of the last five minutes."""
    period = Preset.DAY.period(local_now(now, site.timezone).date())
    totals = parts.stats.report(Query(site.id, (Metric.VISITORS,), (), period))
    visitors = sum(int(row.metrics[0] or 0) for row in totals.rows)
    return visitors, parts.stats.current_visitors(site.id, now)
