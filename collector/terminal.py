"""What the commands of the command line have in common."""

import contextlib
import ctypes
import os
import resource
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from collector import config as options
from collector import log
from collector.config import Config, Settings, StartError
from collector.control import Control
from collector.control_file import ControlError
from collector.serving import workers

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


@dataclass(slots=True)
class Invocation:
    """What stands before the command."""

    file: Path | None
    data: str | None

    def settings(self, **flags: object) -> Settings:
        """Load the configuration, in which flags win."""
        return options.load(self.file, os.environ, {"data": self.data} | flags)


@contextlib.contextmanager
def errors_told() -> Iterator[None]:
    """Turn an error that has a message for people into that message and exit code 1."""
    try:
        yield
    except (ControlError, StartError) as error:
        typer.echo(f"gatecount: {error}", err=True)
        raise typer.Exit(workers.CANNOT_START) from None
    except RuntimeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # DuckDB was at work: it wraps Ctrl-C
            raise error.__cause__ from None
        raise


@contextlib.contextmanager
def open_control(context: typer.Context) -> Iterator[tuple[Config, Control]]:
    """Open control.sqlite, also beside a running server, while the context lasts."""
    config = context.obj.settings().config
    prepare_process(config)
    is_new = not config.data.exists()
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"data: {config.data} cannot be made: {error.strerror}") from None
    if is_new:  # by default it is data/ of wherever one stands
        place = config.data.absolute()
        typer.echo(
            f"gatecount: {place} is new: a server on another data directory knows nothing of it",
            err=True,
        )
    control = Control.open(config.data / "control.sqlite")
    try:
        yield config, control
    finally:
        control.close()


def prepare_process(config: Config) -> None:
    """Keep files private and memory out of core dumps, and logs on the allow-list."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _shut_memory()
    log.set_up(config.log_level)


def _shut_memory() -> None:
    """Let no other process of the same user read the memory, in which day keys are: prctl(2)."""
    with contextlib.suppress(OSError, AttributeError):  # where the system cannot, it is as before
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def how_to_call(config: Config) -> str:
    """Return what to type before a command on the same data directory, from where one stands."""
    called, here = Path(sys.argv[0]).absolute(), Path.cwd()
    in_clone = called.name == "gatecount" and called.is_relative_to(here / ".venv")
    program = str(called.relative_to(here)) if in_clone else "gatecount"
    is_default = config.data == Path("data")
    return program if is_default else f"{program} --data {shlex.quote(str(config.data))}"


def busy(what: str) -> contextlib.AbstractContextManager[object]:
    """Show on a terminal that something takes a while."""
    from rich.console import Console  # noqa: PLC0415 - see print_table

    return Console(stderr=True).status(what)


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal."""
    # Not at the top: a server, which draws no table, would keep the 3 MB these take.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)
