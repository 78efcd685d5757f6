"""Who may do what: each route with each role, and attempts on what is somebody else's."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette

from collector.control import Site
from collector.people.accounts import ALL_SITES, Accounts, Role
from collector.people.api_keys import ApiKeys, Verb
from collector.people.logins import Logins, Way
from dashboard.access.gate import Gate
from dashboard.access.rules import RULES, Open, Refusing, Rule
from dashboard.app import routes
from dashboard.asker import NOBODY, Asker
from dashboard.web import SECURITY_HEADERS
from tests.dashboard.reading import HOUR
from tests.editors import Client, Newsroom, newsroom, pageview
from tests.people import admit

MINE, OTHERS = "example.com", "example.org"
QUERY = b'{"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"}'


@dataclass(frozen=True)
class Person:
    """Somebody, or their program, with what the table of rules calls them."""

    client: Client
    role: Role | None  # on example.com; None: an account without any
    verb: Verb | None = None  # of a key
    is_known: bool = True
    bearer: str = ""

    def ask(self, method: str, path: str) -> httpx.Response:
        """Ask for a route with nothing in it."""
        headers = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        if method == "GET":
            return self.client.get(path, headers=headers)
        return self.client.post(path, content=QUERY, headers=headers)

    def may(self, rule: Rule) -> bool:
        """Tell what the table says."""
        if rule.least is Open.ANYONE:
            return True
        if self.bearer:
            if not self.is_known or rule.verb is not self.verb:
                return False
        elif not self.is_known or rule.refusing is Refusing.JSON:
            return False
        if isinstance(rule.least, Role):
            return self.role is not None and self.role.includes(rule.least)
        # Who has no role on the site of a question is told that there is none.
        return rule.refusing is not Refusing.JSON or self.role is not None


@pytest.fixture(name="room", scope="module")
def open_room(ram_of_module: object) -> Iterator[Newsroom]:
    """Count a visit on each of two sites."""
    with newsroom(ram_of_module) as room:  # type: ignore[arg-type]
        for domain in (MINE, OTHERS):
            room.count(pageview(room.site(domain), 1, HOUR))
        yield room


def site_of(room: Newsroom, domain: str) -> Site:
    """Return a site by its name."""
    site = room.control.site(domain)
    assert site is not None
    return site


@pytest.fixture(name="people", scope="module")
def let_people_in(room: Newsroom) -> dict[str, Person]:
    """Let people of each kind in, once."""
    return gather(room)


def gather(room: Newsroom) -> dict[str, Person]:
    """Let people of each kind in."""
    mine, others = site_of(room, MINE).id, site_of(room, OTHERS).id
    app = Starlette(routes=routes(room.all_parts()))
    found = {
        "nobody": Person(Client(app, "http"), None, is_known=False),
        "wrong key": Person(Client(app, "http"), None, is_known=False, bearer="gatecount_wrong"),
        "owner of all": Person(room.editor(app=app), Role.OWNER),
        "owner of another": Person(room.editor("o@example.org", Role.OWNER, others, app), None),
    }
    keys = ApiKeys(room.control)
    for role in Role:
        email = f"{role}@example.com"
        found[role] = Person(room.editor(email, role, mine, app), role)
        for verb in Verb:
            key = keys.add(admit(room.control, email, role, mine), "x", (), [verb], room.now)
            found[f"{verb} key of {role}"] = Person(Client(app, "http"), role, verb, bearer=key)
    owner = admit(room.control)
    for verb in Verb:
        key = keys.add(owner, "x", [others], [verb], room.now)
        found[f"{verb} key for another site"] = Person(Client(app, "http"), None, verb, bearer=key)
    return found


def addressed(route: str, domain: str = MINE) -> tuple[str, str]:
    """Return the method and an address of a row of the table."""
    method, _, path = route.partition(" ")
    values = {"domain": domain, "field:path": "page", "token": "none", "file": "style.css"}
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    if path.startswith("/api/v1/"):
        path += f"?site_id={domain}"
    assert "{" not in path, f"{route}: what shall stand in it?"
    return method, path


def is_let_in(route: str, answer: httpx.Response) -> bool:
    """Tell whether a route was reached, whatever it had to say."""
    if RULES[route].refusing is Refusing.JSON:
        return answer.status_code not in {401, 403}
    if RULES[route].refusing is Refusing.SILENT:
        return answer.status_code != 204
    to_login = answer.headers.get("location", "").startswith("/login")
    is_logout = route == "POST /logout"
    told = ("There is no such site", "Not for you", '{"error":')
    return (is_logout or not to_login) and not any(text in answer.text for text in told)


@pytest.mark.parametrize("route", sorted(set(RULES) - {"GET /sites/{domain}/now/events"}))
def test_each_route_lets_in_who_may_and_nobody_else(
    room: Newsroom, route: str, people: dict[str, Person]
) -> None:
    """The table of rules, tried; every answer has the security headers."""
    if route == "POST /logout":
        people = gather(room)
    wrong = {}
    for name, person in people.items():
        answer = person.ask(*addressed(route))
        if is_let_in(route, answer) != person.may(RULES[route]):
            wrong[name] = answer.status_code, answer.text[:200]
        for header, value in SECURITY_HEADERS.items():
            assert answer.headers.get(header) == value, (name, header)
    assert wrong == {}


def test_a_stream_is_ended_for_whom_may_not_watch(people: dict[str, Person]) -> None:
    """With 204, after which a browser asks no more; whom it is for it would never end."""
    route = "GET /sites/{domain}/now/events"
    for name, person in people.items():
        if not person.may(RULES[route]) and not person.bearer:
            assert person.ask(*addressed(route)).status_code == 204, name


def test_a_stream_ends_for_whom_may_watch_no_longer(room: Newsroom) -> None:
    """When a login is closed, a key is revoked, or a role is taken away."""
    user, site = admit(room.control, "watcher@example.com", Role.VIEWER), site_of(room, MINE)
    logins, keys = Logins(room.control), ApiKeys(room.control)
    token, other = (logins.open(user, Way.PASSWORD, room.now) for _ in range(2))
    bearer, spare = (keys.add(user, "x", [], [Verb.READ], room.now) for _ in range(2))
    roles = Accounts(room.control).roles(user)
    askers = {
        name: Asker(login=logins.find(name, room.now), roles=roles, site=site)
        for name in (token, other)
    } | {
        name: Asker(key=keys.find(name, room.now), roles=roles, site=site)
        for name in (bearer, spare)
    }
    gate = Gate(room.all_parts())

    def admitted() -> list[bool]:
        return [gate.still_admits(asker) for asker in askers.values()]

    assert admitted() == [True] * 4
    logins.close(token)
    key = keys.find(bearer, room.now)
    assert key is not None
    keys.revoke(user, key.id)
    assert admitted() == [False, True, False, True]
    Accounts(room.control).take(user, ALL_SITES)
    assert admitted() == [False] * 4
    assert not gate.still_admits(NOBODY)


def test_every_route_of_the_dashboard_has_a_row_and_every_row_a_route(room: Newsroom) -> None:
    """A new one without a row cannot even be made."""
    made = {
        f"{method} {route.path}"
        for route in routes(room.all_parts())
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert made == set(RULES)
    with pytest.raises(KeyError):
        Gate(room.all_parts()).guarded("GET /new", lambda _request: None)


@pytest.mark.parametrize("route", sorted(route for route in RULES if "{domain}" in route))
def test_what_is_anothers_looks_like_what_is_not_there(
    route: str, people: dict[str, Person]
) -> None:
    """Whoever tries names and ids learns nothing: the answers are the same to the byte."""
    method, path = addressed(route)
    _, nowhere = addressed(route, "nobody.example")
    for name in ("owner of another", "read key for another site", "write key for another site"):
        there, missing = (people[name].ask(method, where) for where in (path, nowhere))
        assert there.status_code == missing.status_code, name
        assert there.content == missing.content, name
    assert people["owner of all"].ask(method, nowhere).content == missing_of(people, route)


def missing_of(people: dict[str, Person], route: str) -> bytes:
    """Return what is said of a site that is not there."""
    return people["owner"].ask(*addressed(route, "nobody.example")).content


@pytest.mark.usefixtures("people")  # of whom one is left who owns all
def test_the_front_page_lists_what_one_may_look_at(room: Newsroom) -> None:
    """With one site it leads there; the others are not named, nor what came for none."""
    mine = site_of(room, MINE).id
    client = room.editor("lists@example.com", Role.VIEWER, mine)
    assert client.get("/").headers["location"] == f"/sites/{MINE}"
    assert "All sites" not in client.get(f"/sites/{MINE}").text
    admit(room.control, "lists@example.com", Role.VIEWER, site_of(room, OTHERS).id)
    assert OTHERS in client.get("/").text
    assert "All sites" in client.get(f"/sites/{MINE}").text
    assert room.editor("none@example.com", Role.VIEWER, 999).get("/").status_code == 200
    everything = room.editor("all@example.com", Role.VIEWER, ALL_SITES).get("/").text
    assert MINE in everything
    assert OTHERS in everything


def test_whoever_may_not_do_something_is_led_back_to_what_they_may_look_at(
    people: dict[str, Person],
) -> None:
    """To the numbers of the site, or to the front page where it is none of theirs."""
    _, settings = addressed("GET /sites/{domain}/settings")
    refused = people["viewer"].ask("GET", settings)
    assert refused.status_code == 403
    assert f'<a href="/sites/{MINE}">To the numbers of {MINE}</a>' in refused.text
    refused = people["owner of another"].ask("GET", settings)
    assert '<a href="/">To the front page</a>' in refused.text


@pytest.mark.usefixtures("people")  # of whom one is left who owns all
def test_a_role_that_is_taken_away_is_gone_at_once(room: Newsroom) -> None:
    """The gate asks each time."""
    mine = site_of(room, MINE).id
    client = room.editor("moves@example.com", Role.EDITOR, mine)
    assert client.get(f"/sites/{MINE}/settings").status_code == 200
    admit(room.control, "moves@example.com", Role.VIEWER, mine)
    refused = client.get(f"/sites/{MINE}/settings")
    assert refused.status_code == 403
    assert "the role of editor" in refused.text
    assert client.get(f"/sites/{MINE}").status_code == 200
