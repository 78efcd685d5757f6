"""Commands as they are typed, run in this process, and what they say."""

from typing import Protocol

from typer.testing import Result


class Command(Protocol):
    """Runs a command in this process."""

    def __call__(self, *arguments: str, typed: str = "", **environment: str) -> Result:
        """Return what came of it; `typed` is standard input."""


def told(result: Result) -> str:
    """Return the message a command stopped with."""
    assert result.exit_code == 1, result
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    assert result.stderr.startswith("gatecount: ")
    return result.stderr.removeprefix("gatecount: ").strip()
