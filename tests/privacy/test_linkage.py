"""Tokens link neither days nor sites for whoever has everything but the keys."""

import random

import pytest

from tests.bench.linkage import (
    FAULTS,
    Hash,
    Keys,
    auc,
    by_token,
    guessed,
    tokens,
    visitors,
)

VISITORS, DAYS = 1500, 6
WITHIN = 0.02


def same_keys() -> Keys:
    """Return keys as random ones, but the same each time: chance shall not fail a test."""
    return lambda site, day: random.Random(f"{site} {day}").randbytes(32)


def area(keys: Keys, hashed: Hash | None = None) -> float:
    """Return how far tokens tell that two visits are of one visitor: 0.5 is chance."""
    chance = random.Random(4)
    who = visitors(VISITORS, chance)
    seen = tokens(who, DAYS, chance, keys, *([hashed] if hashed else []))
    return by_token(seen, chance)


def test_tokens_link_neither_days_nor_sites() -> None:
    """By no measure of likeness, of bits and of numbers."""
    assert area(same_keys()) == pytest.approx(0.5, abs=WITHIN)


@pytest.mark.parametrize("fault", FAULTS, ids=[name for name, *_ in FAULTS])
def test_a_fault_that_links_would_be_noticed(fault: tuple[str, object, Hash]) -> None:
    """A constant key, one that is never replaced, or a hash without the site."""
    _, keys, hashed = fault
    assert callable(keys)
    assert area(keys(), hashed) > 0.5 + 2 * WITHIN


def test_true_lists_of_visitors_name_no_token() -> None:
    """Whatever key is guessed; a guess that is right names everybody."""
    chance = random.Random(5)
    who = visitors(300, chance)
    seen = tokens(who, 2, chance, same_keys())
    names = guessed(who, seen)
    assert {names(one) for one in seen} == {-1}
    weak = tokens(who, 2, chance, lambda _site, _day: bytes(32))
    names = guessed(who, weak)
    assert all(names(one) >= 0 for one in weak)


def test_the_area_under_the_curve_is_what_its_name_says() -> None:
    """One half where both are alike, also when all scores are equal."""
    assert auc([2, 3], [0, 1]) == 1
    assert auc([0, 1], [2, 3]) == 0
    assert auc([1, 1], [1, 1]) == 0.5
    assert auc([0, 2], [1]) == 0.5
