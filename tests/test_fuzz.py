"""Made-up requests over every route: nothing is answered with an error of ours, nothing breaks.

`tests/bench/fuzz.py` sends hundreds of thousands to a server; these are a few, in this process.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.types import Message

from collector.app import Application
from tests.application import SITE, Whole, application, pageview
from tests.fuzzing import EVENT, Fuzzer, Request
from tests.people import admit, key_of, token_of

REQUESTS = 2_000
HEAVY = 0.05
LOGIN_EVERY = 20  # requests: a logout among them ends it
_ANSWER_WITHIN_S = 120.0  # it is an answer that never comes that is to be found
_HEADERS = (("Host", SITE), ("X-Forwarded-Proto", "https"))


async def answer(app: Application, request: Request) -> tuple[int, bytes]:
    """Return status and body; whoever asks for a stream hangs up after its head."""
    sent: list[Message] = []
    asked = [{"type": "http.request", "body": request.body, "more_body": False}]
    begun = asyncio.Event()

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        begun.set()

    await asyncio.wait_for(app(request.scope(), receive, send), _ANSWER_WITHIN_S)
    status = next(m["status"] for m in sent if m["type"] == "http.response.start")
    return status, b"".join(m.get("body", b"") for m in sent)


@dataclass
class Attack:
    """What came of asking an application what a fuzzer makes up."""

    whole: Whole
    fuzzer: Fuzzer
    routes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[Request] = field(default_factory=list)

    def log_in(self) -> None:
        """Begin a login that holds."""
        control = self.whole.composed.control
        token = token_of(control, admit(control), self.whole.clock.now)
        self.fuzzer.login = f"__Host-gatecount-login={token}"

    def ask(self, request: Request) -> tuple[int, bytes]:
        """Ask one thing."""
        app = self.whole.composed.app
        assert isinstance(app, Application)
        return self.whole.run(answer(app, request))

    def learn(self) -> None:
        """Look at the pages that need no more than an address."""
        headers = (*_HEADERS, ("Cookie", self.fuzzer.login))
        for method, path in self.fuzzer.targets:
            target = path.replace("{domain}", SITE)
            if method == "GET" and "{" not in target:
                status, page = self.ask(Request("GET", target, headers, b""))
                if status == 200:
                    self.fuzzer.learn(page.decode("utf-8", "replace"))

    def go_on(self) -> None:
        """Ask all there is to ask."""
        for number in range(REQUESTS):
            if number % LOGIN_EVERY == 0:
                self.log_in()
            route, request = self.fuzzer.request()
            status, _ = self.ask(request)
            self.routes[route] += 1
            self.statuses[status] += 1
            if status >= 500:
                self.broken.append(request)


@pytest.fixture(name="attack", scope="module")
def attacked(ram_of_module: Path, country_database: Path) -> Iterator[Attack]:
    """Attack an application."""
    flags = {"geo_database": str(country_database), "flood_limit": 1_000_000}
    with application(ram_of_module, flags, with_dashboard=True) as whole:
        for number in range(20):
            whole.post(pageview(f"/{number}"))
        app = whole.composed.app
        assert isinstance(app, Application)
        key = key_of(whole.composed.control)
        attack = Attack(whole, Fuzzer(random.Random(7), app.routes, "", key, HEAVY))
        attack.log_in()
        attack.learn()
        attack.go_on()
        yield attack


def test_no_request_is_answered_with_an_error_of_ours(attack: Attack) -> None:
    """Whatever it is; an exception would have ended this, and the next event counts."""
    assert attack.broken == []
    assert attack.whole.post(pageview("/after"), [("Host", SITE)]).status_code == 202
    assert attack.whole.events()[-1].path == "/after"


def test_the_requests_reach_what_they_are_about(attack: Attack) -> None:
    """All kinds of answers come, a logged-in editor's among them."""
    assert {200, 202, 303, 400, 401, 403, 404, 405} <= {*attack.statuses}
    assert attack.statuses[200] > REQUESTS / 10
    assert attack.routes[" ".join(EVENT)] > REQUESTS / 4
    assert len(attack.fuzzer.names) > 20


def test_every_route_of_the_application_is_among_them(attack: Attack) -> None:
    """Those that are new as well, and the event endpoint."""
    paths = {path for _, path in attack.fuzzer.targets}
    assert {"/api/event", "/api/v2/query", "/sites/{domain}", "/opt-out", "/login"} <= paths
    light = {f"{method} {path}" for method, path in attack.fuzzer.targets if "/s" not in path}
    assert len(light & {*attack.routes}) > 0.9 * len(light)


def test_the_same_seed_makes_up_the_same(attack: Attack) -> None:
    """So that what broke can be tried again."""
    routes = attack.fuzzer.routes
    one, other = (Fuzzer(random.Random(3), routes, "", "") for _ in range(2))
    assert [one.request() for _ in range(9)] == [other.request() for _ in range(9)]
