"""What the commands `backup`, `restore` and `export` show: how far they are, and what they did."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from collector.care import backup
from collector.care.backup import Backup
from collector.care.export import Exported

_T = TypeVar("_T")


def _bars() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # cron's mails have no bars
    )


def bar(what: str) -> Callable[[int, int], None]:
    """Return what shows how much of how much is done, until all is."""
    bars = _bars()
    task = bars.add_task(what, total=None)
    bars.start()

    def show(done: int, total: int) -> None:
        bars.update(task, completed=done, total=total)
        if done >= total:
            bars.stop()

    return show


def shown(steps: Iterable[backup.Progress | _T]) -> _T:
    """Show how far something is, on standard error; return what it ends with."""
    bars = _bars()
    made: _T | None = None
    with bars:
        task = bars.add_task("Beginning", total=None)
        for step in steps:
            if isinstance(step, backup.Progress):
                bars.update(task, description=step.what, completed=step.done, total=step.total)
            else:
                made = step
    assert made is not None  # noqa: S101 - the last step is what was made
    return made


def told(made: Backup) -> list[str]:
    """Return what is in a backup, a line each."""
    held = made.archive
    span = f", {held.first_day} to {held.last_day}" if held.days else ""
    lines = [
        f"made at         {made.made_at:%Y-%m-%d %H:%M} UTC by gatecount {made.version}",
        f"sites           {made.sites:,}",
        f"sealed days     {held.days:,}{span}",
        f"visits          {held.visits:,}",
        f"events          {held.events:,}",
    ]
    chunks = [file for file in made.files if file.name.startswith("journal/")]
    if made.has_unsealed:
        size = decimal(sum(file.size_bytes for file in chunks))
        lines.append(f"unsealed        {len(chunks):,} chunks of the journal, {size}")
    lines += [f"{f.name:<16}{decimal(f.size_bytes)}" for f in made.files if f not in chunks]
    return lines


def told_of_export(made: Exported) -> str:
    """Return what was exported, in a sentence."""
    size = decimal(made.size_bytes)
    return f"{made.visits:,} visits and {made.events:,} events in {made.files:,} files, {size}."
