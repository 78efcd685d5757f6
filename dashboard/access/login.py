"""Logging in and out, and the links that are good once: to set up, to join, to start anew."""

from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.people.accounts import ALL_SITES, AccountError, Accounts, User
from collector.people.links import Link, LinkGoneError, Links, Purpose
from collector.people.logins import DEVICE_LIFETIME, LOGIN_LIFETIME, Logins, Way
from collector.people.passwords import WeakPasswordError
from collector.people.trail import Act, Trail
from dashboard.access.checking import Checking, TooManyError
from dashboard.access.gate import LOGIN_COOKIE, Gate, login_token
from dashboard.access.passkeys import has_place
from dashboard.access.seals import Seals, unwritten, written
from dashboard.access.shield import DEVICE_COOKIE, WAIT_S
from dashboard.asker import role_name
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.web import cookie_prefix, form_of, local_path
from dashboard.words.languages import say
from dashboard.words.problems import told

_FORM_BYTES = 4096
_FORM_FIELDS = 8
_STEP_LIFETIME = timedelta(minutes=10)  # for looking for the authenticator


class Door:
    """The login form, the second step where codes are asked for, and the links."""

    def __init__(self, parts: Parts, gate: Gate, checking: Checking) -> None:
        self._gate = gate
        self._checking = checking
        self._clock = parts.clock
        self._control = parts.control
        self._accounts = Accounts(parts.control)
        self._logins = Logins(parts.control)
        self._links = Links(parts.control)
        self._trail = Trail(parts.control)
        self._steps = Seals(_STEP_LIFETIME)

    def login_page(self, request: Request) -> Response:
        """Show the login form, or go on when there is nothing to ask for. Blocking."""
        where = local_path(request.query_params.get("next", "/"))
        if self._gate.login_of(request) is not None:
            return RedirectResponse(where, 303)
        problem = _insecure() if cookie_prefix(request) is None else None
        if not self._accounts.exist():
            return _form(where, problem, has_accounts=False)
        return _form(where, problem, has_passkeys=has_place(request))

    async def login(self, request: Request) -> Response:
        """Take the login form: the right password opens a login, or asks for a code."""
        prefix = cookie_prefix(request)
        if prefix is None:
            return _form("/", _insecure(), 403)
        device = request.cookies.get(prefix + DEVICE_COOKIE, "")
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return _form("/", say("The form could not be read."), 400)
        return await run_in_threadpool(self._try, request, form, device)

    def _try(self, request: Request, form: dict[str, str], device: str) -> Response:
        now = self._clock()
        email = form.get("email", "").strip().lower()
        where = local_path(form.get("next", "/"))
        try:
            user = self._checking.holder(email, form.get("password", ""), device, now)
        except TooManyError:
            return _too_many(where)
        if user is None:
            return _form(where, say("That is not an account with its password."), 403)
        if user.has_codes:
            return _code_form(written(self._steps.make(user.id, now)), where)
        return self.opened(request, user, Way.PASSWORD, where)

    async def second_step(self, request: Request) -> Response:
        """Take the code that is asked for after the password."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None or cookie_prefix(request) is None:
            return _form("/", say("The form could not be read."), 400)
        return await run_in_threadpool(self._second_step, request, form)

    def _second_step(self, request: Request, form: dict[str, str]) -> Response:
        now = self._clock()
        where = local_path(form.get("next", "/"))
        step = unwritten(form.get("step", ""))
        user = self._accounts.user(self._steps.read(step, now) or 0)
        if user is None:
            return _form(where, say("That took too long. Log in again."), 403)
        try:
            way = self._checking.takes(user, form.get("code", ""), now)
        except TooManyError:
            problem = say("Too many tries. Wait ten minutes, or use a recovery code.")
            return _code_form(form["step"], where, problem, 429)
        if way is None:
            return _code_form(form["step"], where, say("That is not the code of now."), 403)
        self._steps.use(step, now)
        return self.opened(request, user, way, where)

    def opened(self, request: Request, user: User, way: Way, where: str) -> Response:
        """Open a login in place of the one that the browser had. Blocking."""
        now = self._clock()
        if old := login_token(request):
            self._logins.close(old)
        token = self._logins.open(user, way, now)
        response = RedirectResponse(where, 303)
        _set_cookie(request, response, LOGIN_COOKIE, token, LOGIN_LIFETIME.total_seconds())
        device = request.cookies.get((cookie_prefix(request) or "") + DEVICE_COOKIE, "")
        if not (device and self._logins.knows_device(user.email, device, now)):
            token = self._logins.remember_device(user, now)
            _set_cookie(request, response, DEVICE_COOKIE, token, DEVICE_LIFETIME.total_seconds())
        return response

    def logout(self, request: Request) -> Response:
        """Close the login of a request and forget its cookie. Blocking."""
        if token := login_token(request):
            self._logins.close(token)
        response = RedirectResponse("/login", 303)
        prefix = cookie_prefix(request) or ""
        response.delete_cookie(
            prefix + LOGIN_COOKIE, secure=bool(prefix), httponly=True, samesite="lax"
        )
        return response

    def link_page(self, request: Request) -> Response:
        """Show what a link is for. Blocking."""
        link = self._links.find(request.path_params["token"], self._clock())
        if link is None:
            return _gone()
        return self._link_form(request, link)

    async def use_link(self, request: Request) -> Response:
        """Do what a link is for."""
        if cookie_prefix(request) is None:
            return _form("/", _insecure(), 403)
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return _form("/", say("The form could not be read."), 400)
        return await run_in_threadpool(self._use, request, form)

    def _use(self, request: Request, form: dict[str, str]) -> Response:
        now = self._clock()
        token = request.path_params["token"]
        link = self._links.find(token, now)
        if link is None:
            return _gone()
        asked = self._asks_for_login(request, link)
        if asked is not None:
            return asked
        email = link.email or form.get("email", "").strip().lower()
        try:
            password = None
            if not self._has_account(link) or link.purpose is Purpose.RESET:
                password = self._checking.hash_of(form.get("password", ""), email)
            user = self._links.accept(token, email, password, now)
        except LinkGoneError:
            return _gone()
        except TooManyError:
            return _too_many("/")
        except (AccountError, WeakPasswordError) as error:
            return self._link_form(request, link, told(error), email)
        self._note(link, user, now)
        if link.purpose is Purpose.RESET or password is None:
            return RedirectResponse("/" if password is None else "/login", 303)
        return self.opened(request, user, Way.LINK, "/")

    def _note(self, link: Link, user: User, now: datetime) -> None:
        act = {
            Purpose.SETUP: Act.SET_UP,
            Purpose.INVITATION: Act.JOINED,
            Purpose.RESET: Act.CHANGED_PASSWORD,
        }[link.purpose]
        about = link.role.value if link.purpose is Purpose.INVITATION else ""
        self._trail.note(now, user.email, act, link.site, about)

    def _has_account(self, link: Link) -> bool:
        return bool(link.email) and self._accounts.named(link.email) is not None

    def _asks_for_login(self, request: Request, link: Link) -> Response | None:
        """Return what leads to the login of whom an invitation is for, if they are not logged in.

        Who holds the link of somebody else's invitation could otherwise do things in their name.
        """
        if link.purpose is not Purpose.INVITATION or not self._has_account(link):
            return None
        login = self._gate.login_of(request)
        if login is not None and login.user.email == link.email:
            return None
        return render(
            "message.html",
            403,
            headline=say("Log in first"),
            text=say(
                "This invitation is for {email}, who has an account already. Log in with it, then"
                " open the link again.",
                email=link.email,
            ),
        )

    def _link_form(
        self, request: Request, link: Link, problem: str | None = None, email: str = ""
    ) -> Response:
        asked = self._asks_for_login(request, link)
        if asked is not None:
            return asked
        if cookie_prefix(request) is None:
            return _form("/", _insecure(), 403)
        return render(
            "link.html",
            400 if problem else 200,
            **self._words(link),
            email=link.email or email,
            names_itself=not link.email,
            needs_password=link.purpose is Purpose.RESET or not self._has_account(link),
            problem=problem,
        )

    def _words(self, link: Link) -> dict[str, str]:
        match link.purpose:
            case Purpose.SETUP:
                about = say(
                    "This makes the account that decides about everything here: sites, people, and"
                    " who may look."
                )
                return _told(say("Set up gatecount"), about, say("Make the account"))
            case Purpose.INVITATION:
                about = say(
                    "{who} invites {email} to look at the numbers of {site}, as {role}.",
                    who=link.made_by or say("The operator"),
                    email=link.email,
                    site=self._site_name(link.site),
                    role=role_name(link.role),
                )
                return _told(say("You are invited"), about, say("Join"))
            case Purpose.RESET:
                about = say("For {email}. All logins of this account end.", email=link.email)
                return _told(say("A new password"), about, say("Set this password"))

    def _site_name(self, site_id: int) -> str:
        found = (site.domain for site in self._control.sites() if site.id == site_id)
        return say("all sites") if site_id == ALL_SITES else next(found, "")


def _set_cookie(
    request: Request, response: Response, name: str, token: str, max_age_s: float
) -> None:
    prefix = cookie_prefix(request) or ""
    response.set_cookie(
        prefix + name,
        token,
        max_age=int(max_age_s),
        secure=bool(prefix),
        httponly=True,
        samesite="lax",
    )


def _told(headline: str, about: str, does: str) -> dict[str, str]:
    return {"headline": headline, "about": about, "does": does}


def _insecure() -> str:
    return say(
        "This page came over plain HTTP, on which everybody on the way can read a password. Open"
        " the dashboard by https, or as http://localhost on the machine itself or through a tunnel"
        " to it."
    )


def _form(
    where: str,
    problem: str | None,
    status: int = 200,
    *,
    has_passkeys: bool = False,
    has_accounts: bool = True,
) -> Response:
    return render(
        "login.html",
        status,
        next=where,
        problem=problem,
        has_passkeys=has_passkeys,
        has_accounts=has_accounts,
    )


def _code_form(step: str, where: str, problem: str | None = None, status: int = 200) -> Response:
    return render("code.html", status, step=step, next=where, problem=problem)


def _too_many(where: str) -> Response:
    problem = say("Too many tries. Wait some seconds; whoever is logged in stays so.")
    response = _form(where, problem, 429)
    response.headers["Retry-After"] = str(WAIT_S)
    return response


def _gone() -> Response:
    return render(
        "message.html",
        404,
        headline=say("This link is not good any more"),
        text=say("It was used already, or withdrawn, or is too old. Who sent it can make another."),
    )
