"""The two stores without what is around them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from collector.store import Store


@contextlib.contextmanager
def opened(data: Path) -> Iterator[Store]:
    """Open the stores of a data directory."""
    with contextlib.closing(Store(data, memory_limit_mib=128, threads=1)) as store:
        yield store


def query(store: Store, text: str) -> list[tuple[object, ...]]:
    """Ask the stores."""
    with store.snapshot() as session:
        return session.query(text)


def write(store: Store, text: str) -> None:
    """Change a store."""
    with store.writing() as session:
        session.query(text)
