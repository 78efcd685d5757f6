"""What people without an account see of a site: fixed tables of one dimension, without filters.

Rows about fewer than ten visitors are left out, and numbers about fewer are not told. That keeps
people from being singled out in passing; it does not withstand subtracting one period from another.
"""

import hmac
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.question import (
    EVERYTHING,
    Dimension,
    Filter,
    Metric,
    Period,
    Query,
    Report,
    Row,
    TooSlowError,
)
from collector.settings.shares import Publicity, Share, Shares
from dashboard.access.checking import Checking, TooManyError
from dashboard.access.gate import Gate
from dashboard.access.shield import is_shown_login, too_many_looks
from dashboard.drawing import charts, timeline
from dashboard.drawing.charts import bar
from dashboard.drawing.timeline import Stretch
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import view_of
from dashboard.question.asking import Unanswered, answers
from dashboard.question.periods import Preset, buckets, local_now
from dashboard.web import cookie_prefix, embeddable, form_of
from dashboard.words import formats
from dashboard.words.fields import label, plural, value_name
from dashboard.words.languages import say
from dashboard.words.measures import METRICS, Measure, Totals

LEAST_VISITORS: Final = 10
_SHOWN = 10
_TABLES: Final = (Dimension.SOURCE, Dimension.PAGE, Dimension.COUNTRY, Dimension.DEVICE)
_STEPS: Final = {
    Preset.WEEK: Dimension.DAY,
    Preset.FOUR_WEEKS: Dimension.DAY,
    Preset.TWELVE_MONTHS: Dimension.MONTH,
}
_COOKIE: Final = "gatecount-share-"
_COOKIE_LIFETIME_S: Final = 86_400
_KEPT_FOR: Final = timedelta(minutes=5)
_MOST_KEPT: Final = 50
_FORM_BYTES, _FORM_FIELDS = 2_048, 4


@dataclass(frozen=True, slots=True)
class Table:
    """The most frequent values of one dimension."""

    key: str
    title: str
    column: str
    lines: tuple[tuple[str, Markup, str], ...]  # a name, its bar, its visitors


class Public:
    """The endpoints. A token in an address opens what it is for, and nothing else anywhere."""

    def __init__(self, parts: Parts, checking: Checking, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate
        self._checking = checking
        self._shares = Shares(parts.control)
        self._answers = Answers(parts)

    def page(self, request: Request) -> Response:
        """Show a site's public page, if it has one. Blocking."""
        site = self._parts.control.site(request.path_params["domain"].lower())
        publicity = Publicity() if site is None else self._shares.publicity(site.id)
        if site is None or not publicity.is_public:
            return _nothing_here()
        return self._shown(request, site, publicity, EVERYTHING, "")

    def shared(self, request: Request) -> Response:
        """Show what a link is for, or ask for its password. Blocking."""
        found = self._found(request)
        if found is None:
            return _nothing_here()
        share, site = found
        if share.password and not _is_unlocked(request, share):
            return _locked()
        return self._shown_share(request, share, site)

    async def unlock(self, request: Request) -> Response:
        """Take the password of a link."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        return await run_in_threadpool(self._unlock, request, (form or {}).get("password", ""))

    def _unlock(self, request: Request, password: str) -> Response:
        found = self._found(request)
        if found is None:
            return _nothing_here()
        share, _ = found
        if not share.password:
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        prefix = cookie_prefix(request)
        if prefix is None:
            return _locked(say("A password is taken over https only."), 403)
        try:
            fits = self._checking.opens(
                f"share {share.id}", share.password, password, self._parts.clock()
            )
        except TooManyError:
            return _locked(say("Too many tries. Wait a minute."), 429)
        if not fits:
            return _locked(say("That is not the password."), 403)
        response = RedirectResponse(request.url.path, 303)
        response.set_cookie(
            f"{prefix}{_COOKIE}{share.id}",
            _opening(share),
            max_age=_COOKIE_LIFETIME_S,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return response

    def _found(self, request: Request) -> tuple[Share, Site] | None:
        share = self._shares.by_token(request.path_params["token"])
        if share is None:
            return None
        sites = {site.id: site for site in self._parts.control.sites()}
        site = sites.get(share.site)
        return None if site is None else (share, site)

    def _shown_share(self, request: Request, share: Share, site: Site) -> Response:
        # What was kept when the link was made; it names no day.
        chosen = view_of(QueryParams(share.filters), date.max).filter
        return self._shown(request, site, self._shares.publicity(site.id), chosen, share.segment)

    def _is_one_too_many(self, request: Request) -> bool:
        """Tell it of those alone who show a login that is none; the shield counts all others."""
        return (
            is_shown_login(request.scope)
            and self._gate.login_of(request) is None
            and self._parts.reads_too_often(request.scope)
        )

    def _shown(
        self, request: Request, site: Site, publicity: Publicity, chosen: Filter, segment: str
    ) -> Response:
        if self._is_one_too_many(request):
            return too_many_looks()
        asked = request.query_params.get("period", "")
        preset = next((each for each in _STEPS if each == asked), Preset.FOUR_WEEKS)
        response = render(
            "public.html",
            site=site,
            path=request.url.path,
            segment=segment,
            least=LEAST_VISITORS,
            periods=[(each.value, _period_name(each), each is preset) for each in _STEPS],
            geo=self._parts,
            **_numbers(self._parts, self._answers, site, preset, chosen),
        )
        return embeddable(response, publicity.framers)


def _period_name(preset: Preset) -> str:
    match preset:
        case Preset.WEEK:
            return say("7 days")
        case Preset.TWELVE_MONTHS:
            return say("12 months")
        case _:
            return say("28 days")


def _questions(site: Site, period: Period, step: Dimension, chosen: Filter) -> list[Query]:
    lists = [
        Query(
            site.id,
            (Metric.VISITORS,),
            (field,),
            period,
            chosen,
            order_by=((Metric.VISITORS, True), (field, False)),
            limit=_SHOWN,
        )
        for field in _TABLES
    ]
    return [
        Query(site.id, METRICS, (), period, chosen),
        Query(site.id, METRICS, (step,), period, chosen),
        *lists,
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """Answers as of a moment, and the day on which the site's counting began."""

    at: datetime
    began: date | None
    reports: list[Report]


class Answers:
    """Asks once for all who look within some minutes: days that are over change no more."""

    def __init__(self, parts: Parts) -> None:
        self._stats = parts.stats
        self._kept: OrderedDict[tuple[Query, ...], Found] = OrderedDict()
        self._lock = threading.Lock()

    def to(self, asked: Sequence[Query], now: datetime) -> Found:
        """Return an answer to each question about a site. Blocking.

        Raises:
            TooSlowError: they took too long.
        """
        key = tuple(asked)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and timedelta() <= now - kept.at < _KEPT_FOR:
            return kept
        reports = []
        for answer in answers(self._stats, asked):
            if isinstance(answer, Unanswered):
                raise TooSlowError(answer.reason)
            reports.append(answer)
        found = Found(now, self._stats.first_date(asked[0].site), reports)
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _numbers(
    parts: Parts, reports: Answers, site: Site, preset: Preset, chosen: Filter
) -> dict[str, Any]:
    now = parts.clock()
    period, step = preset.period(local_now(now, site.timezone).date()), _STEPS[preset]
    found = reports.to(_questions(site, period, step, chosen), now)
    totals, line, *lists = ([_masked(row) for row in report.rows] for report in found.reports)
    everybody = Totals.of(totals[0] if totals else None)
    stretch = Stretch(line, buckets(period, step, site.timezone, now, found.began))
    moments = timeline.moments(stretch, None, step)
    per = {"measure": Measure.VISITORS.label}
    is_monthly = step is Dimension.MONTH
    title = say("{measure} per month", **per) if is_monthly else say("{measure} per day", **per)
    days = formats.days(period.first, period.last)
    return {
        "days": days,
        "tiles": [
            (each.label, each.written(everybody, LEAST_VISITORS), each.caption) for each in Measure
        ],
        "series_title": title,
        "chart": charts.time_series(
            timeline.points(moments, step, Measure.VISITORS, LEAST_VISITORS),
            Measure.VISITORS.unit,
            title=f"{title}, {days}",
            description=say("The table below the chart has the same numbers."),
        ),
        "moments": [
            (each.name, Measure.VISITORS.written(each.totals, LEAST_VISITORS))
            for each in moments
            if each.counted
        ],
        "tables": [_table(field, rows) for field, rows in zip(_TABLES, lists, strict=True)],
    }


def _masked(row: Row) -> Row:
    """Return a row without its numbers when they are about too few."""
    if not row.is_hidden and int(row.metrics[0] or 0) >= LEAST_VISITORS:
        return row
    return replace(row, metrics=(None,) * len(row.metrics), is_hidden=True)


def _table(field: Dimension, rows: Sequence[Row]) -> Table:
    told = [(row.dimensions[0], int(row.metrics[0] or 0)) for row in rows if not row.is_hidden]
    highest = max((count for _, count in told), default=0)
    return Table(
        field.value.partition(":")[2],
        plural(field),
        label(field),
        tuple(
            (value_name(field, value), bar(count, highest), formats.number(count))
            for value, count in told
        ),
    )


def _opening(share: Share) -> str:
    """Return what a cookie holds of somebody who knew the password; another one ends it."""
    about = f"gatecount share {share.id}"
    return hmac.digest(share.password.encode(), about.encode(), "sha256").hex()


def _is_unlocked(request: Request, share: Share) -> bool:
    prefix = cookie_prefix(request)
    if prefix is None:
        return False
    held = request.cookies.get(f"{prefix}{_COOKIE}{share.id}", "")
    return hmac.compare_digest(held.encode("utf-8", "replace"), _opening(share).encode())


def _locked(problem: str | None = None, status: int = 200) -> Response:
    return render("unlock.html", status, problem=problem)


def _nothing_here() -> Response:
    """Say the same of what never was, what was switched off, and what was revoked."""
    return render(
        "message.html",
        404,
        headline=say("There is nothing here"),
        text=say("The link may have been revoked, or the page may not be public any more."),
    )
