"""Commands in this process, on a data directory of their own."""

import logging
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from collector.__main__ import cli
from tests.commands.terminal import Command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the data directory is going to be."""
    return tmp_path / "data"


@pytest.fixture
def gatecount(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Run commands on a data directory; what they do to their process is undone afterwards."""
    for name in [name for name in os.environ if name.startswith("GATECOUNT_")]:
        monkeypatch.delenv(name)
    # A hard limit, which this process would pass on to all that it starts.
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr("collector.terminal._shut_memory", lambda: None)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    root, ours = logging.getLogger(), logging.getLogger("gatecount")
    lasting = [h for h in root.handlers if not type(h).__module__.startswith("_pytest")]
    levels = root.level, ours.level
    umask = os.umask(0o077)

    def run(*arguments: str, typed: str = "", **environment: str) -> Result:
        return CliRunner().invoke(
            cli, ["--data", str(data), *arguments], input=typed, env=environment
        )

    try:
        yield run
    finally:
        os.umask(umask)
        logging.captureWarnings(capture=False)
        root.handlers = lasting
        root.level, ours.level = levels
