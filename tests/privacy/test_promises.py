"""Every promise has its tests; the one about a switch that is not there has them here."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from collector import config
from collector.anonymise import network, visitor_token
from tests.application import BROWSER, SITE, VISITOR, Started, pageview

ROOT = Path(__file__).parents[2]
PROMISES = [f"P{number}" for number in range(1, 23)]
_ROW = re.compile(r"^\| (P\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
# What somebody would call a key that never changes, or none.
_SWITCHES = re.compile(r"salt|seed|hash|anonym|pseudonym|raw|debug_visitors|no_key|static")


def kept_by(page: str) -> dict[str, list[str]]:
    """Return the files of tests that a page names for each promise."""
    return {name: re.findall(r"`([^`]+)`", tests) for name, _, tests in _ROW.findall(page)}


def without_tests(promises: dict[str, list[str]]) -> list[str]:
    """Return the promises that are missing, that name no test, or one that is not there."""
    return [
        name
        for name in PROMISES
        if not promises.get(name)
        or any("def test_" not in _text(ROOT / path) for path in promises[name])
    ]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_every_promise_has_its_tests() -> None:
    """By the table of PRIVACY.md, which is for people outside, too."""
    promises = kept_by((ROOT / "PRIVACY.md").read_text(encoding="utf-8"))
    assert list(promises) == PROMISES
    assert without_tests(promises) == []


def test_a_promise_without_a_test_is_noticed() -> None:
    """A row that is gone, one without a file, a file that is gone or has no test."""
    promises = kept_by((ROOT / "PRIVACY.md").read_text(encoding="utf-8"))
    del promises["P3"]
    faulty = {"P1": [], "P2": ["tests/privacy/test_gone.py"], "P4": ["tests/house.py"]}
    assert without_tests(promises | faulty) == ["P1", "P2", "P3", "P4"]


OPTIONS = {
    "allow_third_party": True,
    "small_cells": 1,
    "flood_limit": 1_000_000,
    "log_level": "debug",
    "trusted_proxies": "127.0.0.1",
}


def test_no_option_turns_keying_off(started: Started) -> None:
    """P22: however weak everything is set, a token is of its day, and no fixed key makes it."""
    assert not [option.name for option in config.OPTIONS if _SWITCHES.search(option.name)]
    with started(**OPTIONS) as whole:
        for _ in range(3):
            whole.post(pageview("/"))
            whole.clock.now += timedelta(days=1)
        tokens = {event.token for event in whole.events()}
    assert len(tokens) == 3
    weak_keys = (bytes(32), b"\xff" * 32, SITE.encode().ljust(32, b"\0"))
    address = network(VISITOR)
    assert tokens.isdisjoint(visitor_token(key, SITE, address, BROWSER) for key in weak_keys)


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33)])
def test_there_is_no_token_without_a_whole_key(key: bytes) -> None:
    """BLAKE2b itself would take them."""
    with pytest.raises(ValueError, match="a day key has 32 bytes"):
        visitor_token(key, SITE, network(VISITOR), BROWSER)
