"""What owners show to people without an account: a public page, links, and who may embed them."""

from datetime import datetime
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.people.passwords import WeakPasswordError
from collector.people.trail import Act, Trail
from collector.settings.notebook import Notebook
from collector.settings.shares import NAME_MAX_CHARACTERS, ShareError, Shares, origins
from dashboard.access.checking import Checking, TooManyError
from dashboard.access.gate import site_asked
from dashboard.asker import who_asks
from dashboard.numbers.public import LEAST_VISITORS
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import site_path
from dashboard.question.periods import local_now
from dashboard.web import form_of
from dashboard.words import formats
from dashboard.words.languages import say
from dashboard.words.problems import told

Form = dict[str, str]
_FORM_BYTES, _FORM_FIELDS = 16_384, 8
PUBLIC: Final = "the public page"


class SharingDesk:
    """The page on which owners decide what is shown, and the endpoint of its forms."""

    def __init__(self, parts: Parts, checking: Checking) -> None:
        self._parts = parts
        self._checking = checking
        self._shares = Shares(parts.control)
        self._notebook = Notebook(parts.control)
        self._trail = Trail(parts.control)

    def page(self, request: Request) -> Response:
        """Show what is shared of a site. Blocking."""
        return self._page(request)

    async def act(self, request: Request) -> Response:
        """Take a form of the page."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)
        return await run_in_threadpool(self._answer, request, form)

    def _page(
        self,
        request: Request,
        problem: str | None = None,
        refused: Form | None = None,
        made: str | None = None,
    ) -> Response:
        site = site_asked()
        publicity = self._shares.publicity(site.id)
        here = f"{request.url.scheme}://{request.url.netloc}"
        public_address = f"{here}/public/{site.domain}"
        return render(
            "sharing.html",
            400 if problem else 200,
            site=site,
            notices=self._parts.notices(),
            path=request.url.path,
            home=site_path(site),
            publicity=publicity,
            public_address=public_address,
            embed=_frame(public_address, site),
            example=f"https://www.{site.domain}",
            shares=[
                (each, formats.plain_day(local_now(each.created_at, site.timezone).date()))
                for each in self._shares.of(site.id)
            ],
            segments=self._notebook.segments(site.id),
            least=LEAST_VISITORS,
            most_characters=NAME_MAX_CHARACTERS,
            problem=problem,
            refused={"do": "", **(refused or {})},
            made=f"{here}/shared/{made}" if made else None,
            refresh_s=None,
        )

    def _answer(self, request: Request, form: Form) -> Response:
        site, now = site_asked(), self._parts.clock()
        try:
            if form.get("do") == "share":
                return self._page(request, made=self._share(site, form, now))
            self._act(site, form, now)
        except (ShareError, WeakPasswordError) as error:
            return self._page(request, told(error), form)
        except TooManyError:
            return self._page(request, say("too much is going on just now; try again"), form)
        return RedirectResponse(request.url.path, 303)

    def _act(self, site: Site, form: Form, now: datetime) -> None:
        match form.get("do"):
            case "publish" | "withdraw" as what:
                is_public = what == "publish"
                self._shares.publish(site.id, is_public=is_public)
                self._note(now, Act.SHARED if is_public else Act.UNSHARED, site, PUBLIC)
            case "embed":
                framers = origins(form.get("origins", ""))
                self._shares.let_frame(site.id, framers)
                about = f"embedded by {' '.join(framers) or 'nobody'}"
                self._note(now, Act.CHANGED_SETTING, site, about)
            case "revoke":
                number = form.get("id", "")
                is_number = number.isascii() and number.isdigit()
                gone = self._shares.revoke(site.id, int(number[:18])) if is_number else None
                if gone is not None:
                    self._note(now, Act.UNSHARED, site, f"the link {gone.name}")
            case _:
                raise ShareError(say("there is nothing of that kind to be done"))

    def _share(self, site: Site, form: Form, now: datetime) -> str:
        chosen = form.get("segment", "")
        segment = next(
            (each for each in self._notebook.segments(site.id) if str(each.id) == chosen), None
        )
        if chosen and segment is None:
            raise ShareError(say("this segment is gone"))
        password = form.get("password", "")
        token = self._shares.add(
            site.id,
            form.get("name", ""),
            now,
            password=self._checking.hash_of(password, site.domain) if password else "",
            segment=segment.name if segment else "",
            filters=segment.filters if segment else "",
        )
        self._note(now, Act.SHARED, site, f"the link {' '.join(form.get('name', '').split())}")
        return token

    def _note(self, now: datetime, act: Act, site: Site, about: str) -> None:
        self._trail.note(now, who_asks().name, act, site.id, about)


def _frame(address: str, site: Site) -> str:
    """Return the line of HTML that embeds a site's public page."""
    title = say("Visitors of {site}", site=site.domain)
    return f'<iframe src="{address}" title="{title}" width="100%" height="900"></iframe>'
