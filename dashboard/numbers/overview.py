"""A site's page: six numbers, a chart, and cards that tell its visitors apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from collector.control import Site
from collector.question import Dimension, Period, Query, Report, TooSlowError
from collector.settings.notebook import Annotation, Notebook
from dashboard.drawing import charts, rhythm, timeline
from dashboard.drawing.timeline import Moment, Stretch
from dashboard.numbers import cards
from dashboard.numbers.frame import Frame
from dashboard.pages import render
from dashboard.question.addresses import View
from dashboard.question.asking import Answer, Unanswered, answers
from dashboard.question.chosen import Chosen, Comparing
from dashboard.question.comparing import UNCHANGED, change_of, finished, same_part
from dashboard.question.periods import buckets
from dashboard.words import formats
from dashboard.words.languages import say, to_say
from dashboard.words.measures import METRICS, Measure, Totals
from dashboard.words.problems import told

_UNITS = {
    Dimension.HOUR: to_say("Hour"),
    Dimension.DAY: to_say("Day"),
    Dimension.WEEK: to_say("Week"),
    Dimension.MONTH: to_say("Month"),
}
_PER_UNIT = {
    Dimension.HOUR: to_say("{measure} per hour"),
    Dimension.DAY: to_say("{measure} per day"),
    Dimension.WEEK: to_say("{measure} per week"),
    Dimension.MONTH: to_say("{measure} per month"),
}
_RUNNING = {
    Dimension.HOUR: to_say("the hour is not over yet"),
    Dimension.DAY: to_say("the day is not over yet"),
    Dimension.WEEK: to_say("the week is not over yet"),
    Dimension.MONTH: to_say("the month is not over yet"),
}
_CUT = {
    Dimension.WEEK: to_say("only part of the week"),
    Dimension.MONTH: to_say("only part of the month"),
}
_REASONS = {
    "bot": (to_say("Robots"), to_say("crawlers, tools and headless browsers, by their user agent")),
    "referrer_spam": (to_say("Referrer spam"), to_say("visits made up to advertise a site")),
    "excluded_page": (
        to_say("Excluded pages"),
        to_say("that the settings of this site leave out"),
    ),
    "excluded_network": (
        to_say("Excluded networks"),
        to_say("that the settings of this site leave out"),
    ),
    "flood": (to_say("Floods"), to_say("more than one network may send in a minute")),
    "daily_limit": (to_say("Over the limit"), to_say("more than is counted of a site in a day")),
    "third_party": (
        to_say("Other hosts"),
        to_say("posted to a host that is not of the site's own domain"),
    ),
    "late": (to_say("Too late"), to_say("reading time of a day that was already sealed")),
    "unknown_site": (to_say("Unknown sites"), to_say("of pages that belong to no registered site")),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the six numbers, how it has changed, and the address that puts it into the chart."""

    label: str
    value: str
    change: str
    was: str
    caption: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What the numbers are compared with: the other period, and the parts that are over."""

    other: Period
    part: Period | None
    other_part: Period | None
    this_year: int

    @property
    def is_partial(self) -> bool:
        """Whether only a part can be compared."""
        return self.part is not None and self.other_part != self.other

    @property
    def words(self) -> str:
        """The other period in words."""
        return formats.short_days(self.other.first, self.other.last, self.this_year)

    @property
    def so_far(self) -> str:
        """How far it is compared, when only a part is over."""
        if self.clock:
            return say("both until {clock}", clock=self.clock)
        return say("both without today") if self.is_partial else ""

    @property
    def clock(self) -> str:
        """Until when on a clock both are compared, when it is only some hours of a day."""
        if self.part is None or self.part.is_whole:
            return ""
        return f"{self.part.last_hour + 1:02}:00"


def site_page(frame: Frame, _request: Request) -> Response:
    """Show a site's numbers. Blocking."""
    compared = _compared(frame)
    asked = {
        **_number_questions(frame.view, frame.site, compared),
        **cards.questions(frame.view, frame.site),
        "rhythm": rhythm.question(frame.view, frame.site, frame.began),
    }
    found = dict(zip(asked, answers(frame.parts.stats, [*asked.values()]), strict=True))
    totals, least = _totals(found["totals"]), frame.parts.stats.least_visitors
    drawing = cards.Drawing(frame.view, frame.site, totals.visitors, least)
    return render(
        "site.html",
        **frame.values,
        **_tiles_of(frame, found, compared),
        **_series_of(frame, found),
        cards=cards.cards(drawing, found, _properties(frame)),
        rhythm=rhythm.rhythm(asked["rhythm"], found["rhythm"], least),
        excluded=_excluded(frame),
        current=frame.parts.stats.current_visitors(frame.site.id, frame.now),
        began_on=formats.plain_day(frame.began),
        rekeyed=_rekeyed(frame),
        geo=frame.parts,
        nobody=totals == Totals() and not isinstance(found["totals"], Unanswered),
    )


def _compared(frame: Frame) -> Compared | None:
    other = frame.view.other
    if other is None or other.first < frame.began:  # whatever comes after nothing is only new
        return None
    part = finished(frame.view.period, frame.local)
    other_part = None if part is None else same_part(other, frame.view.period, part)
    return Compared(other, part, other_part, frame.local.year)


def _number_questions(view: View, site: Site, compared: Compared | None) -> dict[str, Query]:
    def query(period: Period, *dimensions: Dimension) -> Query:
        return Query(site.id, METRICS, dimensions, period, view.filter)

    asked = {"totals": query(view.period), "series": query(view.period, view.step)}
    if compared is not None:
        asked["series_then"] = query(compared.other, view.step)
        if compared.part is not None and compared.other_part is not None:
            asked["part_then"] = query(compared.other_part)
            if compared.part != view.period:
                asked["part"] = query(compared.part)
    return asked


def _totals(answer: Answer) -> Totals:
    if isinstance(answer, Unanswered):
        return Totals()
    return Totals.of(answer.rows[0] if answer.rows else None)


def _tiles_of(
    frame: Frame, found: Mapping[str, Answer], compared: Compared | None
) -> dict[str, Any]:
    answer = found["totals"]
    now, then = found.get("part", answer), found.get("part_then")
    both = None
    if isinstance(now, Report) and isinstance(then, Report):
        both = _totals(now), _totals(then)
    tiles = [_tile(frame, measure, answer, both) for measure in Measure]
    return {
        "tiles": tiles,
        "totals_problem": answer.reason if isinstance(answer, Unanswered) else None,
        "compared": compared,
        "has_change": any(tile.change for tile in tiles),
        "too_early": compared is None and frame.view.other is not None,
    }


def _tile(
    frame: Frame, measure: Measure, answer: Answer, both: tuple[Totals, Totals] | None
) -> Tile:
    least = frame.parts.stats.least_visitors
    now, then = both or (Totals(), Totals())
    is_unanswered = isinstance(answer, Unanswered)
    changed = change_of(measure.of(now), measure.of(then), measure.unit) if both else ""
    return Tile(
        label=measure.label,
        value=formats.NOTHING if is_unanswered else measure.written(_totals(answer), least),
        change=changed,
        was=measure.written(then, least) if changed not in {"", say(UNCHANGED)} else "",
        caption=measure.caption,
        href=frame.view.showing(measure).href,
        current=measure is frame.view.measure,
    )


def _series_of(frame: Frame, found: Mapping[str, Answer]) -> dict[str, Any]:
    view, answer = frame.view, found["series"]
    title = say(_PER_UNIT[view.step], measure=view.measure.label)
    line: tuple[Moment, ...] = ()
    if not isinstance(answer, Unanswered):
        now = _stretch(frame, answer, view.period)
        then = found.get("series_then")
        is_there = then is not None and not isinstance(then, Unanswered) and view.other is not None
        other = _stretch(frame, then, view.other) if is_there and then and view.other else None
        line = timeline.moments(now, other, view.step)
    notes = _notes(frame)
    least = frame.parts.stats.least_visitors
    return {
        "series_title": title,
        "series_problem": answer.reason if isinstance(answer, Unanswered) else None,
        "chart": charts.time_series(
            timeline.points(line, view.step, view.measure, least, [note.date for note in notes]),
            view.measure.unit,
            title=say("{what}, {when}", what=title, when=view.title),
            description=say("The table below the chart has the same numbers."),
        ),
        "rows": timeline.rows([moment for moment in line if moment.counted], view.measure, least),
        "notes": [(formats.short_day(note.date), note.text) for note in notes],
        "is_compared": any(moment.then is not None for moment in line),
        "unfinished": _unfinished(line, view.step),
        "has_gaps": any(moment.totals.is_hidden for moment in line),
        "measures": tuple(Measure),
        "unit": say(_UNITS[view.step]),
    }


def _unfinished(line: Sequence[Moment], step: Dimension) -> str:
    """Say what is dashed in the chart; "" when nothing is."""
    if any(moment.running for moment in line):
        return say(_RUNNING[step])
    return say(_CUT[step]) if any(moment.is_cut for moment in line) else ""


def _stretch(frame: Frame, answer: Answer, period: Period) -> Stretch:
    rows = () if isinstance(answer, Unanswered) else answer.rows
    steps = buckets(period, frame.view.step, frame.site.timezone, frame.now, frame.began)
    return Stretch(rows, steps)


def _properties(frame: Frame) -> tuple[str, ...]:
    """Return the names of the properties of the one event that a filter names."""
    named = [
        each.values[0]
        for each in frame.view.filters
        if isinstance(each, Chosen)
        and each.field is Dimension.NAME
        and each.comparing is Comparing.IS
        and len(each.values) == 1
    ]
    if len(named) != 1:
        return ()
    try:
        return frame.parts.properties(frame.site, frame.view.period, named[0])
    except TooSlowError:  # the card then offers the names alone, as without a filter
        return ()


@dataclass(frozen=True, slots=True)
class Excluded:
    """Traffic that was not counted: name, explanation and count of each reason."""

    reasons: tuple[tuple[str, str, str], ...]
    problem: str | None = None


def _excluded(frame: Frame) -> Excluded:
    try:
        counts = frame.parts.excluded(frame.site, frame.view.period)
    except TooSlowError as error:
        return Excluded((), told(error))
    return Excluded(
        tuple((*_reason(reason), formats.number(count)) for reason, count in counts.items())
    )


def _reason(reason: str) -> tuple[str, str]:
    if reason not in _REASONS:
        return reason, ""
    name, why = _REASONS[reason]
    return say(name), say(why)


def _rekeyed(frame: Frame) -> str:
    """Name the days of a period on which returning visitors count twice."""
    period = frame.view.period
    dates = sorted(d for d in frame.parts.rekeyed(frame.site) if period.first <= d <= period.last)
    return ", ".join(formats.short_day(when) for when in dates)


def _notes(frame: Frame) -> list[Annotation]:
    """Return what was written down about the days of a period."""
    return [
        each
        for each in Notebook(frame.parts.control).annotations(frame.site.id)
        if frame.view.period.first <= each.date <= frame.view.period.last
    ]
