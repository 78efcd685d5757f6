"""With what a period is compared, and how a number has changed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from collector.question import Period
from dashboard.question.periods import ONE_DAY, before, days_in, year_before
from dashboard.words.formats import Unit, number, per_cent
from dashboard.words.languages import say, say_n, speech, to_say

_MINUS = "\N{MINUS SIGN}"
_LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"
UNCHANGED: Final = to_say("as before")


class Against(StrEnum):
    """What a period is compared with; its value is its name in addresses."""

    PREVIOUS = "previous"
    WEEKDAYS = "weekdays"
    YEAR = "year"
    NONE = "none"

    @property
    def label(self) -> str:
        """What it is called."""
        return say(_LABELS[self])

    def other(self, period: Period, name: str = "") -> Period | None:
        """Return the other period, as long as this one; None when nothing is to be compared.

        One that is called `month` or `year` is compared with the same dates of the one before.
        """
        if self is Against.NONE:
            return None
        if self is Against.YEAR or (self is Against.PREVIOUS and name == "year"):
            return year_before(period, match_weekdays=False)
        if self is Against.PREVIOUS and name == "month":
            first = (period.first - ONE_DAY).replace(day=1)
            last = min(first + (days_in(period) - 1) * ONE_DAY, period.first - ONE_DAY)
            return replace(period, first=first, last=last)
        return before(period, match_weekdays=self is Against.WEEKDAYS)


_LABELS: Mapping[Against, str] = {
    Against.PREVIOUS: to_say("The period before"),
    Against.WEEKDAYS: to_say("The same weekdays before"),
    Against.YEAR: to_say("A year ago"),
    Against.NONE: to_say("Nothing"),
}


def finished(period: Period, local: datetime) -> Period | None:
    """Return the part of a period that is over: whole days, or of a single day whole hours.

    Only that can be compared: half an hour against a whole one is always less.
    """
    today = local.date()
    if period.last < today:
        return period
    if period.first == today:
        until = replace(period, last=today, last_hour=local.hour - 1)
        return until if local.hour > period.first_hour else None
    return replace(period, last=today - ONE_DAY) if period.first < today else None


def same_part(other: Period, whole: Period, part: Period) -> Period:
    """Return the part of another period that lies in it as `part` does in `whole`."""
    if part == whole:
        return other
    last: date = min(other.first + (days_in(part) - 1) * ONE_DAY, other.last)
    return replace(other, last=last, last_hour=part.last_hour)


def change_of(now: float | None, then: float | None, unit: Unit) -> str:
    """Write how a number has changed: `+12%`, `-3 points`, `as before`; "" if nobody can tell."""
    if now is None or then is None or (not now and not then):
        return ""
    if unit is Unit.PER_CENT:
        points = round(now) - round(then)
        signed = _signed(points, number(abs(points)))
        return say_n("{n} point", "{n} points", abs(points), n=signed) if points else say(UNCHANGED)
    if not then:
        return say("new")
    change = round(100 * (now - then) / then)
    return _signed(change, per_cent(abs(change))) if change else say(UNCHANGED)


def _signed(value: int, written: str) -> str:
    # A sign without a letter would go to the other side where lines begin on the right.
    mark = _LEFT_TO_RIGHT if speech().manners.direction == "rtl" else ""
    return f"{mark}{'+' if value > 0 else _MINUS}{written}"
