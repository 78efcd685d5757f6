"""The front page: all sites, each with how many came and how that has changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.people.accounts import ALL_SITES, Role
from collector.question import Period, TooSlowError
from collector.stats import Glance
from dashboard.asker import Asker, who_asks
from dashboard.drawing.charts import sparkline
from dashboard.numbers.frame import REFRESH_S, WAITING_S
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import Link, site_path
from dashboard.question.comparing import change_of
from dashboard.question.periods import ONE_DAY, local_now
from dashboard.words.formats import Unit
from dashboard.words.languages import say, to_say
from dashboard.words.problems import told

_WEEKS_DAYS = 28
_SEARCH_MAX_CHARACTERS = 200
_UNKNOWN_SITE = 0  # the id that drops of unknown sites are counted under


class Sort(StrEnum):
    """In which order the sites are; its value is its name in addresses."""

    VISITORS = "visitors"
    CURRENT = "current"
    CHANGE = "change"
    NAME = "name"


_SORT_NAMES = {
    Sort.VISITORS: to_say("most visitors"),
    Sort.CURRENT: to_say("most at the moment"),
    Sort.CHANGE: to_say("greatest change"),
    Sort.NAME: to_say("name"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A site with its visitors: of today, of the last five minutes, of four weeks and before.

    `before` is 0 unless the weeks before were counted from their first day.
    """

    domain: str
    href: str
    today: int
    current: int
    visitors: int
    before: int
    change: str
    line: Markup
    problem: str | None = None
    waits: bool = False  # for its first event

    @property
    def growth(self) -> float:
        """How much it has changed, as a factor."""
        return self.visitors / self.before if self.before else 0.0


def front_page(parts: Parts, request: Request) -> Response:
    """List the sites; with only one, go to it. Blocking."""
    asker = who_asks()
    sites = asker.sees(parts.control.sites())
    if len(sites) == 1:
        return RedirectResponse(site_path(sites[0]), 303)
    if not sites and (why := _why_none(asker, parts.control.sites())) is not None:
        headline, text = why
        return render(
            "sites.html",
            headline=headline,
            text=text,
            has_sites=False,
            refresh_s=None,
            notices=(),
        )
    now = parts.clock()
    search = request.query_params.get("q", "").strip()[:_SEARCH_MAX_CHARACTERS]
    sort = request.query_params.get("sort", Sort.VISITORS)
    order = Sort(sort) if sort in list(Sort) else Sort.VISITORS
    found = [site for site in sites if search.casefold() in site.domain]
    return render(
        "sites.html",
        notices=[told(each) for each in parts.notices()],
        cards=_sorted(_cards(parts, found, now), order),
        has_sites=bool(sites),
        search=search,
        sorts=_sorts(search, order),
        sort=order.value,
        unknown=_unknown(parts, now.date()) if asker.role(ALL_SITES) else 0,
        adds_sites=asker.role(ALL_SITES) is Role.OWNER,
        refresh_s=REFRESH_S if sites else WAITING_S,
    )


def _why_none(asker: Asker, sites: Sequence[Site]) -> tuple[str, str] | None:
    """Say why somebody may look at no site; None where they can add one."""
    at_home = replace(asker, barred=frozenset())
    if at_home.sees(sites):
        return say("Not from here"), say(
            "The owners of your sites let your role in from some networks alone, and this is none"
            " of them."
        )
    if at_home.sees_all:
        return None
    return say("No site for you yet"), say(
        "Nobody has let you in to a site, or not any more. Those who own one can."
    )


def _sorts(search: str, order: Sort) -> list[Link]:
    state = [("q", search)] if search else []
    return [
        Link(say(name), "?" + urlencode([*state, ("sort", each.value)]), each is order)
        for each, name in _SORT_NAMES.items()
    ]


def _sorted(cards: Sequence[Card], order: Sort) -> list[Card]:
    by_name = sorted(cards, key=lambda card: card.domain)
    keys: dict[Sort, Any] = {
        Sort.VISITORS: lambda card: -card.visitors,
        Sort.CURRENT: lambda card: -card.current,
        Sort.CHANGE: lambda card: -abs(card.growth - 1),
        Sort.NAME: lambda card: card.domain,
    }
    return sorted(by_name, key=keys[order])


def _cards(parts: Parts, sites: Sequence[Site], now: datetime) -> list[Card]:
    dates = [local_now(now, site.timezone).date() for site in sites]
    if not dates:
        return []
    period = Period(min(dates) - 2 * _WEEKS_DAYS * ONE_DAY, max(dates))
    try:
        glances = parts.stats.glances([site.id for site in sites], period, now)
    except TooSlowError as error:
        return [_card_without(site, told(error)) for site in sites]
    return [_card(site, today, glances[site.id]) for site, today in zip(sites, dates, strict=True)]


def _card_without(site: Site, problem: str) -> Card:
    return Card(site.domain, site_path(site), 0, 0, 0, 0, "", Markup(""), problem)


def _card(site: Site, today: date, glance: Glance) -> Card:
    days = [today - timedelta(days=ago) for ago in range(2 * _WEEKS_DAYS, 0, -1)]
    counts = [glance.by_day.get(day, 0) for day in days]
    began = glance.began
    # Whatever comes after nothing is only new.
    before = sum(counts[:_WEEKS_DAYS]) if began is not None and began <= days[0] else 0
    visitors = sum(counts[_WEEKS_DAYS:])
    line = [
        count if began and day >= began else None for day, count in zip(days, counts, strict=True)
    ]
    return Card(
        domain=site.domain,
        href=site_path(site),
        today=glance.by_day.get(today, 0),
        current=glance.current,
        visitors=visitors,
        before=before,
        change=change_of(visitors, before, Unit.COUNT) if before else "",
        line=sparkline(line[_WEEKS_DAYS:]),
        waits=began is None,
    )


def _unknown(parts: Parts, today: date) -> int:
    """Return how many events of four weeks spoke of sites that are not registered."""
    nobody = Site(_UNKNOWN_SITE, "", "UTC", parts.clock())
    try:
        found = parts.excluded(nobody, Period(today - _WEEKS_DAYS * ONE_DAY, today))
    except TooSlowError:  # a number in small print: without it the page says the rest
        return 0
    return sum(found.values())
