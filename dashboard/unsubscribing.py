"""The page behind the link in each mail that ends it, without logging in: RFC 8058."""

from starlette.requests import Request
from starlette.responses import Response

from collector.subscriptions import Kind, Subscriptions
from dashboard.languages import say
from dashboard.pages import render
from dashboard.parts import Parts


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


class Unsubscribing:
    """Knows a mail by the random token in its link; who has that may end the mail, no more."""

    def __init__(self, parts: Parts) -> None:
        self._control = parts.control
        self._subscriptions = Subscriptions(parts.control)

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


def _ended() -> Response:
    return render(
        "message.html",
        headline=say("This mail has ended"),
        text=say(
            "You do not get it any more. In the settings of the site it can be ordered again."
        ),
    )
