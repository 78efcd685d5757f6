"""One's own account: password, logins, codes, passkeys, and keys for programs."""

from collections.abc import Callable
from datetime import datetime, timedelta

import segno
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.people import factors
from collector.people.accounts import ALL_SITES, AccountError, Accounts, User
from collector.people.api_keys import ApiKey, ApiKeys, Verb
from collector.people.factors import Codes, Passkeys
from collector.people.logins import Login, Logins, Way
from collector.people.passwords import WeakPasswordError
from collector.people.trail import Act, Trail
from dashboard.access.checking import Checking, TooManyError
from dashboard.access.passkeys import has_place
from dashboard.access.seals import Seals, unwritten, written
from dashboard.asker import who_asks
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.web import form_of
from dashboard.words import formats
from dashboard.words.languages import say
from dashboard.words.problems import told

Form = dict[str, str]
_FORM_BYTES = 32_768
_FORM_FIELDS = 600  # one for each site of a key
_ACCOUNT, _KEYS = "/account", "/account/keys"
_SETTING_UP = timedelta(minutes=10)  # an authenticator, which has to be found first


class _ProblemError(Exception):
    """Something cannot be done; the message says why, in the language of the page."""


class AccountDesk:
    """The pages of one's own account, and the forms on them."""

    def __init__(self, parts: Parts, checking: Checking) -> None:
        self._parts = parts
        self._checking = checking
        self._clock = parts.clock
        self._accounts = Accounts(parts.control)
        self._logins = Logins(parts.control)
        self._codes = Codes(parts.control)
        self._passkeys = Passkeys(parts.control)
        self._keys = ApiKeys(parts.control)
        self._trail = Trail(parts.control)
        self._confirmed = Seals(_SETTING_UP)

    def page(self, request: Request) -> Response:
        """Show the account. Blocking."""
        return self._page(request)

    def _page(self, request: Request, problem: str | None = None, done: str = "") -> Response:
        user, login = _asking()
        logins = self._logins.of(user, self._clock())
        return render(
            "account.html",
            400 if problem else 200,
            user=user,
            logins=[(each, _way(each), when(each.opened_at), each.id == login) for each in logins],
            passkeys=[(each, _day(each.created_at)) for each in self._passkeys.of(user)],
            has_place=has_place(request),
            left=self._codes.left(user),
            problem=problem,
            done=done,
            path=_ACCOUNT,
        )

    async def act(self, request: Request) -> Response:
        """Take a form of the account's page."""
        return await self._taken(request, self._act, self._page)

    async def act_on_keys(self, request: Request) -> Response:
        """Take a form of the page of keys."""
        return await self._taken(request, self._act_on_keys, self._keys_page)

    async def _taken(
        self,
        request: Request,
        act: Callable[[Request, Form, User, datetime], Response],
        page: Callable[[Request, str], Response],
    ) -> Response:
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)

        def answer() -> Response:
            try:
                return act(request, form, _asking()[0], self._clock())
            except (AccountError, WeakPasswordError) as error:
                return page(request, told(error))
            except _ProblemError as error:
                return page(request, str(error))

        return await run_in_threadpool(answer)

    def _act(self, request: Request, form: Form, user: User, now: datetime) -> Response:
        match form.get("do"):
            case "end-login":
                self._logins.end(user, _number(form))
            case "end-others":
                self._logins.end_others(user, _asking()[1])
            case "password":
                return self._change_password(request, form, user, now)
            case "begin-codes":
                self._confirm(form, user, now)
                word = written(self._confirmed.make(user.id, now))
                return _codes_page(user, factors.new_secret(), word)
            case "turn-codes-on":
                return self._turn_codes_on(form, user, now)
            case "turn-codes-off":
                self._confirm(form, user, now)
                self._codes.turn_off(user)
                self._trail.note(now, user.email, Act.TURNED_CODES_OFF, ALL_SITES)
            case "remove-passkey":
                self._confirm(form, user, now)
                if gone := self._passkeys.remove(user, _number(form)):
                    self._trail.note(now, user.email, Act.REMOVED_PASSKEY, ALL_SITES, gone.name)
            case _:
                raise _nothing_of_that_kind()
        return RedirectResponse(_ACCOUNT, 303)

    def _confirm(self, form: Form, user: User, now: datetime) -> None:
        """Ask for the password again: a browser that was left open shall not be enough."""
        try:
            is_right = self._checking.confirms(user, form.get("current", ""), now)
        except TooManyError:
            raise _ProblemError(say("too many tries; wait some seconds")) from None
        if not is_right:
            raise _ProblemError(say("that is not your password"))

    def _change_password(self, request: Request, form: Form, user: User, now: datetime) -> Response:
        self._confirm(form, user, now)
        try:
            kept = self._checking.hash_of(form.get("password", ""), user.email)
        except TooManyError:
            raise _ProblemError(say("too many tries; wait some seconds")) from None
        self._accounts.set_password(user, kept)
        self._logins.end_others(user, _asking()[1])
        self._trail.note(now, user.email, Act.CHANGED_PASSWORD, ALL_SITES)
        done = say("The new password holds, and all other logins have ended.")
        return self._page(request, done=done)

    def _turn_codes_on(self, form: Form, user: User, now: datetime) -> Response:
        secret, word = form.get("secret", ""), unwritten(form.get("confirmed", ""))
        if self._confirmed.read(word, now) != user.id:
            raise _ProblemError(say("that took too long; type your password again"))
        codes = self._codes.turn_on(user, secret, form.get("code", ""), now)
        if codes is None:
            problem = say("that is not the code of now")
            return _codes_page(user, secret, written(word), problem)
        self._confirmed.use(word, now)
        self._logins.end_others(user, _asking()[1])
        self._trail.note(now, user.email, Act.TURNED_CODES_ON, ALL_SITES)
        return render("recovery.html", codes=codes, path=_ACCOUNT)

    def keys_page(self, request: Request) -> Response:
        """Show the keys of one's programs. Blocking."""
        return self._keys_page(request)

    def _keys_page(
        self, _request: Request, problem: str | None = None, made: str | None = None
    ) -> Response:
        user, _ = _asking()
        sites = who_asks().sees(self._parts.control.sites())
        names = {site.id: site.domain for site in sites}
        return render(
            "api_keys.html",
            400 if problem else 200,
            keys=[(each, _about(each, names), _used(each)) for each in self._keys.of(user)],
            sites=sites,
            verbs=[(verb.value, _verb(verb)) for verb in Verb],
            problem=problem,
            made=made,
            path=_KEYS,
        )

    def _act_on_keys(self, request: Request, form: Form, user: User, now: datetime) -> Response:
        match form.get("do"):
            case "add":
                asker = who_asks()
                seen = asker.sees(self._parts.control.sites())
                sites = [site.id for site in seen if f"site-{site.id}" in form]
                verbs = [verb for verb in Verb if f"verb-{verb}" in form]
                name = form.get("name", "")
                made = self._keys.add(user, name, sites, verbs, now)
                for site in sites or [ALL_SITES]:
                    self._trail.note(now, user.email, Act.MADE_KEY, site, name)
                return self._keys_page(request, made=made)
            case "revoke":
                if gone := self._keys.revoke(user, _number(form)):
                    for site in sorted(gone.sites) or [ALL_SITES]:
                        self._trail.note(now, user.email, Act.REVOKED_KEY, site, gone.name)
            case _:
                raise _nothing_of_that_kind()
        return RedirectResponse(_KEYS, 303)


def _asking() -> tuple[User, int]:
    """Return who asks, and the id of their login; rules.py lets nobody else in."""
    login = who_asks().login
    assert login is not None  # noqa: S101 - programs have no key to these pages
    return login.user, login.id


def _codes_page(user: User, secret: str, word: str, problem: str | None = None) -> Response:
    """Show a secret, with a word of ours that its owner has just shown their password."""
    try:
        address = factors.address_of(secret, user.email)
    except ValueError:  # the form was tampered with
        raise _nothing_of_that_kind() from None
    drawn = segno.make(address, micro=False).svg_inline(scale=5, light="#fff")
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return render(
        "codes.html",
        400 if problem else 200,
        qr=Markup(drawn),  # noqa: S704 - a drawing of ours: squares, no text
        secret=secret,
        confirmed=word,
        groups=groups,
        problem=problem,
        path=_ACCOUNT,
    )


def _nothing_of_that_kind() -> _ProblemError:
    return _ProblemError(say("there is nothing of that kind to be done"))


def _number(form: Form) -> int:
    text = form.get("id", "")
    if not text.isascii() or not text.isdigit():
        raise _nothing_of_that_kind()
    return int(text[:18])


def when(at: datetime) -> str:
    """Return a moment for a list."""
    return say("{day}, {clock} UTC", day=_day(at), clock=f"{at:%H:%M}")


def _day(at: datetime) -> str:
    return formats.plain_day(at.date())


def _way(login: Login) -> str:
    names = {
        Way.PASSWORD: say("by password"),
        Way.CODE: say("by password and code"),
        Way.RECOVERY: say("by password and recovery code"),
        Way.PASSKEY: say("by passkey"),
        Way.LINK: say("by link"),
    }
    return names[login.way]


def _verb(verb: Verb) -> str:
    names = {
        Verb.READ: say("ask for numbers"),
        Verb.WRITE: say("write annotations and segments"),
    }
    return names[verb]


def _about(key: ApiKey, names: dict[int, str]) -> str:
    sites = [names[site] for site in sorted(key.sites) if site in names]
    may = ", ".join(_verb(verb) for verb in sorted(key.verbs))
    return f"{may}: {', '.join(sites) or say('all sites')}"


def _used(key: ApiKey) -> str:
    if key.used_at is None:
        return say("made on {day}, not used yet", day=_day(key.created_at))
    days = {"day": _day(key.created_at), "used": _day(key.used_at)}
    return say("made on {day}, last used on {used}", **days)
