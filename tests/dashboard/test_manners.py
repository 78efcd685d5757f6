"""How each language writes numbers, dates and names: as babel does, only sooner."""

from datetime import date

import pytest
from babel import Locale
from babel.dates import format_date, format_interval
from babel.numbers import format_decimal, format_percent
from hypothesis import given
from hypothesis import strategies as some

from collector.question import Dimension
from dashboard.question.comparing import change_of
from dashboard.words.fields import value_name, value_named
from dashboard.words.formats import (
    Unit,
    amount,
    axis_label,
    days,
    month,
    per_cent,
    short_day,
    short_days,
)
from dashboard.words.languages import isolated, say_n, speaking
from dashboard.words.manners import ENGLISH, manners
from dashboard.words.problems import told
from tests.dashboard.reading import TODAY

CODES = ("de", "fr", "es")
DATES = some.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(some.sampled_from(CODES), some.integers(0, 10**12), some.integers(0, 100), DATES)
def test_numbers_and_dates_are_those_of_babel(
    code: str, count: int, share: int, when: date
) -> None:
    """Of which a single one takes babel some 30 us."""
    with speaking(code):
        assert amount(count, Unit.COUNT) == format_decimal(count, locale=code)
        assert amount(count / 7, Unit.RATIO) == format_decimal(
            round(count / 7, 1), format="#,##0.0", locale=code
        )
        assert per_cent(share) == format_percent(share / 100, locale=code)
        assert days(when, when) == format_date(when, "full", locale=code)


@given(DATES, DATES)
def test_ranges_of_dates_are_those_of_babel(one: date, other: date) -> None:
    """But for thin spaces, which look like none; Spanish has all of it in CLDR."""
    first, last = sorted((one, other))
    expected = format_interval(first, last, "yMMMMd", locale="es").replace("\u2009", " ")
    with speaking("es"):
        if first != last:
            assert days(first, last) == expected


def test_english_is_what_babel_says_of_british_english() -> None:
    """It is written down to do without babel's data; only a comma after weekdays is left out."""
    locale = Locale.parse("en_GB")
    for own, other in (
        (ENGLISH.weekdays, locale.days["format"]["wide"]),
        (ENGLISH.weekdays_short, locale.days["format"]["abbreviated"]),
        (ENGLISH.months, locale.months["format"]["wide"]),
    ):
        assert own == tuple(other[key] for key in sorted(other))
    short = {name[:3] for name in ENGLISH.months}
    assert short == {
        name.replace("Sept", "Sep") for name in locale.months["format"]["abbreviated"].values()
    }
    assert ENGLISH.day == locale.date_formats["full"].format.replace(",", "")
    assert ENGLISH.plain_day == locale.date_formats["long"].format


@pytest.mark.parametrize(
    ("code", "day", "range_", "large", "rate", "change", "told_of"),
    [
        (
            "de",
            "Di., 24. Nov.",
            "27. Okt. \N{EN DASH} 24. Nov.",
            "2,5 Mio.",
            "4,2",
            "+1.200 %",
            "1 Besucher",
        ),
        (
            "fr",
            "mar. 24 nov.",
            "27 oct. \N{EN DASH} 24 nov.",
            "2,5 M",
            "4,2",
            "+1 200 %",
            "1 visiteur",
        ),
        (
            "es",
            "mar, 24 nov",
            "27 oct \N{EN DASH} 24 nov",
            "2,5 M",
            "4,2",
            "+1.200 %",
            "1 visitante",
        ),
    ],
)
def test_what_a_page_writes_shortly(
    code: str, day: str, range_: str, large: str, rate: str, change: str, told_of: str
) -> None:
    """In the words that people of that language expect."""
    with speaking(code):
        written = [
            short_day(TODAY),
            short_days(date(2026, 10, 27), TODAY, 2026),
            axis_label(2_500_000, Unit.COUNT),
            amount(4.2, Unit.RATIO),
            change_of(13, 1, Unit.COUNT),
            say_n("{n} visitor", "{n} visitors", 1),
        ]
        plain = [text.replace("\xa0", " ").replace("\u202f", " ") for text in written]
        assert plain == [day, range_, large, rate, change, told_of]


def test_values_have_names_in_each_language_and_are_found_by_them() -> None:
    """Countries, weekdays, channels; what is typed into a filter is read in the same language."""
    with speaking("de"):
        assert value_name(Dimension.COUNTRY, "AT") == "Österreich"
        assert value_named(Dimension.COUNTRY, "österreich ") == "AT"
        assert value_name(Dimension.WEEKDAY, "2") == "Dienstag"
        assert value_name(Dimension.CHANNEL, "search") == "Suche"
        assert value_named(Dimension.CHANNEL, "Suche") == "search"
        assert value_name(Dimension.COUNTRY, "T1") == "T1"
        assert value_name(Dimension.COUNTRY, "") == "Unbekannt"
        assert month(TODAY, has_year=True) == "Nov. 2026"


def test_a_sites_own_words_are_not_translated() -> None:
    """Not even where the dashboard has the same word for something of its own."""
    with speaking("de"):
        assert value_name(Dimension.NAME, "pageview") == "Seitenaufruf"
        assert value_name(Dimension.NAME, "Share") == "Share"
        assert value_name(Dimension.DEVICE, "Visitors") == "Visitors"


def test_what_the_collector_says_is_told_in_the_language_of_the_page() -> None:
    """With what it put into its sentence; what nobody translated stays as it is."""
    with speaking("de"):
        assert told("This took longer than 30 s.") == "Das hat länger als 30 s gedauert."
        assert told("'(' is no pattern RE2 knows") == "'(' ist kein Muster, das RE2 kennt"
        assert told("something new") == "something new"
        assert told("") == ""


def test_arabic_is_written_from_right_to_left() -> None:
    """And a sign stays before its number."""
    assert manners("ar").direction == "rtl"
    with speaking("de"):
        assert isolated("/a/b") == "/a/b"
    assert {manners(code).direction for code in ("en", *CODES)} == {"ltr"}
