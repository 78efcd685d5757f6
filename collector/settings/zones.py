"""What comes of giving a site another time zone: from its next midnight on, and never before.

A date of a site is sealed as a whole and its visitors are told apart by one key, so a date must not
be counted twice, and what is raw of it must not lie longer than visitors are promised. Eastwards
the first day is shorter. Westwards the day that ends is longer, and has two keys.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from collector.control import Site
from collector.control_file import ControlError
from collector.keys import date_end, local_date
from collector.settings.domains import timezone_name

# Of raw rows it is promised that they are gone after 30 hours; sealing begins 35 minutes after a
# day, and needs some time.
_LONGEST_DAY = timedelta(hours=29)
_A_MICROSECOND = timedelta(microseconds=1)


class ZoneError(ControlError):
    """A site cannot be given this time zone; the message says why, or in which steps."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of a site's time zone.

    Args:
        at: the midnight in the time zone before.
        ending: the last date that began in the time zone before.
        then: what the clock shows in the new one.
        hours: how long the day is that differs.
    """

    timezone: str
    at: datetime
    ending: date
    then: datetime
    hours: float

    @property
    def is_longer(self) -> bool:
        """Whether the day that ends goes on in the new time zone."""
        return self.then.date() <= self.ending


def turn(site: Site, timezone: str, now: datetime, *, is_new: bool = False) -> Turn:
    """Return what would come of giving a site another time zone at its next midnight.

    A new one has no days yet that could last too long.

    Raises:
        BadTimezoneError: there is none of this name.
        ZoneError: it has it already, or a day would last too long.
    """
    name = timezone_name(timezone)
    before = site.timezone_at(now)
    if name == before:
        raise ZoneError(f"the days are those of {name} already")
    today = local_date(before, now)
    at = date_end(before, today)
    then = at.astimezone(ZoneInfo(name))
    if then.date() <= today:
        length = date_end(name, today) - date_end(before, today - timedelta(days=1))
    else:
        length = date_end(name, then.date()) - at
    if length > _LONGEST_DAY and not is_new:
        most = _LONGEST_DAY - timedelta(days=1)
        raise ZoneError(
            f"with {name} a day would last {_hours(length):g} hours, and what is raw of it would"
            f" lie longer than visitors are told: go west by at most {_hours(most):g} hours a day"
        )
    return Turn(name, at, today, then, _hours(length))


def _hours(length: timedelta) -> float:
    return length / timedelta(hours=1)


def doubled(before: Site, now: datetime) -> date | None:
    """Return the date that has two keys, if any, now that a site's time zone has changed."""
    if before.turns_at is None:
        return None
    ended = local_date(before.timezone, before.turns_at - _A_MICROSECOND)
    return ended if ended == local_date(before.timezone_at(now), before.turns_at) else None


def day_end(site: Site | None, day: date, now: datetime) -> datetime:
    """Return when a date of a site is over, also if its time zone changed meanwhile."""
    if site is None:  # drops of no known site are kept by UTC; so is what a removed site left
        return date_end("UTC", day)
    ends = date_end(site.timezone_at(now), day)
    turned_at = site.turned_by(now)
    return ends if turned_at is None else max(ends, turned_at)
