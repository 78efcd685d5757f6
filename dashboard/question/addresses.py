"""The state of a page, which is all in its address, and the links that change it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Protocol
from urllib.parse import quote, quote_plus

from collector.control import Site
from collector.question import Dimension, Field, Filter, Period
from dashboard.question.chosen import Chosen, Each, chosen_at, joined, narrowed, or_else, together
from dashboard.question.comparing import Against
from dashboard.question.periods import ONE_DAY, PeriodError, Preset, days_in, span
from dashboard.words.formats import days, plain_day
from dashboard.words.languages import say, to_say
from dashboard.words.measures import Measure

ALL: Final = "all"
_CUSTOM = "custom"
# Key, word, and name of the period; the later ones are behind "More".
_PRESETS = (
    ("d", to_say("Today"), Preset.DAY),
    ("w", to_say("7 days"), Preset.WEEK),
    ("f", to_say("28 days"), Preset.FOUR_WEEKS),
    ("m", to_say("This month"), Preset.MONTH),
    ("q", to_say("91 days"), Preset.QUARTER),
    ("y", to_say("12 months"), Preset.TWELVE_MONTHS),
    ("t", to_say("This year"), Preset.YEAR),
)
_IN_FRONT: Final = 4  # links of the period picker
_STEPS = {
    Dimension.HOUR: (1, 8),
    Dimension.DAY: (2, 400),
    Dimension.WEEK: (14, 5000),
    Dimension.MONTH: (59, 5000),
}  # the least and the most days that a step suits
_STEP_NAMES = {step.value.partition(":")[2]: step for step in _STEPS}
_STEP_WORDS = {
    Dimension.HOUR: to_say("hourly"),
    Dimension.DAY: to_say("daily"),
    Dimension.WEEK: to_say("weekly"),
    Dimension.MONTH: to_say("monthly"),
}
_MOST_DAYS_BY_DAY, _MOST_DAYS_BY_WEEK = 92, 400
_TABS = ("sources", "pages", "places", "devices", "events")
_TAB_MAX_CHARACTERS = 310


class State(Protocol):
    """The query of an address, as Starlette reads it."""

    def get(self, key: str, default: str) -> str:
        """Return the last value of a key."""

    def getlist(self, key: str) -> list[str]:
        """Return all values of a key."""


def site_path(site: Site) -> str:
    """Return the path of a site's page."""
    return "/sites/" + quote(site.domain, safe="")


@dataclass(frozen=True, slots=True)
class Link:
    """A word that leads to another view; `current` marks the one that is shown."""

    text: str
    href: str
    current: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What an address asks for: which days, filters and numbers.

    Args:
        name: of the period, "" when it is one of dates.
        asked_step: the steps of the chart; None for those that suit the period.
        tabs: of which card which tab is in front, where it is not the first.
    """

    period: Period
    measure: Measure
    today: date
    name: str = ""
    against: Against = Against.PREVIOUS
    asked_step: Dimension | None = None
    filters: tuple[Each, ...] = ()
    tabs: tuple[tuple[str, str], ...] = ()
    began: date | None = None

    @property
    def includes_today(self) -> bool:
        """Whether the numbers still change."""
        return self.period.first <= self.today <= self.period.last

    @property
    def ends_yesterday(self) -> bool:
        """Whether today comes next."""
        return (self.today - self.period.last).days == 1

    @property
    def title(self) -> str:
        """The period in words."""
        return days(self.period.first, self.period.last)

    @property
    def filter(self) -> Filter:
        """What lets through what all filters do."""
        return together(self.filters)

    @property
    def other(self) -> Period | None:
        """The period this one is compared with."""
        return self.against.other(self.period, self.name)

    @property
    def step(self) -> Dimension:
        """The steps of the chart."""
        return self.asked_step or _own_step(self.period)

    # Other views

    def at(self, period: Period, name: str = "") -> "View":
        """Return this view of other days."""
        return replace(self, period=period, name=name, asked_step=None)

    def showing(self, measure: Measure) -> "View":
        """Return this view with another number in the chart."""
        return replace(self, measure=measure)

    def only(self, field: Field, value: str) -> "View":
        """Return this view of those for whom a field has one value."""
        return replace(self, filters=narrowed(self.filters, field, value))

    def with_filter(self, chosen: Chosen) -> "View":
        """Return this view with one more filter."""
        return replace(self, filters=joined(self.filters, chosen))

    def or_else(self, index: int, chosen: Chosen) -> "View":
        """Return this view with one more alternative to one of its filters."""
        return replace(self, filters=or_else(self.filters, index, chosen))

    def with_filters(self, filters: Sequence[Each]) -> "View":
        """Return this view with other filters."""
        return replace(self, filters=tuple(filters))

    def with_tab(self, card: str, tab: str) -> "View":
        """Return this view with another tab of a card in front; "" is the first."""
        others = [pair for pair in self.tabs if pair[0] != card]
        return replace(self, tabs=tuple(sorted([*others, *([(card, tab)] if tab else [])])))

    def tab(self, card: str) -> str:
        """Return which tab of a card is in front; "" is the first."""
        return dict(self.tabs).get(card, "")

    # Addresses

    @property
    def state(self) -> list[tuple[str, str]]:
        """All of it as the fields of a query; what goes without saying is left out."""
        state = self._period_state()
        if self.measure is not Measure.VISITORS:
            state.append(("metric", self.measure.value))
        if self.against is not Against.PREVIOUS:
            state.append(("compare", self.against.value))
        if self.asked_step is not None:
            state.append(("step", self.asked_step.value.partition(":")[2]))
        state += [("f", each.address) for each in self.filters]
        return [*state, *self.tabs]

    @property
    def filters_state(self) -> str:
        """The filters alone, as they are written in an address."""
        return _encoded([("f", each.address) for each in self.filters])

    def _period_state(self) -> list[tuple[str, str]]:
        if self.name:
            return [("period", self.name)]
        first, last = self.period.first.isoformat(), self.period.last.isoformat()
        return [("period", _CUSTOM), ("from", first), ("to", last)]

    def state_without(self, *keys: str) -> list[tuple[str, str]]:
        """Return the fields that a form has to carry along, but for those it sets."""
        return [pair for pair in self.state if pair[0] not in keys]

    @property
    def href(self) -> str:
        """The address of this view, relative to its page."""
        return "?" + _encoded(self.state)

    # Links

    @property
    def presets(self) -> tuple[Link, ...]:
        """The links in front of the period picker."""
        return self._presets()[:_IN_FRONT]

    @property
    def more_presets(self) -> tuple[Link, ...]:
        """Those behind "More"."""
        return self._presets()[_IN_FRONT:]

    @property
    def more_word(self) -> str:
        """What is behind "More" and shown at the moment; "" when it is in front."""
        if any(link.current for link in self.presets):
            return ""
        return next((link.text for link in self.more_presets if link.current), say("Dates"))

    def _presets(self) -> tuple[Link, ...]:
        yesterday = Period(self.today - ONE_DAY, self.today - ONE_DAY)
        named = [
            Link(say(text), self.at(p.period(self.today), p).href, self.name == p, key)
            for key, text, p in _PRESETS
        ]
        is_yesterday = not self.name and self.period == yesterday
        named.insert(1, Link(say("Yesterday"), self.at(yesterday).href, is_yesterday, "e"))
        whole = Period(min(self.began or self.today, self.today), self.today)
        return (*named, Link(say("All"), self.at(whole, ALL).href, self.name == ALL, "a"))

    def measures(self) -> tuple[Link, ...]:
        """Return the links that put another number into the chart."""
        return tuple(Link(m.label, self.showing(m).href, m is self.measure) for m in Measure)

    def comparisons(self) -> tuple[Link, ...]:
        """Return the links that compare with something else."""
        return tuple(
            Link(a.label, replace(self, against=a).href, a is self.against) for a in Against
        )

    @property
    def compare_toggle(self) -> str:
        """The address that switches the comparison off or on."""
        against = Against.NONE if self.against is not Against.NONE else Against.PREVIOUS
        return replace(self, against=against).href

    def steps(self) -> tuple[Link, ...]:
        """Return the links to other steps of the chart, as far as they suit the period."""
        return tuple(
            Link(say(_STEP_WORDS[step]), self._stepping(step).href, step is self.step)
            for step in _STEPS
            if _suits(step, self.period)
        )

    def _stepping(self, step: Dimension) -> "View":
        return replace(self, asked_step=None if step is _own_step(self.period) else step)

    def earlier(self) -> str:
        """Return the address of the period of the same length just before."""
        return self._shifted(-1).href

    def later(self) -> str | None:
        """Return the address of the period just after; None when it lies in the future."""
        later = self._shifted(1)
        return later.href if later.period.first <= self.today else None

    def _shifted(self, times: int) -> "View":
        by = times * timedelta(days=days_in(self.period))
        period = Period(self.period.first + by, self.period.last + by)
        return self.at(period, Preset.DAY if period == Period(self.today, self.today) else "")


def _encoded(state: Iterable[tuple[str, str]]) -> str:
    """Return a query; as urlencode does, which asks of each key and value what it is made of."""
    return "&".join(f"{key}={quote_plus(value, safe=',:/')}" for key, value in state)


def view_of(state: State, today: date, began: date | None = None) -> View:
    """Read the state in an address of a site whose numbers began on a day.

    Raises:
        PeriodError: there is no such period, step, number or comparison; for people.
        QueryError: a filter is none.
    """
    period, name = _period(state, today, began)
    shown, against = (state.get(key, "") for key in ("metric", "compare"))
    if shown and shown not in list(Measure):
        raise PeriodError(say("there is no number called “{name}”", name=shown))
    if against and against not in list(Against):
        raise PeriodError(say("nothing can be compared with “{name}”", name=against))
    return View(
        period=period,
        measure=Measure(shown or Measure.VISITORS),
        today=today,
        name=name,
        against=Against(against or Against.PREVIOUS),
        asked_step=_step(state.get("step", ""), period),
        filters=tuple(dict.fromkeys(map(chosen_at, state.getlist("f")))),
        tabs=tuple(
            (key, tab) for key in _TABS if (tab := state.get(key, "")[:_TAB_MAX_CHARACTERS])
        ),
        began=began,
    )


def _step(name: str, period: Period) -> Dimension | None:
    if not name:
        return None
    if name not in _STEP_NAMES:
        raise PeriodError(say("there are no steps called “{name}”", name=name))
    step = _STEP_NAMES[name]
    # A link to other days may carry a step that was for the days before.
    return step if _suits(step, period) and step is not _own_step(period) else None


def _suits(step: Dimension, period: Period) -> bool:
    least, most = _STEPS[step]
    return least <= days_in(period) <= most


def _own_step(period: Period) -> Dimension:
    if period.first == period.last:
        return Dimension.HOUR
    if days_in(period) <= _MOST_DAYS_BY_DAY:
        return Dimension.DAY
    return Dimension.WEEK if days_in(period) <= _MOST_DAYS_BY_WEEK else Dimension.MONTH


def _period(state: State, today: date, began: date | None) -> tuple[Period, str]:
    name = state.get("period", Preset.DAY.value)
    if name in list(Preset):
        return Preset(name).period(today), name
    if name == ALL:
        return Period(min(began or today, today), today), name
    if name != _CUSTOM:
        raise PeriodError(say("there is no period called “{name}”", name=name))
    period = span(state.get("from", ""), state.get("to", ""))
    if period.first > today:
        raise PeriodError(say("{day} is still to come", day=plain_day(period.first)))
    return period, Preset.DAY if period == Period(today, today) else ""
