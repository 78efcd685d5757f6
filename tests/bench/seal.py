"""How long a large day takes to be sealed, and how much memory.

    python tests/bench/seal.py [--events 1000000] [--memory-limit 512] [--threads 2]

Makes a day of one site in the live store, with pageviews, custom events and the engagement that
becomes part of them, and seals it as the server does, with its default limit of memory. Prints
seconds, and by how many MiB the memory of this process rose at most.
"""

import argparse
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from collector.control import Control
from collector.load import Loader
from collector.made_up import habits, history
from collector.seal import Sealer
from collector.store import Store

_NOW = datetime(2026, 11, 25, 1, tzinfo=UTC)


def _memory_mib(of: str) -> float:
    """Return a line of this process's status, `VmRSS` or since the last reset `VmHWM`."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kib,) = (line.split()[1] for line in status.splitlines() if line.startswith(f"{of}:"))
    return int(kib) / 1024


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--memory-limit", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    plan = history.Plan(events=asked.events, days=1, sites=1, seed=1)
    table = Table("events", "lines", "day sealed, s", "tidied up, s", "rose by, MiB", box=None)
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as folder:
        data = Path(folder)
        journal = data / "journal"
        journal.mkdir()
        with (
            closing(Control.open(data / "control.sqlite")) as control,
            closing(
                Store(data, memory_limit_mib=asked.memory_limit, threads=asked.threads)
            ) as store,
        ):
            (domain,) = history.domains(plan)
            site = control.add_site(domain, "UTC", _NOW - timedelta(days=9)).id
            (day,) = history.days(plan, [site], _NOW)
            with store.writing() as session:
                habits.prepare(session)
            with store.writing() as session:
                day.make(session)
            with store.snapshot() as session:
                ((lines,),) = session.query("SELECT count(*) FROM live.events")
            store.release_memory()
            sealer = Sealer(journal, store, Loader(journal, store), control)
            before_mib = _memory_mib("VmRSS")
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see proc(5)
            begun = time.perf_counter()
            sealer.seal_day(site, day.date, _NOW)
            sealed = time.perf_counter()
            sealer.clean_up()
            ended = time.perf_counter()
            with store.snapshot() as session:
                ((events,),) = session.query("SELECT count(*) FROM archive.events")
            table.add_row(
                f"{events:,}",
                f"{lines:,}",
                f"{sealed - begun:.1f}",
                f"{ended - sealed:.1f}",
                f"{_memory_mib('VmHWM') - before_mib:.0f}",
            )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
