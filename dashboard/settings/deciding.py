"""What owners decide about counting: what is left out, how long numbers stay, whose days they are.

What cannot be taken back is asked about once more, on a page that says what will happen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import MOST_RETENTION_MONTHS, Site, kept_from
from collector.people.trail import Act, Trail
from collector.settings.domains import BadTimezoneError, timezone_names
from collector.settings.exclusions import ExclusionBook, ExclusionError, exclusions
from collector.settings.zones import Turn, ZoneError, turn
from dashboard.access.gate import site_asked
from dashboard.asker import who_asks
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import site_path
from dashboard.question.periods import local_now
from dashboard.web import form_of
from dashboard.words import formats
from dashboard.words.languages import say, to_say
from dashboard.words.problems import told

Form = dict[str, str]
_FORM_BYTES = 262_144  # 100 patterns, of which each character may be written as nine
_FORM_FIELDS = 8
_SURE = "yes"
DONE = {
    "left-out": to_say("Saved. It holds for what happens from now on; what was counted stays."),
    "kept": to_say("Saved. Days that are too old are deleted within minutes."),
    "zone": to_say("Saved. The time zone changes at midnight."),
    "zone-now": to_say("Saved. The time zone is another one now."),
    "zone-stays": to_say("Saved. The time zone stays as it is."),
}  # by the names that they have in addresses


class DecisionError(ValueError):
    """Something cannot be decided so; the message is for people."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done: what will happen, and the form that does it."""

    headline: str
    sentences: tuple[str, ...]
    button: str
    fields: tuple[tuple[str, str], ...]


def decided(parts: Parts, site: Site, request: Request) -> dict[str, Any]:
    """Return what the settings show of what is decided. Blocking."""
    now = parts.clock()
    local = local_now(now, site.timezone)
    return {
        "excluded": ExclusionBook(parts.control).of(site.id),
        "own_network": parts.own_network(request.scope),
        "months": site.retention_months,
        "most_months": MOST_RETENTION_MONTHS,
        "kept_from": formats.plain_day(kept_from(local.date(), site.retention_months)),
        "zones": timezone_names(),
        "next_zone": (site.next_timezone, formats.plain_day(_day_after(site, site.turns_at)))
        if site.turns_at
        else None,
        "done": say(DONE[done]) if (done := request.query_params.get("done", "")) in DONE else None,
    }


def _day_after(site: Site, midnight: datetime) -> date:
    return local_now(midnight, site.timezone).date()


class Deciding:
    """The endpoint of the forms that decide.

    Args:
        again: shows the settings with what is wrong about a form.
    """

    def __init__(self, parts: Parts, again: Callable[[Request, str, Form], Response]) -> None:
        self._parts = parts
        self._again = again
        self._control = parts.control
        self._trail = Trail(parts.control)

    async def decide(self, request: Request) -> Response:
        """Take a form of the settings, or of the question that came of it."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)
        return await run_in_threadpool(self._decide, request, form)

    def _decide(self, request: Request, form: Form) -> Response:
        site = site_asked()
        try:
            found = self._apply(site, form)
        except (BadTimezoneError, DecisionError, ExclusionError, ZoneError) as error:
            return self._again(request, told(error), form)
        if isinstance(found, Question):
            return render(
                "question.html",
                site=site,
                home=site_path(site),
                notices=[told(each) for each in self._parts.notices()],
                question=found,
                refresh_s=None,
            )
        return RedirectResponse(f"{site_path(site)}/settings?done={found}#{found}", 303)

    def _apply(self, site: Site, form: Form) -> Question | str:
        match form.get("do"):
            case "leave-out":
                return self._leave_out(site, form)
            case "keep-for":
                return self._keep_for(site, form.get("months", ""), form.get("sure") == _SURE)
            case "turn":
                return self._turn(site, form.get("timezone", ""), form.get("sure") == _SURE)
            case "turn-never":
                self._control.turn_never(site.id)
                self._note(site, f"time zone stays {site.timezone}")
                return "zone-stays"
            case _:
                raise DecisionError(say("there is nothing of that kind to be done"))

    def _leave_out(self, site: Site, form: Form) -> str:
        wanted = exclusions(form.get("patterns", ""), form.get("networks", ""))
        ExclusionBook(self._control).write(site.id, wanted)
        count = f"{len(wanted.patterns)} patterns, {len(wanted.networks)} networks"
        self._note(site, f"left out: {count}")
        return "left-out"

    def _keep_for(self, site: Site, text: str, is_sure: bool) -> Question | str:  # noqa: FBT001 - as the form says
        months = int(text[:9]) if text.isascii() and text.isdigit() else 0
        if not 1 <= months <= MOST_RETENTION_MONTHS:
            raise DecisionError(
                say("numbers are kept for 1 to {most} months", most=MOST_RETENTION_MONTHS)
            )
        now = self._parts.clock()
        began = self._parts.stats.first_date(site.id)
        first = kept_from(local_now(now, site.timezone).date(), months)
        if not is_sure and months < site.retention_months and began and began < first:
            return _question_of_deleting(site, months, began, first)
        self._control.set_retention(site.domain, months, now)
        if months != site.retention_months:
            self._note(site, f"kept for {months} months, not {site.retention_months}")
        return "kept"

    def _turn(self, site: Site, timezone: str, is_sure: bool) -> Question | str:  # noqa: FBT001 - as the form says
        now = self._parts.clock()
        is_new = self._parts.stats.first_date(site.id) is None
        wanted = turn(site, timezone, now, is_new=is_new)
        if is_new:
            self._control.turn_at_once(site.id, wanted.timezone)
        elif is_sure:
            self._control.turn_later(site.id, wanted.timezone, wanted.at)
        else:
            return _question_of_turning(site, wanted)
        self._note(site, f"time zone {wanted.timezone}, not {site.timezone}")
        return "zone-now" if is_new else "zone"

    def _note(self, site: Site, about: str) -> None:
        now = self._parts.clock()
        self._trail.note(now, who_asks().name, Act.CHANGED_SETTING, site.id, about)


def _question_of_deleting(site: Site, months: int, began: date, first: date) -> Question:
    return Question(
        headline=say("Delete older numbers?"),
        sentences=(
            say(
                "All numbers of {site} from before {day} are deleted within minutes; they begin on"
                " {began}.",
                site=site.domain,
                day=formats.plain_day(first),
                began=formats.plain_day(began),
            ),
            say("They cannot be had back, unless from a backup of yours."),
        ),
        button=say("Delete them, and keep {months} months", months=months),
        fields=(("do", "keep-for"), ("months", str(months)), ("sure", _SURE)),
    )


def _question_of_turning(site: Site, wanted: Turn) -> Question:
    at = local_now(wanted.at, site.timezone)
    sentences = [
        say(
            "On {day} at {clock} in {before}, it is {then} in {after}. From that moment on, days"
            " are those of {after}.",
            day=formats.day(at.date()),
            clock=f"{at:%H:%M}",
            before=site.timezone,
            after=wanted.timezone,
            then=f"{wanted.then:%H:%M}",
        )
    ]
    if wanted.is_longer:
        sentences.append(
            say(
                "{day} then lasts {hours} hours, and people who come both before and after that"
                " moment count twice on it.",
                day=formats.day(wanted.ending),
                hours=f"{wanted.hours:g}",
            )
        )
    elif wanted.hours != 24:  # noqa: PLR2004 - hours of a day
        sentences.append(
            say(
                "{day} then has only {hours} hours.",
                day=formats.day(wanted.then.date()),
                hours=f"{wanted.hours:g}",
            )
        )
    sentences.append(say("Days before stay as they were counted."))
    return Question(
        headline=say("Change the time zone?"),
        sentences=tuple(sentences),
        button=say("Change it at midnight"),
        fields=(("do", "turn"), ("timezone", wanted.timezone), ("sure", _SURE)),
    )
