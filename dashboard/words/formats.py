"""Numbers, dates and durations as people read them, in the language of the page."""

from collections.abc import Callable
from datetime import date
from enum import Enum

from dashboard.words.languages import say, say_n, speech

NOTHING = "\N{EN DASH}"  # a value that does not exist, such as the bounce rate of no visits
MINUTE_S = 60
HOUR_S = 3600
_LARGE = 1_000_000  # from here on a round number is shorter in words


class Unit(Enum):
    """What a number counts, and so how it is written."""

    COUNT = "count"
    RATIO = "ratio"
    PER_CENT = "per cent"
    DURATION = "seconds"


def number(value: float, decimals: int = 0) -> str:
    """Write a number in full: `1,284`."""
    return speech().manners.number(value, decimals)


def amount(value: float | None, unit: Unit) -> str:
    """Write a value in full: `1,284`, `2.9`, `38%`, `2 min 14 s`."""
    return NOTHING if value is None else writer(unit)(value)


def writer(unit: Unit) -> Callable[[float], str]:
    """Return what writes values in full: a page has thousands, in one language."""
    manners = speech().manners
    match unit:
        case Unit.COUNT:
            return lambda value: manners.number(round(value))
        case Unit.RATIO:
            return lambda value: manners.number(value, 1)
        case Unit.PER_CENT:
            return lambda value: manners.number(round(value)) + manners.after_per_cent
        case Unit.DURATION:
            return duration


def per_cent(value: float, decimals: int = 0) -> str:
    """Write a number of per cent: `38%`."""
    manners = speech().manners
    return manners.number(value, decimals) + manners.after_per_cent


def visitors(count: int) -> str:
    """Write how many people: `1 visitor`, `1,284 visitors`."""
    return say_n("{n} visitor", "{n} visitors", count)


def duration(seconds: float) -> str:
    """Write a duration in its two largest units: `48 s`, `2 min 14 s`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < MINUTE_S:
        return say("{seconds} s", seconds=whole)
    if whole < HOUR_S:
        return say("{minutes} min {seconds} s", minutes=whole // MINUTE_S, seconds=whole % MINUTE_S)
    hours, rest = divmod(whole, HOUR_S)
    return say("{hours} h {minutes} min", hours=hours, minutes=rest // MINUTE_S)


def axis_label(value: float, unit: Unit) -> str:
    """Write a round value of an axis, as short as it stays exact."""
    manners = speech().manners
    match unit:
        case Unit.COUNT:
            return manners.compact(value) if value >= _LARGE else manners.number(value)
        case Unit.RATIO:
            return manners.exact(value)
        case Unit.PER_CENT:
            return manners.exact(value) + manners.after_per_cent
        case Unit.DURATION:
            return _round_duration(round(value))


def _round_duration(seconds: int) -> str:
    """Write a duration without what is zero in it: `30 s`, `1 min 30 s`, `2 h`."""
    hours, rest = divmod(seconds, HOUR_S)
    parts = [
        say("{hours} h", hours=hours) if hours else "",
        say("{minutes} min", minutes=rest // MINUTE_S) if rest // MINUTE_S else "",
        say("{seconds} s", seconds=rest % MINUTE_S) if rest % MINUTE_S else "",
    ]
    return " ".join(filter(None, parts)) or "0"


def share(part: float, whole: float) -> str:
    """Write a part of a whole in per cent: `43%`, `0.4%`, `<0.1%`; nothing of nothing is a dash."""
    if not whole:
        return NOTHING
    value = 100 * part / whole
    if 0 < value < 0.1:  # noqa: PLR2004 - the least that one decimal can show
        return "<" + per_cent(0.1, 1)
    return per_cent(value, 1 if 0 < value < 1 else 0)


def day(when: date) -> str:
    """Write a date: `Tuesday 24 November 2026`."""
    manners = speech().manners
    return manners.written(manners.day, when)


def short_day(when: date) -> str:
    """Write a date of a known year: `Tue 24 Nov`."""
    manners = speech().manners
    return manners.written(manners.short_day, when)


def short_days(first: date, last: date, this_year: int) -> str:
    """Write a range of dates in few letters; the year only where it is another one."""
    manners = speech().manners
    is_known = first.year == last.year == this_year
    if first == last:
        return manners.written(manners.short_day if is_known else manners.short_dated, first)
    span = manners.short_span if is_known else manners.short_span_and_year
    return manners.spanned(span, first, last)


def weekday_and_day(when: date) -> str:
    """Write a day of a known week: `Tue 24`."""
    manners = speech().manners
    return manners.written(manners.weekday_and_day, when)


def day_and_month(when: date) -> str:
    """Write a day of a known year: `24 Nov`."""
    manners = speech().manners
    return manners.written(manners.day_and_month, when)


def month(when: date, *, has_year: bool) -> str:
    """Write a month in few letters: `Nov`, `Nov 2026`."""
    manners = speech().manners
    return manners.written(manners.month_and_year if has_year else manners.month, when)


def whole_month(when: date) -> str:
    """Write a month: `November 2026`."""
    manners = speech().manners
    return manners.written(manners.whole_month, when)


def plain_day(when: date) -> str:
    """Write a date without its weekday: `24 November 2026`."""
    manners = speech().manners
    return manners.written(manners.plain_day, when)


def days(first: date, last: date) -> str:
    """Write a range of dates, naming month and year once where they are the same."""
    if first == last:
        return day(first)
    manners = speech().manners
    return manners.spanned(manners.span, first, last)
