"""Mails about a site: the page on which each person orders them, and the link that ends one."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.mail.subscriptions import Kind, Subscription, Subscriptions
from collector.people.accounts import User
from dashboard.access.gate import site_asked
from dashboard.asker import who_asks
from dashboard.mail.schedule import BOUNDS, DROP_HOURS, REPORT_HOUR, last_due
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import site_path
from dashboard.question.periods import local_now
from dashboard.web import form_of
from dashboard.words.languages import say, speech
from dashboard.words.problems import told

_FORM_BYTES = 2_048
_FORM_FIELDS = 8
_PROPOSED: Mapping[Kind, int] = {Kind.SPIKE: 100, Kind.DROP: 1}


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of mail as the form shows it; `bounds` are those of an alert's number."""

    key: str
    name: str
    is_on: bool
    least: str
    bounds: tuple[int, int] | None = None
    is_wrong: bool = False


def name_of(kind: Kind) -> str:
    """Return what a kind of mail is called."""
    match kind:
        case Kind.WEEKLY:
            return say("Weekly report")
        case Kind.MONTHLY:
            return say("Monthly report")
        case Kind.SPIKE:
            return say("Alert: many visitors")
        case Kind.DROP:
            return say("Alert: few visitors")


class Subscribing:
    """The endpoints: ordering needs a login; ending a mail the random token of its link alone."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._control = parts.control
        self._subscriptions = Subscriptions(parts.control)

    def page(self, request: Request) -> Response:
        """Show what the one who asks gets about a site. Blocking."""
        site, user = site_asked(), _reader()
        known = self._subscriptions.of(user.id, site.id)
        choices = [
            Choice(kind, name_of(kind), kind in known, _least(kind, known), BOUNDS.get(kind))
            for kind in Kind
        ]
        return self._page(site, user, choices, is_saved=request.query_params.get("done") == "saved")

    async def order(self, request: Request) -> Response:
        """Take the form of that page."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)
        return await run_in_threadpool(self._order, form)

    def _order(self, form: Mapping[str, str]) -> Response:
        site, user = site_asked(), _reader()
        choices = [_chosen(kind, form) for kind in Kind]
        if any(choice.is_wrong for choice in choices):
            return self._page(site, user, choices)
        known = self._subscriptions.of(user.id, site.id)
        local = local_now(self._parts.clock(), site.timezone)
        for kind, choice in zip(Kind, choices, strict=True):
            if choice.is_on:
                self._subscriptions.begin(
                    user.id,
                    site.id,
                    kind,
                    speech().language.code,
                    least=int(choice.least) if kind.is_alert else 0,
                    done="" if kind.is_alert else last_due(kind, local).last.isoformat(),
                )
            elif kind in known:
                self._subscriptions.end(known[kind].token)
        return RedirectResponse(f"{site_path(site)}/mails?done=saved", 303)

    def _page(
        self, site: Site, user: User, choices: list[Choice], *, is_saved: bool = False
    ) -> Response:
        is_wrong = any(choice.is_wrong for choice in choices)
        return render(
            "mails.html",
            400 if is_wrong else 200,
            site=site,
            notices=[told(each) for each in self._parts.notices()],
            path=f"{site_path(site)}/mails",
            home=site_path(site),
            address=user.email,
            choices=choices,
            hour=f"{REPORT_HOUR}:00",
            drop_hours=DROP_HOURS,
            is_saved=is_saved,
            is_wrong=is_wrong,
            trouble=self._parts.mail_trouble(),
            refresh_s=None,
        )

    def ask(self, request: Request) -> Response:
        """Show a button: what only looks at links must not end anything. Blocking."""
        token = request.path_params["token"]
        found = self._subscriptions.by_token(token)
        if found is None:
            return _ended()
        sites = {site.id: site.domain for site in self._control.sites()}
        what = f"{sites.get(found.site, '')}: {name_of(found.kind)}"
        return render("unsubscribe.html", what=what)

    def end(self, request: Request) -> Response:
        """End the mail, also when a mail program asks for it, and also twice. Blocking.

        The body is not looked at: RFC 8058 has `List-Unsubscribe=One-Click` in it.
        """
        self._subscriptions.end(request.path_params["token"])
        return _ended()


def _reader() -> User:
    user = who_asks().user
    assert user is not None  # noqa: S101 - rules.py gives the route a role
    return user


def _least(kind: Kind, known: Mapping[Kind, Subscription]) -> str:
    return str(known[kind].least if kind in known else _PROPOSED.get(kind, ""))


def _chosen(kind: Kind, form: Mapping[str, str]) -> Choice:
    bounds, least = BOUNDS.get(kind), form.get(f"{kind}-least", "").strip()
    is_on = kind in form
    is_number = least.isascii() and least.isdigit() and len(least) < 10  # noqa: PLR2004 - of int()
    is_fine = bounds is None or (is_number and bounds[0] <= int(least) <= bounds[1])
    return Choice(kind, name_of(kind), is_on, least, bounds, is_on and not is_fine)


def _ended() -> Response:
    return render(
        "message.html",
        headline=say("This mail has ended"),
        text=say(
            "You do not get it any more. In the settings of the site it can be ordered again."
        ),
    )
