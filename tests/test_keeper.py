"""The thread that loads and seals: by a clock that can be believed, and in whatever trouble."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from collector import keeper
from tests.application import Clock
from tests.house import House, event
from tests.serving import wait_until

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@contextlib.asynccontextmanager
async def keeping(
    here: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Have a keeper turn, and seal, twenty times a second."""
    monkeypatch.setattr(keeper, "_LOAD_EVERY_S", 0.05)
    monkeypatch.setattr(keeper, "_SEAL_EVERY_S", 0.0)
    async with here.keeper(clock).running():
        yield


async def until(is_so: Callable[[], bool]) -> None:
    """Return once a condition holds; the keeper's thread does not say when."""
    await asyncio.to_thread(wait_until, is_so)


async def loaded_by_the_keeper(here: House, token: int) -> None:
    """Append two events, one after the other, and wait until each is loaded: a turn is over."""
    for number in (token, token + 1):
        here.append("held", event(1, NOON, token=number))
        wanted = f"SELECT count(*) FROM live.events WHERE token = {number}"
        await until(partial(_finds_one, here, wanted))


def _finds_one(here: House, wanted: str) -> bool:
    return here.rows(wanted) == [(1,)]


def sealed(here: House) -> int:
    """Return how many days are sealed."""
    return len(here.rows("SELECT 1 FROM archive.sealed"))


def test_the_keeper_loads_and_seals(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that can be believed."""
    site = here.site()
    here.load(event(site, NOON - timedelta(days=1)))

    async def keep() -> None:
        async with keeping(here, Clock(NOON), monkeypatch):
            await until(lambda: sealed(here) == 1)
            await loaded_by_the_keeper(here, 10)

    asyncio.run(keep())


def test_a_clock_that_jumps_seals_nothing(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Loading goes on meanwhile."""
    here.site()
    here.load(event(1, NOON))

    async def keep() -> None:
        clock = Clock(NOON)
        async with keeping(here, clock, monkeypatch):
            await loaded_by_the_keeper(here, 10)
            clock.turn(days=2)
            await loaded_by_the_keeper(here, 20)
            await loaded_by_the_keeper(here, 30)

    asyncio.run(keep())
    assert [record.message for record in caplog.records] == ["clock_jumped"]
    assert sealed(here) == 0


def test_a_clock_behind_what_is_on_record_seals_nothing(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A day that would be due by it stays."""
    caplog.set_level(logging.WARNING)
    here.site()
    here.load(event(1, NOON - timedelta(days=3)), event(1, NOON))

    async def keep() -> None:
        async with keeping(here, Clock(NOON - timedelta(days=1)), monkeypatch):
            await loaded_by_the_keeper(here, 10)
            await loaded_by_the_keeper(here, 20)

    asyncio.run(keep())
    assert [record.message for record in caplog.records] == ["clock_jumped"]
    assert sealed(here) == 0


def test_a_keeper_that_is_refused_something_tries_again(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a place for what it loads; the journal keeps all."""
    here.site()

    async def keep() -> None:
        async with keeping(here, Clock(NOON), monkeypatch):
            here.store.scratch.rename(here.folder / "away")
            here.append("held", event(1, NOON))
            await until(lambda: len(caplog.records) > 1)
            assert here.rows("SELECT count(*) FROM live.events") == [(0,)]
            (here.folder / "away").rename(here.store.scratch)
            await loaded_by_the_keeper(here, 10)

    asyncio.run(keep())
    assert {record.message for record in caplog.records} == {"store_refused"}
    assert here.rows("SELECT count(*) FROM live.events") == [(3,)]


def test_a_keeper_that_fails_ends_the_process(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As nothing would be shown or sealed any more: it tells so, and asks for an orderly end."""
    asked = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())

    class Broken(Clock):
        def __call__(self) -> float:
            raise ZeroDivisionError

    async def keep() -> None:
        async with keeping(here, Broken(NOON), monkeypatch):
            await until(asked.is_set)

    try:
        asyncio.run(keep())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [(r.message, r.levelno) for r in caplog.records] == [("keeper_failed", logging.CRITICAL)]
