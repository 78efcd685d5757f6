"""Weekly and monthly reports by e-mail: when they are due, and what they say."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final
from urllib.parse import quote

from collector.control import Control, Site
from collector.mail.outbox import Draft
from collector.mail.subscriptions import Kind, Subscription, Subscriptions
from collector.question import Dimension, Field, Metric, Period, Query, Report
from dashboard.mail import alerts
from dashboard.mail.letters import Content, Figure, Table, bars, frame, letter
from dashboard.mail.schedule import last_due
from dashboard.numbers.cards import is_beside
from dashboard.parts import Parts
from dashboard.question.addresses import site_path
from dashboard.question.asking import Unanswered, answers
from dashboard.question.comparing import change_of
from dashboard.question.periods import ONE_DAY, buckets, local_now
from dashboard.words import formats
from dashboard.words.fields import plural, value_name
from dashboard.words.languages import say, speaking
from dashboard.words.measures import METRICS, Measure, Totals

_LATEST: Final = timedelta(days=3)  # after the last day; a report that is later is left out
_WORTH: Final = timedelta(days=3)  # for how long a report is tried to be sent
_SHOWN: Final = 7
_LISTS: Final[tuple[tuple[Field, Metric], ...]] = (
    (Dimension.PAGE, Metric.VISITORS),
    (Dimension.SOURCE, Metric.VISITORS),
    (Dimension.COUNTRY, Metric.VISITORS),
    (Dimension.NAME, Metric.EVENTS),
)
_STEPS = {Kind.WEEKLY: Dimension.DAY, Kind.MONTHLY: Dimension.WEEK}


@dataclass(frozen=True, slots=True)
class Desk:
    """What letters need that is no number.

    Args:
        sender: whom they come from.
        base: the address of the dashboard, ending with a slash.
        recipient: the address of a person; None when they may not see the site, or have none.
    """

    sender: str
    base: str
    recipient: Callable[[int, Site], str | None]

    def stop(self, token: str) -> str:
        """Return the address that ends a subscription."""
        return f"{self.base}unsubscribe/{quote(token, safe='')}"

    def page(self, site: Site, query: str = "") -> str:
        """Return the address of a site's page."""
        return self.base.rstrip("/") + site_path(site) + query


class Reports:
    """Queues what is due of all that people subscribed to."""

    def __init__(self, parts: Parts, desk: Desk) -> None:
        self._parts = parts
        self._desk = desk
        self._control: Control = parts.control
        self._subscriptions = Subscriptions(parts.control)

    def write(self, now: datetime) -> None:
        """Queue reports whose time has come, and alerts of what happens. Blocking."""
        sites = {site.id: site for site in self._control.sites()}
        for site_id, wanted in groupby(self._subscriptions.everybody(), attrgetter("site")):
            if (site := sites.get(site_id)) is not None:
                self._write(site, tuple(wanted), now)

    def _write(self, site: Site, wanted: tuple[Subscription, ...], now: datetime) -> None:
        for kind, group in groupby(wanted, attrgetter("kind")):
            if kind.is_alert:
                self._alert(site, kind, tuple(group), now)
            else:
                self._report(site, kind, tuple(group), now)

    def _report(
        self, site: Site, kind: Kind, wanted: Iterable[Subscription], now: datetime
    ) -> None:
        local = local_now(now, site.timezone)
        period = last_due(kind, local)
        last = period.last.isoformat()
        # What was done on a day that is still to come was done by a clock that was wrong.
        today = local.date().isoformat()
        due = [each for each in wanted if each.done < last or each.done > today]
        if not due:
            return
        began = self._parts.stats.first_date(site.id)
        if began is None or began > period.last or local.date() - period.last > _LATEST:
            for each in due:
                self._subscriptions.settle(each, last, now)
            return
        found = findings(self._parts, site, kind, period, began)
        if found is None:  # it took too long; the next turn asks again
            return
        for each in due:
            with speaking(each.language):
                self._settle(site, each, last, content_of(self._parts, site, found, now), now)

    def _alert(
        self, site: Site, kind: Kind, wanted: tuple[Subscription, ...], now: datetime
    ) -> None:
        for change in alerts.changes(self._parts, site, kind, wanted, now):
            self._settle(site, change.subscription, change.done, change.content, now)

    def _settle(
        self,
        site: Site,
        subscription: Subscription,
        done: str,
        content: Content | None,
        now: datetime,
    ) -> None:
        recipient = self._desk.recipient(subscription.user, site)
        draft = None
        if content is not None and recipient is not None:
            mail = letter(
                self._addressed(content, site, subscription), self._desk.sender, recipient, now
            )
            worth = alerts.WORTH if subscription.kind.is_alert else _WORTH
            draft = Draft(recipient, mail, now + worth)
        self._subscriptions.settle(subscription, done, now, draft)

    def _addressed(self, content: Content, site: Site, subscription: Subscription) -> Content:
        """Return what is told to all, with what is one reader's own."""
        return replace(
            content,
            key=f"{content.key} {subscription.token}",
            link=self._desk.page(site, content.link),
            stop=self._desk.stop(subscription.token),
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """The numbers of a report; `then` are those of the period before, if it was counted whole."""

    kind: Kind
    period: Period
    totals: Totals
    then: Totals | None
    line: Report
    lists: tuple[tuple[Field, Metric, Report], ...]


def findings(parts: Parts, site: Site, kind: Kind, period: Period, began: date) -> Findings | None:
    """Return the numbers of a report; None when they took too long to be found. Blocking."""
    asked = questions(site, kind, period)
    found: dict[str, Report] = {}
    for key, answer in zip(asked, answers(parts.stats, [*asked.values()]), strict=True):
        if isinstance(answer, Unanswered):
            return None
        found[key] = answer
    return Findings(
        kind,
        period,
        _totals(found["now"]),
        _totals(found["then"]) if began <= asked["then"].period.first else None,
        found["line"],
        tuple((field, metric, found[field.value]) for field, metric in _LISTS),
    )


def content_of(parts: Parts, site: Site, found: Findings, now: datetime) -> Content:
    """Return what a report says, in the language that is spoken."""
    period, is_weekly = found.period, found.kind is Kind.WEEKLY
    title = formats.days(period.first, period.last)
    lists = [_table(*each) for each in found.lists]
    return Content(
        key=f"{found.kind.value} {site.id} {period.first}",
        subject=f"{site.domain}: {formats.visitors(found.totals.visitors)}, {title}",
        headline=(
            say("{site}: the week", site=site.domain)
            if is_weekly
            else say("{site}: the month", site=site.domain)
        ),
        about=title,
        figures=tuple(_figure(measure, found) for measure in Measure),
        tables=(_line(site, found, now), *filter(None, lists)),
        notes=tuple(_notes(parts, found)),
        why=(
            say("A weekly report about {site}, as you chose in its settings.", site=site.domain)
            if is_weekly
            else say(
                "A monthly report about {site}, as you chose in its settings.", site=site.domain
            )
        ),
        link=f"?period=custom&from={period.first}&to={period.last}",
        **frame(),
    )


def _notes(parts: Parts, found: Findings) -> Iterator[str]:
    yield say("Visitors are counted per day: who comes on two days counts twice.")
    has_countries = any(
        answer.rows for field, _, answer in found.lists if field is Dimension.COUNTRY
    )
    if parts.geo_attribution and has_countries:  # the licence asks for a link
        yield say("Countries: IP Geolocation by DB-IP, {link}", link="https://db-ip.com")


def questions(site: Site, kind: Kind, period: Period) -> dict[str, Query]:
    """Return what a report has to ask."""
    return {
        "now": Query(site.id, METRICS, (), period),
        "then": Query(site.id, METRICS, (), _before(kind, period)),
        "line": Query(site.id, (Metric.VISITORS,), (_STEPS[kind],), period),
        **{field.value: _question(site, field, metric, period) for field, metric in _LISTS},
    }


def _before(kind: Kind, period: Period) -> Period:
    last = period.first - ONE_DAY
    return Period(last.replace(day=1) if kind is Kind.MONTHLY else last - 6 * ONE_DAY, last)


def _question(site: Site, field: Field, metric: Metric, period: Period) -> Query:
    return Query(
        site.id,
        (metric,),
        (field,),
        period,
        order_by=((metric, True), (field, False)),
        limit=_SHOWN + 1,  # one may be none of the list's
    )


def _totals(answer: Report) -> Totals:
    return Totals.of(answer.rows[0] if answer.rows else None)


def _figure(measure: Measure, found: Findings) -> Figure:
    now, then = measure.of(found.totals), found.then
    change = "" if then is None else change_of(now, measure.of(then), measure.unit)
    return Figure(measure.label, measure.written(found.totals), change)


def _line(site: Site, found: Findings, now: datetime) -> Table:
    period, step = found.period, _STEPS[found.kind]
    counts = {row.dimensions[0]: int(row.metrics[0] or 0) for row in found.line.rows}
    each = buckets(period, step, site.timezone, now)
    firsts = [bucket.start.date() for bucket in each]
    lasts = [*(first - ONE_DAY for first in firsts[1:]), period.last]
    named = [
        (formats.short_days(first, last, period.last.year), counts.get(bucket.key, 0))
        for bucket, first, last in zip(each, firsts, lasts, strict=True)
    ]
    title = say("Day by day") if step is Dimension.DAY else say("Week by week")
    return Table(title, Measure.VISITORS.label, bars(named))


def _table(field: Field, metric: Metric, answer: Report) -> Table | None:
    shown = [row for row in answer.rows if not is_beside(field, row.dimensions[0])][:_SHOWN]
    if not shown:
        return None
    named = [(value_name(field, row.dimensions[0]), int(row.metrics[0] or 0)) for row in shown]
    column = Measure.VISITORS.label if metric is Metric.VISITORS else say("Number")
    return Table(plural(field), column, bars(named))
