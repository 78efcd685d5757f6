"""How numbers, dates and names are written."""

from datetime import date

import pytest

from dashboard.words.countries import country_name
from dashboard.words.formats import Unit, amount, axis_label, days, share
from tests.dashboard.reading import TODAY


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, Unit.COUNT, "\N{EN DASH}"),
        (0, Unit.COUNT, "0"),
        (1_234_567, Unit.COUNT, "1,234,567"),
        (2.94, Unit.RATIO, "2.9"),
        (66.7, Unit.PER_CENT, "67%"),
        (0, Unit.DURATION, "0 s"),
        (59.4, Unit.DURATION, "59 s"),
        (59.6, Unit.DURATION, "1 min 0 s"),
        (134, Unit.DURATION, "2 min 14 s"),
        (3_599, Unit.DURATION, "59 min 59 s"),
        (3_900, Unit.DURATION, "1 h 5 min"),
    ],
)
def test_a_number_is_written_with_its_unit(value: float | None, unit: Unit, written: str) -> None:
    """In full; no value is a dash."""
    assert amount(value, unit) == written


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0, Unit.COUNT, "0"),
        (250_000, Unit.COUNT, "250,000"),
        (2_500_000, Unit.COUNT, "2.5 million"),
        (10**12, Unit.COUNT, "1 trillion"),
        (0.5, Unit.RATIO, "0.5"),
        (50, Unit.PER_CENT, "50%"),
        (0, Unit.DURATION, "0"),
        (90, Unit.DURATION, "1 min 30 s"),
        (7_200, Unit.DURATION, "2 h"),
    ],
)
def test_an_axis_is_labelled_shortly_and_exactly(value: float, unit: Unit, written: str) -> None:
    """What is round stays so."""
    assert axis_label(value, unit) == written


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (1, 1, "100%"),
        (1, 3, "33%"),
        (1, 100, "1%"),
        (1, 250, "0.4%"),
        (1, 10_000, "<0.1%"),
        (0, 5, "0%"),
        (0, 0, "\N{EN DASH}"),
    ],
)
def test_a_share_never_hides_that_there_is_something(part: int, whole: int, written: str) -> None:
    """Small ones get a decimal or a bound."""
    assert share(part, whole) == written


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        (TODAY, TODAY, "Tuesday 24 November 2026"),
        (date(2026, 11, 1), TODAY, "1\N{EN DASH}24 November 2026"),
        (date(2026, 10, 27), TODAY, "27 October \N{EN DASH} 24 November 2026"),
        (date(2025, 12, 1), TODAY, "1 December 2025 \N{EN DASH} 24 November 2026"),
    ],
)
def test_days_are_written_without_repeating_themselves(
    first: date, last: date, written: str
) -> None:
    """Month and year once where they are the same."""
    assert days(first, last) == written


@pytest.mark.parametrize(
    ("code", "name"),
    [("DE", "Germany"), ("XK", "Kosovo"), ("CI", "Côte d'Ivoire"), ("", "Unknown"), ("T1", "T1")],
)
def test_a_country_has_a_name(code: str, name: str) -> None:
    """What has none keeps its code."""
    assert country_name(code) == name
