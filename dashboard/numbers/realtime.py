"""The last half hour of a site, sent to whoever watches as soon as it changes."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from collector.control import Site
from collector.engine.realtime import Minute, Recent, Window
from collector.question import Dimension, Field, Metric, Period, Query, Row
from dashboard.access.gate import Gate, site_asked
from dashboard.asker import Asker, who_asks
from dashboard.drawing.charts import bar, columns
from dashboard.numbers.cards import page_address
from dashboard.numbers.frame import Frame
from dashboard.pages import fragment, render
from dashboard.parts import Parts
from dashboard.words.fields import address, label, value_name
from dashboard.words.formats import number
from dashboard.words.languages import isolated, say, say_n, speech, to_say

MINUTES: Final = 30
_EVERY_S = 3.0  # how often it is looked, however many watch
_SIGN_OF_LIFE_S = 15.0  # proxies close connections on which nothing comes for a minute
_LIFETIME_S = 600.0  # then the browser comes again, and is asked who it is
_RETRY_MS = 3000
_MOST_WATCHERS = 500
_SHOWN = 10
_LISTS: tuple[tuple[str, Field], ...] = (
    (to_say("Pages"), Dimension.PAGE),
    (to_say("Sources"), Dimension.SOURCE),
    (to_say("Countries"), Dimension.COUNTRY),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list."""

    name: str
    bar: Markup
    visitors: str
    opens: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One list: its key, what it is called, what a row is, and the rows."""

    key: str
    title: str
    column: str
    lines: tuple[Line, ...]


def realtime_page(frame: Frame, _request: Request) -> Response:
    """Show the last half hour, which then renews itself. Blocking."""
    return render(
        "realtime.html",
        **{**frame.values, "refresh_s": round(3 * _EVERY_S)},
        **snapshot(frame.parts, frame.site),
        geo=frame.parts,
    )


def snapshot(parts: Parts, site: Site) -> dict[str, Any]:
    """Return what the last half hour looks like, the same for all who watch. Blocking."""
    now = parts.clock()
    totals = _rows(parts, site, now)
    visitors, pageviews = totals[0].metrics if totals else (0, 0)
    by_minute = _rows(parts, site, now, Minute.MINUTE)
    numbers = {row.dimensions[0]: int(row.metrics[0] or 0) for row in by_minute}
    labels = _asked(site, now, Minute.MINUTE).labels()[-MINUTES:]
    return {
        "visitors": number(visitors or 0),
        "pageviews": number(pageviews or 0),
        "current": parts.stats.current_visitors(site.id, now),
        "chart": columns(
            [numbers.get(label, 0) for label in labels],
            [_minute(ago) for ago in range(MINUTES - 1, -1, -1)],
        ),
        "lists": [
            _listed(site, title, about, _rows(parts, site, now, about)) for title, about in _LISTS
        ],
    }


def lists(parts: Parts, site: Site, now: datetime) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return titles of lists with the names and visitors of the last half hour. Blocking."""
    return [
        (
            title,
            [
                (value_name(about, row.dimensions[0]), int(row.metrics[0] or 0))
                for row in _rows(parts, site, now, about)
            ],
        )
        for title, about in _LISTS
    ]


def _rows(parts: Parts, site: Site, now: datetime, *about: Field | Minute) -> list[Row]:
    return parts.realtime.rows(_asked(site, now, *about))


def _asked(site: Site, now: datetime, *about: Field | Minute) -> Recent:
    query = Query(
        site=site.id,
        metrics=(Metric.VISITORS, Metric.PAGEVIEWS),
        dimensions=tuple(each for each in about if not isinstance(each, Minute)),
        period=Period(now.date(), now.date()),
    )
    order = ((Metric.VISITORS, True),)
    return Recent(query, about, order, Window.HALF_AN_HOUR, now, site.timezone)


def _minute(ago: int) -> str:
    if ago == 0:
        return say("this minute")
    return say_n("{n} minute ago", "{n} minutes ago", ago)


def _listed(site: Site, title: str, about: Field, rows: Sequence[Row]) -> Listed:
    shown = [(row.dimensions[0], int(row.metrics[0] or 0)) for row in rows[:_SHOWN]]
    highest = max((visitors for _, visitors in shown), default=0)
    lines = (
        Line(
            isolated(value_name(about, value)),
            bar(visitors, highest),
            number(visitors),
            page_address(site, value) if about is Dimension.PAGE else None,
        )
        for value, visitors in shown
    )
    return Listed(address(about), say(title), label(about), tuple(lines))


@dataclass
class _Feed:
    """What is sent about one site, and who waits for it."""

    watchers: int = 0
    version: int = 0
    latest: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Broadcast:
    """Looks once for all who watch a site in a language, and not at all when nobody does.

    Args:
        look: returns what a site's watchers are to see. Blocking.
        every_s: how often.
    """

    def __init__(self, look: Callable[[Site], str], every_s: float = _EVERY_S) -> None:
        self._look = look
        self._every_s = every_s
        self._feeds: dict[tuple[int, str], _Feed] = {}

    @property
    def watchers(self) -> int:
        """How many watch."""
        return sum(feed.watchers for feed in self._feeds.values())

    async def watch(self, site: Site, lifetime_s: float = _LIFETIME_S) -> AsyncGenerator[str, None]:
        """Yield what a site looks like, at once and whenever that changes.

        An empty text is a sign of life.
        """
        key = site.id, speech().language.code
        feed = self._feeds.setdefault(key, _Feed())
        feed.watchers += 1
        if feed.task is None:
            feed.task = asyncio.create_task(self._go_on(site, feed))
        ends_at_s, seen = time.monotonic() + lifetime_s, 0
        try:
            while time.monotonic() < ends_at_s:
                if feed.version > seen:
                    seen = feed.version
                    yield feed.latest
                elif not await _happens(feed.changed):
                    yield ""
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                feed.task.cancel()
                self._feeds.pop(key, None)

    async def _go_on(self, site: Site, feed: _Feed) -> None:
        while True:
            latest = await run_in_threadpool(self._look, site)
            if latest != feed.latest:
                feed.latest, feed.version = latest, feed.version + 1
                changed, feed.changed = feed.changed, asyncio.Event()
                changed.set()
            await asyncio.sleep(self._every_s)


async def _happens(event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), _SIGN_OF_LIFE_S)
    except TimeoutError:
        return False
    return True


class Events:
    """The endpoint of server-sent events."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate
        self._broadcast = Broadcast(self._event)

    def _event(self, site: Site) -> str:
        """Return what is sent to all who watch a site, as it is sent. Blocking."""
        seen = snapshot(self._parts, site)
        page = fragment("_realtime.html", site=site, geo=self._parts, **seen)
        return f"data: {json.dumps(page)}\n\n"

    async def watch(self, _request: Request) -> Response:
        """Send snapshots for some minutes; then the browser asks again by itself."""
        if self._broadcast.watchers >= _MOST_WATCHERS:
            return Response(status_code=503, headers={"Retry-After": "60"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._sent(site_asked(), who_asks()), 200, headers, "text/event-stream"
        )

    async def _sent(self, site: Site, asker: Asker) -> AsyncIterator[str]:
        yield f"retry: {_RETRY_MS}\n\n"
        async for event in self._broadcast.watch(site):
            if not await run_in_threadpool(self._gate.still_admits, asker):
                return
            yield event or ": still here\n\n"
