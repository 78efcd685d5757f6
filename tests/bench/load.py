"""How fast the loader is, on one core, with a million events already live.

    python tests/bench/load.py [--live 1000000] [--rows 100000]

Prints rows a second by the size of a batch, next to what it costs DuckDB to read the same lines
and do nothing with them. Times are processor seconds of this process, which does nothing else.
"""

import argparse
import itertools
import os
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from collector.journal import Event, line
from collector.load import Loader
from collector.store import Store

SITE, DATE = 1, "2026-11-24"
START_US = 1_795_478_400_000_000  # its midnight, UTC
DAY_US = 86_400 * 1_000_000


def events(
    count: int, rng: random.Random, first_us: int, last_us: int, site: int = SITE
) -> Iterator[bytes]:
    """Yield journal lines of one day in order of time: visitors come and stay for five events."""
    step_us = (last_us - first_us) / count
    midnight_us = first_us // DAY_US * DAY_US
    date = datetime.fromtimestamp(first_us / 1_000_000, UTC).date().isoformat()
    present: list[int] = []
    for number in range(count):
        if len(present) < 500 or rng.random() < 0.2:
            present.append(rng.getrandbits(64))
        if len(present) > 1000:
            present.pop(0)
        at_us = first_us + int(number * step_us)
        page = int(rng.paretovariate(0.7)) % 20_000
        yield line(
            Event(
                site=site,
                date=date,
                hour=(at_us - midnight_us) // 3_600_000_000,
                at_us=at_us,
                token=rng.choice(present),
                name="pageview",
                host="bench.example",
                path=f"/section-{page % 17}/a-story-called-{page:x}",
                source=rng.choice(["", "Google", "Bing", "Hacker News"]),
                channel=rng.choice(["direct", "search", "referral"]),
                country=rng.choice(["DE", "FR", "US", "GB"]),
                device=rng.choice(["desktop", "mobile"]),
                browser=rng.choice(["Chrome", "Safari", "Firefox"]),
                os=rng.choice(["Windows", "iOS", "Linux"]),
                screen="lg",
            )
        )


def write_chunk(directory: Path, number: int, lines: list[bytes]) -> Path:
    """Write a chunk of the journal, later than those with a smaller number."""
    chunk = directory / f"20261124T{number:012d}-00000000.jsonl"
    chunk.write_bytes(b"".join(lines))
    return chunk


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--live", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {0})
    rng = random.Random(11)
    half_us = START_US + DAY_US // 2
    console = Console(width=100)
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as folder:
        journal = Path(folder) / "journal"
        journal.mkdir()
        store = Store(Path(folder) / "data", memory_limit_mib=512, threads=1)
        loader = Loader(journal, store)
        chunks = itertools.count()
        before = events(asked.live, rng, START_US, half_us)
        for _ in track(range(asked.live // 50_000), "Loading what is live"):
            write_chunk(journal, next(chunks), list(itertools.islice(before, 50_000)))
            loader.load()
        table = Table(box=None, pad_edge=False)
        for column in ("batch", "rows/s", "rows/s of reading alone", "ratio"):
            table.add_column(column, justify="right")
        for batch in (1_000, 10_000):
            later = events(asked.rows, rng, half_us, half_us + DAY_US // 4)
            loading_s = reading_s = 0.0
            for _ in range(asked.rows // batch):
                chunk = write_chunk(journal, next(chunks), list(itertools.islice(later, batch)))
                begun = time.process_time()
                loader.load()
                loading_s += time.process_time() - begun
                begun = time.process_time()
                with store.writing() as session:
                    session.run("load_batch", file=str(_copied(chunk, store.scratch)))
                    session.query("DROP TABLE batch")
                reading_s += time.process_time() - begun
            loading, reading = asked.rows / loading_s, asked.rows / reading_s
            table.add_row(
                f"{batch:,}", f"{loading:,.0f}", f"{reading:,.0f}", f"{loading / reading:.2f}"
            )
        console.print(table)
        store.close()


def _copied(chunk: Path, scratch: Path) -> Path:
    copy = scratch / "again.jsonl"
    copy.write_bytes(chunk.read_bytes())
    return copy


if __name__ == "__main__":
    main()
