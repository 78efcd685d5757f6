"""Alerts by e-mail: many visitors at once, or hardly any for hours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collector.control import Site
from collector.mail.subscriptions import Kind, Subscription
from collector.question import Metric, Period, Query, TooSlowError
from dashboard.mail.letters import Content, Figure, Table, bars, frame
from dashboard.mail.schedule import DROP_HOURS
from dashboard.numbers import realtime
from dashboard.parts import Parts
from dashboard.question.periods import ONE_DAY, local_now
from dashboard.words import formats
from dashboard.words.languages import say, speaking
from dashboard.words.measures import Measure

WORTH: Final = timedelta(hours=6)  # for how long an alert is tried to be sent
# An alert is sent once, and again only after things have been as usual, and no sooner than this.
_PAUSE: Final = timedelta(hours=6)
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Change:
    """An alert goes on or off; `content` is what is said about it, if anything."""

    subscription: Subscription
    done: str
    content: Content | None = None


def changes(
    parts: Parts, site: Site, kind: Kind, wanted: Sequence[Subscription], now: datetime
) -> Iterator[Change]:
    """Yield the alerts about a site that go on or off. Blocking."""
    try:
        count = _count(parts, site, kind, now)
    except TooSlowError:  # the next turn asks again
        return
    if count is None:
        return
    for each in wanted:
        is_on = count >= each.least if kind is Kind.SPIKE else count < each.least
        if is_on and not each.done:
            with speaking(each.language):
                content = _CONTENTS[kind](parts, site, each.least, count, now)
            yield Change(each, now.isoformat(), content)
        elif each.done and not is_on and _has_paused(each.done, now):
            yield Change(each, "")


def _has_paused(since: str, now: datetime) -> bool:
    """Tell whether an alert has been on for long enough; one from the future was never right."""
    return not timedelta() <= now - datetime.fromisoformat(since) < _PAUSE


def _count(parts: Parts, site: Site, kind: Kind, now: datetime) -> int | None:
    """Return the number that is watched; None while a site is too new for it."""
    if kind is Kind.SPIKE:
        return parts.stats.current_visitors(site.id, now)
    local = local_now(now, site.timezone)
    began = parts.stats.first_date(site.id)
    if began is None or began >= local.date() - ONE_DAY:
        return None
    query = Query(site.id, (Metric.VISITORS,), (), _last_hours(local))
    rows = parts.stats.report(query).rows
    return int(rows[0].metrics[0] or 0) if rows else 0


def _last_hours(local: datetime) -> Period:
    """Return the hour that a site's clock shows and those before it."""
    start = local.replace(tzinfo=None) - timedelta(hours=DROP_HOURS - 1)
    return Period(start.date(), local.date(), start.hour, local.hour)


def _spike(parts: Parts, site: Site, least: int, count: int, now: datetime) -> Content:
    people = formats.visitors(count)
    return Content(
        key=f"spike {site.id} {now.isoformat()}",
        subject=say("{site}: {visitors} at once", site=site.domain, visitors=people),
        headline=say("{site}: many visitors", site=site.domain),
        about=_clock(site, now),
        figures=(Figure(say("Visitors in the last 5 minutes"), formats.number(count)),),
        tables=tuple(_tables(parts, site, now)),
        notes=(),
        why=say("You asked to be told of {least} visitors or more in 5 minutes.", least=least),
        link="/now",
        **frame(),
    )


def _drop(_parts: Parts, site: Site, least: int, count: int, now: datetime) -> Content:
    people = formats.visitors(count)
    return Content(
        key=f"drop {site.id} {now.isoformat()}",
        subject=say(
            "{site}: {visitors} in {hours} hours",
            site=site.domain,
            visitors=people,
            hours=DROP_HOURS,
        ),
        headline=say("{site}: few visitors", site=site.domain),
        about=_clock(site, now),
        figures=(
            Figure(
                say("Visitors in the last {hours} hours", hours=DROP_HOURS), formats.number(count)
            ),
        ),
        tables=(),
        notes=(
            say(
                "If that is unexpected, see whether the site can be reached, and whether its pages"
                " still have the script. The settings show whether events arrive."
            ),
        ),
        why=say(
            "You asked to be told when fewer visitors than {least} come in {hours} hours.",
            least=least,
            hours=DROP_HOURS,
        ),
        link="/settings",
        **frame(),
    )


_CONTENTS = {Kind.SPIKE: _spike, Kind.DROP: _drop}


def _clock(site: Site, now: datetime) -> str:
    local = local_now(now, site.timezone)
    return f"{formats.day(local.date())}, {local:%H:%M}"


def _tables(parts: Parts, site: Site, now: datetime) -> Iterator[Table]:
    for title, rows in realtime.lists(parts, site, now):
        if rows:
            heading = say("{title} in the last half hour", title=title)
            yield Table(heading, Measure.VISITORS.label, bars(rows[:_SHOWN]))
