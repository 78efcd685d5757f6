"""When mails about a site are due; pages need this without all that writes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from collector.mail.subscriptions import Kind
from collector.question import Period
from dashboard.question.periods import ONE_DAY

REPORT_HOUR: Final = 8  # of the site's clock
DROP_HOURS: Final = 12
# The least and the most visitors that an alert may be set to; a spike of fewer would be people told
# of one by one.
BOUNDS: Final[Mapping[Kind, tuple[int, int]]] = {
    Kind.SPIKE: (5, 1_000_000),
    Kind.DROP: (1, 100_000),
}


def last_due(kind: Kind, local: datetime) -> Period:
    """Return the days that the latest report speaks of, by the site's clock.

    It comes on the morning after them, when the last one has long been sealed.
    """
    today = local.date() if local.hour >= REPORT_HOUR else local.date() - ONE_DAY
    if kind is Kind.MONTHLY:
        last = today.replace(day=1) - ONE_DAY
        return Period(last.replace(day=1), last)
    monday = today - today.weekday() * ONE_DAY
    return Period(monday - 7 * ONE_DAY, monday - ONE_DAY)
