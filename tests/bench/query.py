"""How fast questions are answered: each panel of a dashboard, and all of it, warm, on two threads.

    python tests/bench/query.py [--data DIRECTORY] [--events 100000000] [--days 365]
        [--runs 15] [--live 1000000]

Builds a made-up history in DIRECTORY, and events of one day that is not over in its `live`, unless
they are there already. Prints p50 and p95 in ms of each panel over that day, 28 days and all days,
and of the dashboard that asks for all of them at once, without a filter and, over sealed days, with
filters that keep about 1, 10 and 50 % of the visits. With `chdb` installed (it is no dependency),
ClickHouse answers the same out of the same events, copied to it as wide rows, once warm and once
measured, and the ratio of the whole dashboards is printed.
"""

import argparse
import importlib.util
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from collector.load import Loader
from collector.question import (
    EVERYTHING,
    Condition,
    Dimension,
    Field,
    Filter,
    Metric,
    Operator,
    Period,
    Query,
    TooSlowError,
)
from collector.stats import Stats
from collector.store import Store
from tests.bench import load

_TOTALS = (
    Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.BOUNCE_RATE, Metric.VISIT_DURATION,
)  # fmt: skip
_METRICS = {  # of panels that ask for others than visitors and visits: as the dashboard does
    "totals": _TOTALS,
    "series": _TOTALS,
    "pages": (Metric.VISITORS, Metric.PAGEVIEWS),
    "events": (Metric.VISITORS, Metric.EVENTS),
}
_TOGETHER = 50_000  # live events are loaded
_LIMIT = 61  # as the dashboard's cards
_PANELS: dict[str, tuple[Field, ...]] = {
    "totals": (),
    "series": (Dimension.DAY,),
    "pages": (Dimension.PAGE,),
    "entry pages": (Dimension.ENTRY_PAGE,),
    "sources": (Dimension.SOURCE,),
    "channels": (Dimension.CHANNEL,),
    "countries": (Dimension.COUNTRY,),
    "devices": (Dimension.DEVICE,),
    "browsers": (Dimension.BROWSER,),
    "events": (Dimension.NAME,),
}
# Panel -> the table and column that ClickHouse groups by.
_CLICKHOUSE = {
    "totals": ("visits", "''"),
    "series": ("visits", "toString(date)"),
    "pages": ("actions", "path"),
    "entry pages": ("visits", "entry_page"),
    "sources": ("visits", "source"),
    "channels": ("visits", "channel"),
    "countries": ("visits", "country"),
    "devices": ("visits", "device"),
    "browsers": ("visits", "browser"),
    "events": ("actions", "name"),
}
_COLUMNS = {Dimension.PAGE: "path", Dimension.SOURCE: "source", Dimension.DEVICE: "device"}
_WIDE = (
    "date, visitor, visit, duration_s, is_bounce, i.path AS entry_page, source, channel, country,"
    " device, browser"
)


@dataclass(frozen=True)
class Case:
    """A period and what is filtered for."""

    name: str
    period: Period
    filters: Filter = EVERYTHING


def built(data: Path, events: int, days: int) -> None:
    """Build the history unless it is there."""
    if not (data / "archive.duckdb").exists():
        numbers = ["--events", str(events), "--days", str(days), "--sites", "1"]
        command = [sys.executable, "-m", "collector", "--data", str(data), "demo", *numbers]
        subprocess.run(command, check=True)


def loaded(data: Path, events: int) -> None:
    """Have the loader load events of one day unless it has."""
    if (data / "live.duckdb").exists():
        return
    journal = data / "journal"
    journal.mkdir(parents=True)
    with closing(Store(data, memory_limit_mib=1024, threads=2)) as store:
        loader = Loader(journal, store)
        coming = load.events(events, Random(11), load.START_US, load.START_US + load.DAY_US)
        for number in track(range(math.ceil(events / _TOGETHER)), "Loading what is live"):
            load.write_chunk(journal, number, list(islice(coming, _TOGETHER)))
            loader.load()


@dataclass(frozen=True)
class Engine:
    """What is asked: for one panel, and for all of a dashboard at once."""

    panel: Callable[[str, Case], None]
    dashboard: Callable[[Case], None] | None  # None if that is one panel after the other


def ours(stats: Stats, site: int) -> Engine:
    """Return what asks our engine."""

    def query(panel: str, case: Case) -> Query:
        dimensions = _PANELS[panel]
        metrics = _METRICS.get(panel, (Metric.VISITORS, Metric.VISITS))
        limit = _LIMIT if dimensions and panel != "series" else 10_000
        return Query(site, metrics, dimensions, case.period, case.filters, limit=limit)

    def ask(*queries: Query) -> None:
        for answer in stats.reports(queries):
            if isinstance(answer, TooSlowError):
                raise answer

    return Engine(
        lambda panel, case: ask(query(panel, case)),
        lambda case: ask(*(query(panel, case) for panel in _PANELS)),
    )


def clickhouse(session: Any) -> Engine:  # noqa: ANN401 - an optional library
    """Return what asks ClickHouse the same."""

    def answer(panel: str, case: Case) -> None:
        table, column = _CLICKHOUSE[panel]
        where = f"date BETWEEN '{case.period.first}' AND '{case.period.last}'"
        if isinstance(case.filters, Condition):
            name, value = _COLUMNS[case.filters.field], case.filters.values[0]  # type: ignore[index]
            kept = f"{name} = '{value}'"
            if name == "path" and table == "visits":
                inner = f"SELECT date, visitor, visit FROM actions WHERE {where} AND {kept}"
                kept = f"(date, visitor, visit) IN ({inner})"
            where += f" AND {kept}"
        numbers = "uniqExact(date, visitor) AS v"
        if panel in {"totals", "series"}:
            numbers += ", count(), sum(pageviews), avg(is_bounce), avg(duration_s)"
        elif panel == "pages":
            numbers += ", countIf(name = 'pageview')"
        else:
            numbers += ", count()"
        session.query(
            f"SELECT {column} AS k, {numbers} FROM {table} WHERE {where} GROUP BY k"
            f" ORDER BY v DESC LIMIT {10_000 if panel == 'series' else _LIMIT}"
        )

    return Engine(answer, None)


def copied(store: Store, folder: Path) -> Any:  # noqa: ANN401 - an optional library
    """Return a ClickHouse session that holds the same events as wide rows, and visits beside."""
    chdb = importlib.import_module("chdb.session")
    place = folder / "clickhouse"
    is_copied = place.exists()
    session = chdb.Session(str(place))
    session.query("SET max_threads = 2")
    if is_copied:
        return session
    joined = (
        " JOIN archive.pages i ON i.site = v.site AND i.page = v.entry_page"
        " JOIN archive.arrivals a ON a.site = v.site AND a.arrival = v.arrival"
    )
    order = "ORDER BY date, visitor"
    selects = {
        "visits": f"SELECT {_WIDE}, pageviews FROM archive.visits v{joined} {order}",
        "actions": f"SELECT {_WIDE}, name, p.path FROM archive.events e"
        f" JOIN archive.visits v USING (site, date, visitor, visit){joined}"
        f" JOIN archive.pages p ON p.site = v.site AND p.page = e.page {order}",
    }
    for table, select in selects.items():
        file = store.scratch / f"{table}.parquet"
        with store.snapshot() as reading:
            reading.query(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
        session.query(
            f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY (date, visitor)"
            f" AS SELECT * FROM file('{file}', Parquet)"
            " SETTINGS schema_inference_make_columns_nullable = 0"
        )
        session.query(f"OPTIMIZE TABLE {table} FINAL")
        file.unlink()
    return session


def cases(stats: Stats, site: int, last: date, days: int) -> list[Case]:
    """Return the periods, and for each the filters whose share comes closest to 1, 10 and 50 %."""
    found = []
    for name, first in (("28 days", last - timedelta(days=27)), (f"{days} days", None)):
        period = Period(first or last - timedelta(days=days - 1), last)
        found.append(Case(name, period))
        ((everything,),) = (
            row.metrics for row in stats.report(Query(site, (Metric.VISITS,), (), period)).rows
        )
        shares = ((0.01, Dimension.PAGE), (0.1, Dimension.SOURCE), (0.5, Dimension.DEVICE))
        for share, dimension in shares:
            rows = stats.report(Query(site, (Metric.VISITS,), (dimension,), period)).rows
            wanted = share * (everything or 0)
            best = min(rows, key=lambda row: abs((row.metrics[0] or 0) - wanted))
            kept = 100 * (best.metrics[0] or 0) / (everything or 1)
            only = Condition(Operator.IS, dimension, best.dimensions)
            found.append(Case(f"{name}, {kept:.0f} % {dimension.name.lower()}", period, only))
    return found


def measured(engine: Engine, case: Case, runs: int) -> dict[str, list[float]]:
    """Return milliseconds by panel; `dashboard` is all of them in one go."""
    asked: dict[str, Callable[[], None]] = {
        panel: partial(engine.panel, panel, case) for panel in _PANELS
    }
    if engine.dashboard is not None:
        asked["dashboard"] = partial(engine.dashboard, case)
    times: dict[str, list[float]] = {name: [] for name in asked}
    for run in range(runs + 1):
        for name, ask in asked.items():
            before = time.perf_counter()
            try:
                ask()
            except TooSlowError:  # given up after the default limit
                return {name: [math.inf] for name in asked}
            if run:  # the first warms up
                times[name].append(1000 * (time.perf_counter() - before))
    if engine.dashboard is None:
        times["dashboard"] = [math.fsum(run) for run in zip(*times.values(), strict=True)]
    return times


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path(tempfile.gettempdir()) / "gatecount-bench"
    )
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--live", type=int, default=1_000_000)
    asked = parser.parse_args()
    built(asked.data, asked.events, asked.days)
    live = asked.data / "live"
    loaded(live, asked.live)
    console = Console(width=230)
    table = Table(box=None, pad_edge=False)
    for column in ("ms, p50 / p95", "", *_PANELS, "dashboard", "ratio"):
        table.add_column(column, no_wrap=True)
    with closing(Store(live, memory_limit_mib=1024, threads=2)) as store:
        today = date.fromisoformat(load.DATE)
        case = Case(f"today, {asked.live:,} live", Period(today, today))
        table.add_row(
            case.name, "ours", *_row(measured(ours(Stats(store), load.SITE), case, asked.runs))
        )
    with closing(Store(asked.data, memory_limit_mib=1024, threads=2)) as store:
        stats = Stats(store)
        with store.snapshot() as session:
            ((site, last, events),) = session.query(
                "SELECT site, max(date), sum(events)::BIGINT FROM archive.sealed GROUP BY site"
            )
        size = (asked.data / "archive.duckdb").stat().st_size
        console.print(f"{events:,} events, {size / events:.1f} bytes each")
        engines = {"ours": ours(stats, site)}
        if importlib.util.find_spec("chdb") is not None:
            engines["ClickHouse"] = clickhouse(copied(store, asked.data))
        for case in track(cases(stats, site, last, asked.days), "Asking", transient=True):
            medians = {}
            for name, engine in engines.items():
                times = measured(engine, case, asked.runs if name == "ours" else 1)
                medians[name] = statistics.median(times["dashboard"])
                ratio = f"{medians[name] / medians['ours']:.1f}" if name != "ours" else ""
                table.add_row(case.name, name, *_row(times), ratio)
    console.print(table)


def _row(times: dict[str, list[float]]) -> Iterator[str]:
    for panel in (*_PANELS, "dashboard"):
        ordered = sorted(times[panel])
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        yield f"{statistics.median(ordered):,.0f} / {p95:,.0f}"


if __name__ == "__main__":
    main()
