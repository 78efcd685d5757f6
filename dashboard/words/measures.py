"""The six numbers of a site: what they are called, what they mean, how they are written."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from collector.question import Metric, Row
from dashboard.words.formats import NOTHING, Unit, writer
from dashboard.words.languages import say, say_n, to_say, to_say_n

# What every total and every time series asks for, in the order in which Totals reads it.
METRICS = (
    Metric.VISITORS,
    Metric.VISITS,
    Metric.PAGEVIEWS,
    Metric.BOUNCE_RATE,
    Metric.VISIT_DURATION,
)


@dataclass(frozen=True, slots=True)
class Totals:
    """The metrics of a whole period, or of one hour or day of it."""

    visitors: int = 0
    visits: int = 0
    pageviews: int = 0
    bounce_rate: float | None = None
    visit_duration: float | None = None
    is_hidden: bool = False

    @classmethod
    def of(cls, row: Row | None) -> "Totals":
        """Read a row of METRICS; no row is nobody, a hidden one a few of whom nothing is told."""
        if row is None:
            return cls()
        if row.is_hidden:
            return cls(is_hidden=True)
        visitors, visits, pageviews, bounce_rate, visit_duration = row.metrics
        return cls(
            int(visitors or 0), int(visits or 0), int(pageviews or 0), bounce_rate, visit_duration
        )

    @property
    def views_per_visit(self) -> float | None:
        """Pageviews by visits; no value without visits."""
        return self.pageviews / self.visits if self.visits else None


@dataclass(frozen=True, slots=True)
class _Meaning:
    label: str
    caption: str
    unit: Unit
    of: Callable[[Totals], float | None]


class Measure(StrEnum):
    """One of the six numbers; its value is its name in addresses."""

    VISITORS = "visitors"
    VISITS = "visits"
    PAGEVIEWS = "pageviews"
    VIEWS_PER_VISIT = "views_per_visit"
    BOUNCE_RATE = "bounce_rate"
    VISIT_DURATION = "visit_duration"

    @property
    def label(self) -> str:
        """What it is called."""
        return say(_MEANINGS[self].label)

    @property
    def caption(self) -> str:
        """What it means, in a few words."""
        return say(_MEANINGS[self].caption)

    @property
    def unit(self) -> Unit:
        """How it is written."""
        return _MEANINGS[self].unit

    def of(self, totals: Totals) -> float | None:
        """Return its value; None where there is none, or where it is hidden."""
        return None if totals.is_hidden else _MEANINGS[self].of(totals)

    def written(self, totals: Totals, least_visitors: int = 0) -> str:
        """Return its value as people read it; of fewer visitors than the least it is `<5`."""
        return self.writer(least_visitors)(totals)

    def writer(self, least_visitors: int = 0) -> Callable[[Totals], str]:
        """Return what writes its values as people read them, quickly."""
        value_of, write = _MEANINGS[self].of, writer(self.unit)
        hidden = f"<{least_visitors}" if self is Measure.VISITORS else NOTHING

        def written(totals: Totals) -> str:
            if totals.is_hidden:
                return hidden
            value = value_of(totals)
            return NOTHING if value is None else write(value)

        return written

    def teller(self, least_visitors: int = 0) -> Callable[[Totals], str]:
        """Return what tells its values with what they count: `42 visitors`, `38% bounced`."""
        write = self.writer(least_visitors)
        if self in _TOLD:
            return lambda totals: say(_TOLD[self], number=write(totals))
        if self not in _COUNTED:
            return write
        one, many = _COUNTED[self]

        def told(totals: Totals) -> str:
            value = self.of(totals)
            return say_n(one, many, _SEVERAL if value is None else round(value), n=write(totals))

        return told


_SEVERAL = 5  # what no number is told of, for the grammar's sake
_COUNTED = {
    Measure.VISITORS: to_say_n("{n} visitor", "{n} visitors"),
    Measure.VISITS: to_say_n("{n} visit", "{n} visits"),
    Measure.PAGEVIEWS: to_say_n("{n} pageview", "{n} pageviews"),
}
_TOLD = {
    Measure.VIEWS_PER_VISIT: to_say("{number} views per visit"),
    Measure.BOUNCE_RATE: to_say("{number} bounced"),
}
_MEANINGS = {
    Measure.VISITORS: _Meaning(
        to_say("Visitors"),
        to_say("people, counted per day"),
        Unit.COUNT,
        lambda totals: totals.visitors,
    ),
    Measure.VISITS: _Meaning(
        to_say("Visits"),
        to_say("end after 30 idle minutes"),
        Unit.COUNT,
        lambda totals: totals.visits,
    ),
    Measure.PAGEVIEWS: _Meaning(
        to_say("Pageviews"), to_say("pages shown"), Unit.COUNT, lambda totals: totals.pageviews
    ),
    Measure.VIEWS_PER_VISIT: _Meaning(
        to_say("Views per visit"),
        to_say("pages shown in a visit"),
        Unit.RATIO,
        lambda totals: totals.views_per_visit,
    ),
    Measure.BOUNCE_RATE: _Meaning(
        to_say("Bounce rate"),
        to_say("visits with just one page"),
        Unit.PER_CENT,
        lambda totals: totals.bounce_rate,
    ),
    Measure.VISIT_DURATION: _Meaning(
        to_say("Visit duration"),
        to_say("mean of all visits"),
        Unit.DURATION,
        lambda totals: totals.visit_duration,
    ),
}
