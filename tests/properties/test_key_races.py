"""Many processes that race for a day's key always agree on one whole key."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

PROCESSES = 6
ZONES = 60
DEADLINE_S = 120

# Each process opens the directory, says so, waits for the word, and asks for the same keys in an
# order of its own. It prints a digest of each key, and "made" for those that it made.
RACER = """
import hashlib, random, sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones
from collector.keys import KeyStore, local_date

directory, seed, zones, now = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
now = datetime.fromisoformat(now)
names = sorted(name for name in available_timezones() if name.startswith("A"))[:zones]
if seed % 2:
    random.Random(seed).shuffle(names)
store = KeyStore.open(directory, lambda zone, day: print("made", zone, day))
print("ready", flush=True)
sys.stdin.readline()
for name in names:
    key = bytes(store.key(name, local_date(name, now), now))
    print("key", name, local_date(name, now), hashlib.sha256(key).hexdigest(), len(key))
    if seed == 0:
        store.destroy_expired(now)
"""
# Two processes destroy what is over while others still ask for what is not.
DESTROYER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from collector.keys import KeyStore

store = KeyStore.open(Path(sys.argv[1]))
now = datetime.fromisoformat(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(200):
    for name in store.destroy_expired(now):
        print("destroyed", name.timezone, name.date)
"""


def _started(program: str, directory: Path, number: int, now: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(directory), str(number), str(ZONES), now],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _race(racers: list[subprocess.Popen[str]]) -> list[list[str]]:
    """Let all go at once; return their lines, word by word."""
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        lines = []
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        for racer in racers:
            out, err = racer.communicate(timeout=DEADLINE_S)
            assert racer.returncode == 0, err
            lines += [line.split() for line in out.splitlines()]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    return lines


@pytest.mark.parametrize("round_", range(3))
def test_racing_processes_agree_on_one_whole_key_for_each_day(tmp_path: Path, round_: int) -> None:
    """Each was made exactly once, and no temporary file is left."""
    directory = tmp_path / "keys"
    now = f"2026-11-24T12:00:0{round_}+00:00"
    lines = _race([_started(RACER, directory, number, now) for number in range(PROCESSES)])
    digests: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    makers: defaultdict[tuple[str, str], int] = defaultdict(int)
    for kind, zone, day, *rest in lines:
        if kind == "key":
            digests[zone, day].append(rest[0])
            assert rest[1] == "32"
        else:
            makers[zone, day] += 1
    assert len(digests) == ZONES
    assert all(len(seen) == PROCESSES and len(set(seen)) == 1 for seen in digests.values())
    assert len({seen[0] for seen in digests.values()}) == ZONES
    assert makers == dict.fromkeys(digests, 1)
    assert all(path.suffix == ".key" for path in directory.iterdir())
    assert all(path.stat().st_size == 32 for path in directory.iterdir())


def test_racing_destroyers_end_each_key_once_and_no_other(tmp_path: Path) -> None:
    """While others make today's."""
    directory = tmp_path / "keys"
    yesterday = "2026-11-23T12:00:00+00:00"
    now = "2026-11-25T12:00:00+00:00"
    old = _race([_started(RACER, directory, 2, yesterday)])
    for number in range(20):
        stray = directory / f"{number:032x}.tmp"
        stray.write_bytes(bytes(32))
        os.utime(stray, (0, 0))
    made = {(zone, day) for kind, zone, day, *_ in old if kind == "made"}
    lines = _race(
        [
            *(_started(DESTROYER, directory, number, now) for number in range(2)),
            *(_started(RACER, directory, number, now) for number in range(1, 4)),
        ]
    )
    destroyed = [(zone, day) for kind, zone, day, *_ in lines if kind == "destroyed"]
    assert sorted(destroyed) == sorted(made)
    digests = defaultdict(set)
    for kind, zone, day, *rest in lines:
        if kind == "key":
            digests[zone, day].add(rest[0])
    assert len(digests) == ZONES
    assert all(len(seen) == 1 for seen in digests.values())
    assert len([path for path in directory.iterdir() if path.suffix == ".key"]) == ZONES
