"""Who may look at a site, or at all of them: people, invitations, networks; and who did what."""

from dataclasses import dataclass
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from collector.control import Site
from collector.people.accounts import ALL_SITES, AccountError, Accounts, Role, User
from collector.people.links import Links
from collector.people.networks import Networks, parsed
from collector.people.trail import SHOWN, Act, Trail
from dashboard.access.account import when
from dashboard.asker import role_name, who_asks
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import site_path
from dashboard.settings.deeds import in_words
from dashboard.web import form_of
from dashboard.words.languages import say
from dashboard.words.problems import told

Form = dict[str, str]
_FORM_BYTES = 16_384
_FORM_FIELDS = 16


class _ProblemError(Exception):
    """Something cannot be done; the message says why, in the language of the page."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a page of people is about: a site, or all of them."""

    id: int
    name: str
    home: str
    site: Site | None


class PeopleDesk:
    """The pages on which owners decide who may look."""

    def __init__(self, parts: Parts) -> None:
        self._clock = parts.clock
        self._comes_from = parts.comes_from
        self._accounts = Accounts(parts.control)
        self._links = Links(parts.control)
        self._networks = Networks(parts.control)
        self._trail = Trail(parts.control)

    def page(self, request: Request) -> Response:
        """Show who may look. Blocking."""
        return self._page(request)

    def _page(
        self, request: Request, problem: str | None = None, invited: tuple[str, str] | None = None
    ) -> Response:
        place = _place()
        networks = self._networks.all()
        members = self._accounts.members(place.id)
        return render(
            "people.html",
            400 if problem else 200,
            place=place,
            site=place.site,
            members=[(each, _is_of(each.on_all_sites, place)) for each in members],
            me=who_asks().user,
            invitations=self._links.invitations(place.id, self._clock()),
            roles=[(role.value, role_name(role)) for role in Role],
            role_name=role_name,
            networks=[
                (role.value, role_name(role), " ".join(networks.get((place.id, role), ())))
                for role in Role
            ],
            problem=problem,
            invited=invited,
            path=request.url.path,
        )

    async def act(self, request: Request) -> Response:
        """Take a form of the page."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)
        return await run_in_threadpool(self._answer, request, form)

    def _answer(self, request: Request, form: Form) -> Response:
        place, now = _place(), self._clock()
        try:
            if form.get("do") == "invite":
                return self._invite(request, form, place, now)
            self._act(request, form, place, now)
        except AccountError as error:
            return self._page(request, told(error))
        except _ProblemError as error:
            return self._page(request, str(error))
        return RedirectResponse(request.url.path, 303)

    def _act(self, request: Request, form: Form, place: Place, now: datetime) -> None:
        match form.get("do"):
            case "give":
                user, role = self._member(form, place), _role(form)
                self._accounts.give(user, place.id, role)
                self._note(now, Act.GAVE_ROLE, place, f"{user.email}: {role}")
            case "take":
                user = self._member(form, place)
                self._accounts.take(user, place.id)
                self._note(now, Act.TOOK_ROLE, place, user.email)
            case "withdraw":
                number = _number(form)
                for each in self._links.invitations(place.id, now):
                    if each.id == number:
                        self._links.withdraw(place.id, number)
                        self._note(now, Act.WITHDREW, place, each.email)
            case "limit":
                self._limit(request.scope, form, place, now)
            case _:
                raise _nothing_of_that_kind()

    def _invite(self, request: Request, form: Form, place: Place, now: datetime) -> Response:
        role, by = _role(form), who_asks().name
        token = self._links.invite(form.get("email", ""), place.id, role, by, now)
        link = self._links.find(token, now)
        email = "" if link is None else link.email
        self._note(now, Act.INVITED, place, f"{email}: {role}")
        address = f"{request.url.scheme}://{request.url.netloc}/links/{token}"
        return self._page(request, invited=(email, address))

    def _limit(self, scope: Scope, form: Form, place: Place, now: datetime) -> None:
        role, networks = _role(form), parsed(form.get("networks", ""))
        # Whoever shuts themselves out could not let themselves in again.
        if networks and who_asks().role(place.id) is role and not self._comes_from(scope, networks):
            raise _ProblemError(say("that would shut you out: you do not come from there"))
        self._networks.allow(place.id, role, networks)
        about = f"{role}: {' '.join(networks) or 'everywhere'}"
        self._note(now, Act.LIMITED, place, about)

    def _member(self, form: Form, place: Place) -> User:
        number = _number(form)
        for each in self._accounts.members(place.id):
            if each.user.id == number and each.on_all_sites == (place.id == ALL_SITES):
                return each.user
        raise _nothing_of_that_kind()

    def _note(self, now: datetime, act: Act, place: Place, about: str) -> None:
        self._trail.note(now, who_asks().name, act, place.id, about)

    def log(self, request: Request) -> Response:
        """Show who changed, exported or shared what. Blocking."""
        place = _place()
        asked = request.query_params.get("from", "")
        offset = int(asked[:9]) if asked.isascii() and asked.isdigit() else 0
        with_all = who_asks().may(Role.OWNER, ALL_SITES)
        entries = self._trail.of(place.id, with_all=with_all, offset=offset)
        return render(
            "log.html",
            place=place,
            site=place.site,
            entries=[(each, when(each.at), in_words(each)) for each in entries],
            older=offset + SHOWN if len(entries) == SHOWN else None,
            path=request.url.path,
        )


def _place() -> Place:
    site = who_asks().site
    if site is None:
        return Place(ALL_SITES, say("all sites"), "", None)
    return Place(site.id, site.domain, site_path(site), site)


def _is_of(on_all_sites: bool, place: Place) -> bool:  # noqa: FBT001 - what it tells
    """Tell whether a role is decided about on the page of a place."""
    return on_all_sites == (place.id == ALL_SITES)


def _role(form: Form) -> Role:
    wanted = form.get("role", "")
    if wanted not in list(Role):
        raise _nothing_of_that_kind()
    return Role(wanted)


def _number(form: Form) -> int:
    text = form.get("id", "")
    if not text.isascii() or not text.isdigit():
        raise _nothing_of_that_kind()
    return int(text[:18])


def _nothing_of_that_kind() -> _ProblemError:
    return _ProblemError(say("there is nothing of that kind to be done"))
