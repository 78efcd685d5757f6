"""Numbers, dates and durations as people read them, in English."""

from datetime import date
from enum import Enum

NOTHING = "\N{EN DASH}"  # a value that does not exist, such as the bounce rate of no visits
MINUTE_S = 60
HOUR_S = 3600
_LARGE = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))


class Unit(Enum):
    """What a number counts, and so how it is written."""

    COUNT = "count"
    RATIO = "ratio"
    PER_CENT = "per cent"
    DURATION = "seconds"


def amount(value: float | None, unit: Unit) -> str:
    """Write a value in full: `1,284`, `2.9`, `38%`, `2 min 14 s`."""
    if value is None:
        return NOTHING
    match unit:
        case Unit.COUNT:
            return f"{round(value):,}"
        case Unit.RATIO:
            return f"{value:,.1f}"
        case Unit.PER_CENT:
            return f"{round(value)}%"
        case Unit.DURATION:
            return duration(value)


def duration(seconds: float) -> str:
    """Write a duration in its two largest units: `48 s`, `2 min 14 s`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min {whole % MINUTE_S} s"
    return f"{whole // HOUR_S:,} h {whole % HOUR_S // MINUTE_S} min"


def axis_label(value: float, unit: Unit) -> str:
    """Write a round value of an axis, as short as it stays exact."""
    match unit:
        case Unit.COUNT:
            return _short_count(value)
        case Unit.RATIO | Unit.PER_CENT:
            return f"{value:,.10g}" + ("%" if unit is Unit.PER_CENT else "")
        case Unit.DURATION:
            return _round_duration(round(value))


def _short_count(value: float) -> str:
    for size, word in _LARGE:
        if value >= size:
            return f"{value / size:g} {word}"
    return f"{value:,.0f}"


def _round_duration(seconds: int) -> str:
    """Write a duration without what is zero in it: `30 s`, `1 min 30 s`, `2 h`."""
    hours, rest = divmod(seconds, HOUR_S)
    parts = [(hours, "h"), (rest // MINUTE_S, "min"), (rest % MINUTE_S, "s")]
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number) or "0"


def share(part: float, whole: float) -> str:
    """Write a part of a whole in per cent: `43%`, `0.4%`, `<0.1%`; nothing of nothing is a dash."""
    if not whole:
        return NOTHING
    per_cent = 100 * part / whole
    if 0 < per_cent < 0.1:  # noqa: PLR2004 - the least that one decimal can show
        return "<0.1%"
    return f"{per_cent:.1f}%" if 0 < per_cent < 1 else f"{per_cent:.0f}%"


def day(when: date) -> str:
    """Write a date: `Tuesday 24 November 2026`."""
    return f"{when:%A} {when.day} {when:%B %Y}"


def short_day(when: date) -> str:
    """Write a date of a known year: `Tue 24 Nov`."""
    return f"{when:%a} {when.day} {when:%b}"


def short_days(first: date, last: date, this_year: int) -> str:
    """Write a range of dates in few letters; the year only where it is another one."""
    year = "" if last.year == this_year else f" {last.year}"
    if first == last:
        return f"{short_day(first)}{year}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}\N{EN DASH}{last.day} {last:%b}{year}"
    first_year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{first_year} \N{EN DASH} {last.day} {last:%b}{year}"


def plain_day(when: date) -> str:
    """Write a date without its weekday: `24 November 2026`."""
    return f"{when.day} {when:%B %Y}"


def days(first: date, last: date) -> str:
    """Write a range of dates, naming month and year once where they are the same."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}\N{EN DASH}{plain_day(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%B} \N{EN DASH} {plain_day(last)}"
    return f"{plain_day(first)} \N{EN DASH} {plain_day(last)}"
