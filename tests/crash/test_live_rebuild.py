"""A live store that was damaged while nobody served is loaded again: the numbers are as before."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crash.nursery import Clock, Nursery
from tests.crash.witness import Witness, chance
from tests.serving import SITE, Installation, Server, installation, wait_until

MIDNIGHT = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)  # in Kolkata, in the middle of a chunk
DAYS = (MIDNIGHT.date(), MIDNIGHT.date() + timedelta(days=1))
EVENTS = 100  # of each day
LIVE, WAL = "live.duckdb", "live.duckdb.wal"
Damage = Callable[[bytes], bytes]


def noise(start: float, end: float) -> Damage:
    """Return what overwrites a file with noise between two parts of its length."""

    def damage(whole: bytes) -> bytes:
        first, last = int(len(whole) * start), int(len(whole) * end)
        return whole[:first] + chance(first).randbytes(last - first) + whole[last:]

    return damage


def cut(end: float) -> Damage:
    """Return what cuts a file off at a part of its length."""
    return lambda whole: whole[: int(len(whole) * end)]


@dataclass(frozen=True, slots=True)
class Left:
    """What a server left behind, and what it had shown."""

    data: Path
    clock: Clock
    witness: Witness
    numbers: list[dict[str, Any]]


def numbers(server: Server) -> list[dict[str, Any]]:
    """Return everything there is to know about each day."""
    metrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]
    days = [day.isoformat() for day in DAYS]
    return server.query(metrics=metrics, dimensions=["time:day"], date_range=days)


def post(server: Server, witness: Witness) -> None:
    """Post events and wait until they are shown."""
    with server.visitor() as visitor:
        assert {witness.post(visitor, SITE) for _ in range(EVENTS)} == {202}
    witness.check(server, SITE, *DAYS)


def lived(nurse: Nursery, here: Installation, *, is_killed: bool) -> Left:
    """Serve from before a midnight until that day is sealed; two days share a chunk."""
    clock, witness = Clock(here.folder / "clock"), Witness()
    here.add_site(SITE, "Asia/Kolkata")
    clock.turn(MIDNIGHT - timedelta(minutes=5))
    with nurse.serving(here, clock) as server:
        post(server, witness)
        clock.turn(MIDNIGHT + timedelta(minutes=5))
        post(server, witness)
        clock.turn(MIDNIGHT + timedelta(hours=2))
        wait_until(lambda: "day_sealed" in server.said(), "sealing")
        post(server, witness)
        shown = numbers(server)
        if is_killed:
            server.kill()
    assert (here.data / WAL).exists() == is_killed
    return Left(here.data, clock, witness, shown)


@pytest.fixture(scope="module")
def stopped(nurse: Nursery, ram_of_module: Path) -> Iterator[Left]:
    """Leave everything in the file, as a server does that is asked to stop."""
    with installation(ram_of_module / "stopped") as here:
        yield lived(nurse, here, is_killed=False)


@pytest.fixture(scope="module")
def killed(nurse: Nursery, ram_of_module: Path) -> Iterator[Left]:
    """Leave the last events in the WAL."""
    with installation(ram_of_module / "killed") as here:
        yield lived(nurse, here, is_killed=True)


def is_as_before(nurse: Nursery, here: Installation, left: Left) -> bool:
    """Serve what is there; tell whether the live store was moved aside for it."""
    witness = Witness(left.witness.sent, left.witness.acknowledged)  # nothing is shown yet
    with nurse.serving(here, left.clock) as server:
        witness.check(server, SITE, *DAYS)
        assert numbers(server) == left.numbers
        return "live_store_unreadable" in server.said()


def spoil(file: Path, damage: Damage) -> None:
    """Put a damaged file into the place of a good one."""
    file.write_bytes(damage(file.read_bytes()))


@pytest.mark.parametrize(
    "damage",
    [noise(0, 0.02), noise(0.3, 0.9), noise(0, 1), cut(0.5)],
    ids=["noise at its start", "noise in its middle", "noise all over", "only a half left"],
)
def test_a_damaged_live_file_is_moved_aside_and_loaded_again(
    nurse: Nursery, here: Installation, stopped: Left, damage: Damage
) -> None:
    """The day that is sealed is not loaded again, though its events are in the journal still."""
    shutil.copytree(stopped.data, here.data)
    spoil(here.data / LIVE, damage)
    assert is_as_before(nurse, here, stopped)
    assert (here.data / "live.unreadable.duckdb").exists()


@pytest.mark.parametrize(
    "damage",
    [noise(0, 0.1), noise(0.4, 0.6), cut(0.5)],
    ids=["noise at its start", "noise in its middle", "only a half left"],
)
def test_a_damaged_wal_costs_no_event(
    nurse: Nursery, here: Installation, killed: Left, damage: Damage
) -> None:
    """What can be read of it is true, and the ledger in it says what of the journal it lacks."""
    shutil.copytree(killed.data, here.data)
    spoil(here.data / WAL, damage)
    is_as_before(nurse, here, killed)


def test_a_wal_without_its_file_costs_no_event(
    nurse: Nursery, here: Installation, killed: Left
) -> None:
    """Nor does it bring one back into the file that takes its place."""
    shutil.copytree(killed.data, here.data)
    (here.data / LIVE).unlink()
    is_as_before(nurse, here, killed)
