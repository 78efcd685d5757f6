"""How a language writes numbers, dates and names of countries: taken out of babel once, then quick.

Babel reads a pattern each time it writes something, which would cost a page more than all else on
it; here each pattern becomes a template that Python fills in. English stands here as it is, so that
whoever needs no other language does not keep babel's data in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from dashboard.words.countries import COUNTRIES

if TYPE_CHECKING:
    from babel import Locale

_LARGE: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _in_english(value: float) -> str:
    return next(f"{value / size:g} {word}" for size, word in _LARGE if value >= size)


@dataclass(frozen=True, slots=True)
class Span:
    """How two dates are written: the first, then the last, what both have in common once."""

    same_month: tuple[str, str]
    same_year: tuple[str, str]
    other_year: tuple[str, str]

    def templates(self, first: date, last: date) -> tuple[str, str]:
        """Return those for two dates."""
        if first.year != last.year:
            return self.other_year
        return self.same_month if first.month == last.month else self.same_year


@dataclass(frozen=True, slots=True)
class Manners:
    """The manners of one language.

    Templates of dates are filled in with `_parts` of a date, which have the names of CLDR's
    patterns. Source: Unicode Technical Standard 35, part 4.

    Args:
        direction: of the script, `ltr` or `rtl`.
        after_per_cent: what stands behind a number of per cent, the space included.
        months_alone: what months are called where no day stands with them.
        countries: their names by their codes.
        compact: writes a large round number in a short word, `2.5 million`.
    """

    direction: str = "ltr"
    after_per_cent: str = "%"
    weekdays: tuple[str, ...] = _WEEKDAYS
    weekdays_short: tuple[str, ...] = tuple(name[:3] for name in _WEEKDAYS)
    weekdays_alone: tuple[str, ...] = tuple(name[:3] for name in _WEEKDAYS)
    months: tuple[str, ...] = _MONTHS
    months_short: tuple[str, ...] = tuple(name[:3] for name in _MONTHS)
    months_alone: tuple[str, ...] = tuple(name[:3] for name in _MONTHS)
    day: str = "%(EEEE)s %(d)s %(MMMM)s %(y)s"
    plain_day: str = "%(d)s %(MMMM)s %(y)s"
    short_day: str = "%(E)s %(d)s %(MMM)s"
    short_dated: str = "%(E)s %(d)s %(MMM)s %(y)s"
    weekday_and_day: str = "%(E)s %(d)s"
    day_and_month: str = "%(d)s %(MMM)s"
    month: str = "%(LLL)s"
    month_and_year: str = "%(MMM)s %(y)s"
    whole_month: str = "%(MMMM)s %(y)s"
    span: Span = Span(
        ("%(d)s\N{EN DASH}", "%(d)s %(MMMM)s %(y)s"),
        ("%(d)s %(MMMM)s \N{EN DASH} ", "%(d)s %(MMMM)s %(y)s"),
        ("%(d)s %(MMMM)s %(y)s \N{EN DASH} ", "%(d)s %(MMMM)s %(y)s"),
    )
    short_span: Span = Span(
        ("%(d)s\N{EN DASH}", "%(d)s %(MMM)s"),
        ("%(d)s %(MMM)s \N{EN DASH} ", "%(d)s %(MMM)s"),
        ("%(d)s %(MMM)s %(y)s \N{EN DASH} ", "%(d)s %(MMM)s %(y)s"),
    )
    short_span_and_year: Span = Span(
        ("%(d)s\N{EN DASH}", "%(d)s %(MMM)s %(y)s"),
        ("%(d)s %(MMM)s \N{EN DASH} ", "%(d)s %(MMM)s %(y)s"),
        ("%(d)s %(MMM)s %(y)s \N{EN DASH} ", "%(d)s %(MMM)s %(y)s"),
    )
    countries: Mapping[str, str] = field(default_factory=lambda: COUNTRIES)
    compact: Callable[[float], str] = _in_english
    _points: Mapping[int, str] | None = None

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number with so many decimals."""
        written = f"{value:,.{decimals}f}"
        return written if self._points is None else written.translate(self._points)

    def exact(self, value: float) -> str:
        """Write a number with as many decimals as it has."""
        written = f"{value:,.10g}"
        return written if self._points is None else written.translate(self._points)

    def written(self, template: str, when: date) -> str:
        """Write a date."""
        return template % self._parts(when)

    def spanned(self, span: Span, first: date, last: date) -> str:
        """Write two dates."""
        one, other = span.templates(first, last)
        return self.written(one, first) + self.written(other, last)

    def _parts(self, when: date) -> dict[str, object]:
        weekday, month = when.weekday(), when.month - 1
        return {
            "E": self.weekdays_short[weekday],
            "EEE": self.weekdays_short[weekday],
            "EEEE": self.weekdays[weekday],
            "d": when.day,
            "dd": f"{when.day:02}",
            "LLL": self.months_alone[month],
            "M": month + 1,
            "MM": f"{month + 1:02}",
            "MMM": self.months_short[month],
            "MMMM": self.months[month],
            "y": when.year,
        }


ENGLISH: Final = Manners()


@cache
def manners(language: str) -> Manners:
    """Return how a language writes; any but English is asked of babel, which takes a while once."""
    if language == "en":
        return ENGLISH
    from babel import Locale  # noqa: PLC0415 - 7 MB that English does without
    from babel.numbers import format_compact_decimal  # noqa: PLC0415

    locale = Locale.parse(language)
    symbols, names = locale.number_symbols["latn"], locale.days
    formats, skeletons = locale.date_formats, locale.datetime_skeletons
    short = partial(format_compact_decimal, format_type="short", locale=locale, fraction_digits=2)
    return Manners(
        direction=locale.text_direction,
        after_per_cent=locale.percent_formats[None].suffix[0],
        weekdays=_in_order(names["format"]["wide"]),
        weekdays_short=_in_order(names["format"]["abbreviated"]),
        weekdays_alone=_in_order(names["stand-alone"]["abbreviated"]),
        months=_in_order(locale.months["format"]["wide"]),
        months_short=_in_order(locale.months["format"]["abbreviated"]),
        months_alone=_in_order(locale.months["stand-alone"]["abbreviated"]),
        day=formats["full"].format,
        plain_day=formats["long"].format,
        short_day=skeletons["MMMEd"].format,
        short_dated=skeletons["yMMMEd"].format,
        weekday_and_day=skeletons["Ed"].format,
        day_and_month=skeletons["MMMd"].format,
        month=skeletons["MMM"].format,
        month_and_year=skeletons["yMMM"].format,
        whole_month=skeletons["yMMMM"].format,
        span=_span(locale, "yMMMMd"),
        short_span=_span(locale, "MMMd"),
        short_span_and_year=_span(locale, "yMMMd"),
        countries=locale.territories,
        compact=short,
        _points=str.maketrans({",": symbols["group"], ".": symbols["decimal"]}),
    )


def _in_order(names: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(names[number] for number in sorted(names))


def _span(locale: "Locale", skeleton: str) -> Span:
    """Read how two dates are written; CLDR has months in full only where they are special."""
    known = locale.interval_formats
    found = dict(known["yMMMd"]) | dict(known.get(skeleton, {}))
    if skeleton == "yMMMMd" and skeleton not in known:
        found = {key: [each.replace("MMM", "MMMM") for each in pair] for key, pair in found.items()}
    return Span(*(_templates(found[key]) for key in ("d", "M", "y")))


def _templates(patterns: Sequence[str]) -> tuple[str, str]:
    from babel.dates import parse_pattern  # noqa: PLC0415 - see above

    # Thin spaces are a typesetter's; here they would look as if there were none.
    one, other = (parse_pattern(each.replace("\N{THIN SPACE}", " ")) for each in patterns)
    return str(one.format), str(other.format)
