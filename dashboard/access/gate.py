"""The gate that every request to the dashboard passes: who asks, and whether they may."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from collector.control import Site
from collector.people.accounts import ALL_SITES, Accounts, Role
from collector.people.api_keys import ApiKey, ApiKeys
from collector.people.logins import Login, Logins
from collector.people.networks import Networks
from collector.question import TooSlowError
from dashboard.access.rules import RULES, Open, Refusing, Rule
from dashboard.asker import NOBODY, Asker, answering, role_name, who_asks
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import Link, site_path
from dashboard.web import cookie_prefix, is_cross_site, json_refusal
from dashboard.words.languages import say
from dashboard.words.problems import told

_SAFE = frozenset({"GET", "HEAD"})
_BEARER = "bearer "
LOGIN_COOKIE = "gatecount-login"
Endpoint = Callable[[Request], Any]


class Gate:
    """Lets requests through to an endpoint, or refuses them."""

    def __init__(self, parts: Parts) -> None:
        self._control = parts.control
        self._accounts = Accounts(parts.control)
        self._logins = Logins(parts.control)
        self._keys = ApiKeys(parts.control)
        self._networks = Networks(parts.control)
        self._comes_from = parts.comes_from
        self._clock = parts.clock

    def guarded(self, route: str, endpoint: Endpoint) -> Endpoint:
        """Put the gate before an endpoint, by the route's row in the table.

        Raises:
            KeyError: it has none.
        """
        rule = RULES[route]
        if inspect.iscoroutinefunction(endpoint):
            return self._awaited(rule, endpoint)

        def guarded(request: Request) -> Response:
            asker, refusal = self._met(rule, request)
            answering(asker)
            if refusal is not None:
                return refusal
            try:
                response: Response = endpoint(request)
            except TooSlowError as error:
                return render(
                    "message.html", 503, headline=say("That took too long"), text=told(error)
                )
            return response

        return guarded

    def _awaited(self, rule: Rule, endpoint: Callable[[Request], Awaitable[Response]]) -> Endpoint:
        async def guarded(request: Request) -> Response:
            if rule.least is Open.ANYONE:  # no thread for those who are sent away at once
                asker, refusal = self._met(rule, request)
            else:
                asker, refusal = await run_in_threadpool(self._met, rule, request)
            answering(asker)
            return await endpoint(request) if refusal is None else refusal

        return guarded

    def login_of(self, request: Request) -> Login | None:
        """Return the login that a request carries the cookie of, while it is open. Blocking."""
        token = login_token(request)
        return self._logins.find(token, self._clock()) if token else None

    def still_admits(self, asker: Asker) -> bool:
        """Tell whether who was let through to a site would be so now. Blocking."""
        user, site = asker.user, asker.site
        if user is None or site is None:
            return False
        if asker.key is not None:
            is_open = asker.key.id in {each.id for each in self._keys.of(user)}
        else:
            open_logins = {each.id for each in self._logins.of(user, self._clock())}
            is_open = asker.login is not None and asker.login.id in open_logins
        now = replace(asker, roles=self._accounts.roles(user))
        return is_open and now.may(Role.VIEWER, site.id)

    def _met(self, rule: Rule, request: Request) -> tuple[Asker, Response | None]:
        shown = request.headers.get("authorization", "")
        is_program = shown.lower().startswith(_BEARER)
        is_form = request.method not in _SAFE and not is_program
        if is_form and not rule.from_anywhere and is_cross_site(request):
            return NOBODY, _cross_site()
        if rule.least is Open.ANYONE:
            return NOBODY, None
        if is_program:
            key = self._keys.find(shown[len(_BEARER) :].strip(), self._clock())
            return self._program(rule, request, key)
        if rule.refusing is Refusing.JSON:
            message = "send an API key as Authorization: Bearer KEY"
            return NOBODY, json_refusal(401, message)
        return self._person(rule, request)

    def _program(
        self, rule: Rule, request: Request, key: ApiKey | None
    ) -> tuple[Asker, Response | None]:
        if key is None:
            return NOBODY, json_refusal(401, "there is no such API key, or it was revoked")
        if rule.verb is None or rule.verb not in key.verbs:
            return NOBODY, json_refusal(403, "this API key is for something else")
        asker = self._at_site(Asker(key=key, roles=self._accounts.roles(key.user)), request)
        if isinstance(rule.least, Role):
            if asker.site is None:
                return asker, json_refusal(404, "there is no such site")
            if not asker.may(rule.least, asker.site.id):
                return asker, json_refusal(403, f"whose key this is would have to be {rule.least}")
        return asker, None

    def _person(self, rule: Rule, request: Request) -> tuple[Asker, Response | None]:
        login = self.login_of(request)
        if login is None:
            return NOBODY, _sent_to_login(rule, request)
        asker = self._at_site(Asker(login=login, roles=self._accounts.roles(login.user)), request)
        if not isinstance(rule.least, Role):
            return asker, None
        if rule.on_all_sites:
            may = asker.may(rule.least, ALL_SITES)
            return asker, None if may else _role_missing(rule.least)
        if asker.site is None:
            return asker, _silent(rule) or self._not_seen(asker, request)
        if not asker.may(rule.least, asker.site.id):
            return asker, _silent(rule) or _role_missing(rule.least, asker.site)
        return asker, None

    def _not_seen(self, asker: Asker, request: Request) -> Response:
        at_home = replace(asker, barred=frozenset())
        return no_such_site() if self._named(at_home, request) is None else _not_from_here()

    def _barred(self, asker: Asker, scope: Scope) -> frozenset[int]:
        """Return the sites whose lists of networks do not have where somebody comes from."""
        lists = self._networks.all()
        return frozenset(
            site
            for (site, role), networks in lists.items()
            if asker.role(site) is role and not self._comes_from(scope, networks)
        )

    def _at_site(self, asker: Asker, request: Request) -> Asker:
        asker = replace(asker, barred=self._barred(asker, request.scope))
        sites = asker.sees(self._control.sites())
        site = self._named(asker, request)
        return replace(asker, site=site, alone=len(sites) <= 1)

    def _named(self, asker: Asker, request: Request) -> Site | None:
        domain = request.path_params.get("domain")
        site = None if domain is None else self._control.site(domain.lower())
        return None if site is None or asker.role(site.id) is None else site


def login_token(request: Request) -> str:
    """Return what the login cookie of a request holds; "" when there is none to believe."""
    prefix = cookie_prefix(request)
    return "" if prefix is None else request.cookies.get(prefix + LOGIN_COOKIE, "")


def site_asked() -> Site:
    """Return the site that the address names; the gate has let it through."""
    site = who_asks().site
    assert site is not None  # noqa: S101 - rules.py gives the route a role
    return site


def no_such_site() -> Response:
    """Say that there is no such site, to whom may not know better, too."""
    return render(
        "message.html",
        404,
        headline=say("There is no such site"),
        text=say(
            "It may have been removed, its name is written differently, or it is not for you."
        ),
    )


def nothing_here() -> Response:
    """Say that no page has this address."""
    text = say("The address may be mistyped, or its page may be gone.")
    return render("message.html", 404, headline=say("There is nothing here"), text=text)


def _not_from_here() -> Response:
    text = say("Its owners let your role in from some networks alone, and this is none of them.")
    return render("message.html", 403, headline=say("Not from here"), text=text)


def _sent_to_login(rule: Rule, request: Request) -> Response:
    """Send a browser to the login form, which leads back to where it wanted to go."""
    if rule.refusing is Refusing.SILENT:
        return Response(status_code=204)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_plain = wanted == "/" or request.method not in _SAFE
    return RedirectResponse("/login" + ("" if is_plain else f"?next={quote(wanted, safe='')}"), 303)


def _silent(rule: Rule) -> Response | None:
    return Response(status_code=204) if rule.refusing is Refusing.SILENT else None


def _role_missing(least: Role, site: Site | None = None) -> Response:
    """Say which role it takes; whoever is let in to the site itself is led back to its numbers."""
    text = say(
        "This takes the role of {role} on this site. Its owners can give it.", role=role_name(least)
    )
    ways = {}
    if site is not None:
        back = say("To the numbers of {site}", site=site.domain)
        ways["numbers"] = Link(back, site_path(site))
    return render("message.html", 403, headline=say("Not for you"), text=text, **ways)


def _cross_site() -> Response:
    return render(
        "message.html",
        403,
        headline=say("Refused"),
        text=say("The form was sent from another site."),
    )
