"""Every promise has its tests, and each of these a planted leak to find; the last ones are here."""

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


def planted_by(page: str) -> dict[str, list[str]]:
    """Return the tests that a page names for each promise, as `file::test`."""
    found = re.findall(r"^\| (P\d+) \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    return {name: re.findall(r"`([^`]+)`", tests) for name, tests in found}


def without_a_leak(promises: dict[str, list[str]]) -> list[str]:
    """Return the promises for which no test that plants a leak is named, or none that is there."""
    return [
        name
        for name in PROMISES
        if not promises.get(name) or not all(map(_is_a_test, promises[name]))
    ]


def _is_a_test(named: str) -> bool:
    path, _, test = named.partition("::")
    return f"def {test}(" in _text(ROOT / path) and test.startswith("test_")


def test_every_promise_has_a_leak_that_its_tests_find() -> None:
    """By the table beside this file."""
    planted = planted_by((ROOT / "tests/privacy/README.md").read_text(encoding="utf-8"))
    assert list(planted) == PROMISES
    assert without_a_leak(planted) == []


def test_a_promise_without_a_leak_is_noticed() -> None:
    """A row that is gone, one without a test, a test that is gone, and what is none."""
    planted = planted_by((ROOT / "tests/privacy/README.md").read_text(encoding="utf-8"))
    del planted["P3"]
    here = "tests/privacy/test_promises.py"
    faulty = {"P1": [], "P2": [f"{here}::test_gone"], "P4": [f"{here}::kept_by"]}
    assert without_a_leak(planted | faulty) == ["P1", "P2", "P3", "P4"]


OPTIONS = {
    "allow_third_party": True,
    "small_cells": 1,
    "flood_limit": 1_000_000,
    "log_level": "debug",
    "trusted_proxies": "127.0.0.1",
}


WEAK_KEYS = (bytes(32), b"\xff" * 32, SITE.encode().ljust(32, b"\0"))


def weak_tokens() -> set[int]:
    """Return the tokens that keys would make which anybody knows."""
    return {visitor_token(key, SITE, network(VISITOR), BROWSER) for key in WEAK_KEYS}


def test_no_option_turns_keying_off(started: Started) -> None:
    """P22: however weak everything is set, a token is of its day, and no fixed key makes it."""
    assert not [option.name for option in config.OPTIONS if _SWITCHES.search(option.name)]
    with started(**OPTIONS) as whole:
        for _ in range(3):
            whole.post(pageview("/"))
            whole.clock.now += timedelta(days=1)
        tokens = {event.token for event in whole.events()}
    assert len(tokens) == 3
    assert tokens.isdisjoint(weak_tokens())


@pytest.mark.parametrize("name", ["salt", "hash_seed", "raw_addresses", "anonymise", "static_key"])
def test_an_option_that_sounds_like_one_would_be_noticed(name: str) -> None:
    """Whatever it is called."""
    assert _SWITCHES.search(name)


@pytest.mark.parametrize("key", WEAK_KEYS)
def test_a_token_made_with_a_fixed_key_would_be_noticed(key: bytes) -> None:
    """As no key, a constant one, or one made of the site's name."""
    assert not weak_tokens().isdisjoint({visitor_token(key, SITE, network(VISITOR), BROWSER)})


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33)])
def test_there_is_no_token_without_a_whole_key(key: bytes) -> None:
    """BLAKE2b itself would take them."""
    with pytest.raises(ValueError, match="a day key has 32 bytes"):
        visitor_token(key, SITE, network(VISITOR), BROWSER)
