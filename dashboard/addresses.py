"""The state of a page, which is all in its address, and the links that change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from collector.control import Site
from collector.question import Period
from dashboard.formats import days, plain_day
from dashboard.measures import Measure
from dashboard.periods import ONE_DAY, PeriodError, Preset, days_in, span

_MOST_DAYS = 366  # one point a day; more would be a smear
_PRESET_NAMES = {Preset.DAY: "Today", Preset.WEEK: "7 days", Preset.FOUR_WEEKS: "28 days"}


def site_path(site: Site) -> str:
    """Return the path of a site's page."""
    return "/sites/" + quote(site.domain, safe="")


@dataclass(frozen=True, slots=True)
class Link:
    """A word that leads to another view; `current` marks the one that is shown."""

    text: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What an address asks for: which days, and which number the chart shows."""

    period: Period
    measure: Measure
    today: date

    @property
    def includes_today(self) -> bool:
        """Whether the numbers still change."""
        return self.period.first <= self.today <= self.period.last

    @property
    def preset(self) -> Preset | None:
        """The name of the period, if it has one."""
        named = (preset for preset in Preset if preset.period(self.today) == self.period)
        return next(named, None)

    @property
    def is_custom(self) -> bool:
        """Whether the picker has no word for the period."""
        return not any(link.current for link in self.presets())

    @property
    def title(self) -> str:
        """The period in words."""
        return days(self.period.first, self.period.last)

    def link(self, period: Period | None = None, measure: Measure | None = None) -> str:
        """Return the address of this view with another period or another number."""
        other = View(period or self.period, measure or self.measure, self.today)
        state = other._state()
        if other.measure is not Measure.VISITORS:
            state["metric"] = other.measure.value
        return "?" + urlencode(state)

    def _state(self) -> dict[str, str]:
        if self.preset is not None:
            return {"period": self.preset.value}
        return {
            "period": "custom",
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
        }

    def presets(self) -> tuple[Link, ...]:
        """Return the links of the period picker."""
        yesterday = self.today - ONE_DAY
        periods = [
            (_PRESET_NAMES[Preset.DAY], Preset.DAY.period(self.today)),
            ("Yesterday", Period(yesterday, yesterday)),
            (_PRESET_NAMES[Preset.WEEK], Preset.WEEK.period(self.today)),
            (_PRESET_NAMES[Preset.FOUR_WEEKS], Preset.FOUR_WEEKS.period(self.today)),
        ]
        return tuple(Link(text, self.link(p), p == self.period) for text, p in periods)

    def earlier(self) -> str:
        """Return the address of the period of the same length just before."""
        return self.link(self._shifted(-1))

    def later(self) -> str | None:
        """Return the address of the period just after; None when it lies in the future."""
        later = self._shifted(1)
        return self.link(later) if later.first <= self.today else None

    def _shifted(self, times: int) -> Period:
        by = times * timedelta(days=days_in(self.period))
        return Period(self.period.first + by, self.period.last + by)


def view_of(state: Mapping[str, str], today: date) -> View:
    """Read the state in an address.

    Raises:
        PeriodError: there is no such period or number; the message is for people.
    """
    name = state.get("period", Preset.DAY.value)
    shown = state.get("metric", Measure.VISITORS.value)
    if shown not in {measure.value for measure in Measure}:
        raise PeriodError(f"there is no number called {shown!r}")
    return View(_period(name, state, today), Measure(shown), today)


def _period(name: str, state: Mapping[str, str], today: date) -> Period:
    if name in list(Preset):
        return Preset(name).period(today)
    if name != "custom":
        raise PeriodError(f"there is no period called {name!r}")
    period = span(state.get("from", ""), state.get("to", ""))
    if days_in(period) > _MOST_DAYS:
        raise PeriodError(f"a page shows at most {_MOST_DAYS} days")
    if period.first > today:
        raise PeriodError(f"{plain_day(period.first)} is still to come")
    return period
