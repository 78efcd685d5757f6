"""Who may look: people, invitations, networks, and the log of who did what."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from starlette.types import Scope

from collector.anonymise import within
from collector.people.accounts import ALL_SITES, Accounts, Role
from collector.people.api_keys import ApiKeys, Verb
from collector.people.networks import Networks
from collector.people.trail import SHOWN, Act, Entry, Trail
from dashboard.settings.deeds import in_words
from dashboard.words.languages import speaking
from tests.dashboard.reading import HOUR, Markup
from tests.editors import NOW, Client, Newsroom, newsroom, pageview
from tests.people import EMAIL, PASSWORD, admit

SITE = "/sites/example.com"
MANY = " ".join(f"10.0.{n}.0/24" for n in range(51))
OFFICE, HOME = "192.0.2.0/24", "198.51.100.0/24"


@pytest.fixture(name="room")
def open_room(ram: Path) -> Iterator[Newsroom]:
    """Count a visit; requests come from 192.0.2.17, unless a test says otherwise."""
    with newsroom(ram) as room:
        room.count(pageview(room.site(), 1, HOUR))
        room.parts["comes_from"] = from_address("192.0.2.17")
        yield room


def from_address(address: str) -> object:
    """Return what tells whether a request comes from some networks."""

    def comes_from(_scope: Scope, networks: Sequence[str]) -> bool:
        return within(address, networks)

    return comes_from


def send(client: Client, where: str = SITE + "/people", **form: str) -> tuple[int, str]:
    """Send a form; return the status and the words of the page."""
    response = client.post(where, data=form)
    return response.status_code, Markup(response.text).words


def test_somebody_is_invited_and_joins(room: Newsroom) -> None:
    """The link is shown once; the invitation is listed until it is taken up, or withdrawn."""
    owner = room.editor()
    form = {"do": "invite", "email": "New@example.com", "role": "editor"}
    page = owner.post(SITE + "/people", data=form).text
    (link,) = re.findall(r"http://127\.0\.0\.1(/links/[\w-]{43})", page)
    assert "Send this link to new@example.com" in page
    listed = owner.get(SITE + "/people").text
    assert link not in listed
    assert "Not taken up yet" in listed
    guest = room.client()
    assert guest.post(link, data={"password": PASSWORD}).status_code == 303
    assert guest.get(SITE + "/settings").status_code == 200
    assert guest.get(SITE + "/people").status_code == 403
    assert "Not taken up yet" not in owner.get(SITE + "/people").text
    send(owner, do="invite", email="third@example.com", role="viewer")
    page = owner.get(SITE + "/people").text
    (number,) = re.findall(r'value="withdraw"><input type="hidden" name="id" value="(\d+)"', page)
    send(owner, do="withdraw", id=number)
    assert "third@example.com" not in owner.get(SITE + "/people").text
    words = Markup(owner.get(SITE + "/log").text).words
    for sentence in (
        f"{EMAIL} withdrew the invitation of third@example.com",
        "new@example.com joined as editor",
        f"{EMAIL} invited new@example.com: editor",
    ):
        assert sentence in words


def test_roles_are_given_and_taken(room: Newsroom) -> None:
    """On the page they are decided about: of a site, or of all."""
    owner, site = room.editor(), room.control.site("example.com")
    assert site is not None
    member = admit(room.control, "m@example.com", Role.VIEWER, site.id)
    client = room.editor("m@example.com", Role.VIEWER, site.id)
    send(owner, do="give", id=str(member.id), role="owner")
    assert client.get(SITE + "/people").status_code == 200
    boss = Accounts(room.control).named(EMAIL)
    assert boss is not None
    for form in ({"do": "take"}, {"do": "give", "role": "viewer"}):
        status, words = send(client, id=str(boss.id), **form)  # is owner of all sites, not here
        assert (status, "nothing of that kind" in words) == (400, True)
    send(owner, do="take", id=str(member.id))
    assert client.get(SITE).status_code == 404
    status, words = send(owner, "/people", do="take", id=str(boss.id))
    assert (status, "somebody has to be left" in words) == (400, True)
    assert "People of all sites" in owner.get("/people").text
    assert "owner of all sites" in owner.get(SITE + "/people").text


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({}, "nothing of that kind"),
        ({"do": "invite", "email": "nobody", "role": "viewer"}, "is an e-mail address"),
        ({"do": "invite", "email": "a@b.example", "role": "boss"}, "nothing of that kind"),
        ({"do": "give", "id": "99", "role": "viewer"}, "nothing of that kind"),
        ({"do": "take", "id": "x"}, "nothing of that kind"),
        ({"do": "limit", "role": "viewer", "networks": "everywhere"}, "write networks such as"),
        ({"do": "limit", "role": "viewer", "networks": "0.0.0.0/0"}, "write networks such as"),
        ({"do": "limit", "role": "viewer", "networks": "192.0.2.1/24"}, "write networks such as"),
        (
            {
                "do": "limit",
                "role": "viewer",
                "networks": MANY,
            },
            "more networks than",
        ),
    ],
)
def test_what_cannot_be_done_is_explained(
    busy: Newsroom, form: dict[str, str], problem: str
) -> None:
    """On the page one does it on."""
    status, words = send(busy.editor(), **form)
    assert (status, problem in words) == (400, True)


def test_a_role_comes_from_its_networks_alone(room: Newsroom) -> None:
    """Its programs too; other roles and sites come from everywhere; who is known is told why."""
    site = room.control.site("example.com")
    assert site is not None
    owner = room.editor()
    send(owner, do="limit", role="viewer", networks=f"{OFFICE}, 2001:db8::/32")
    user = admit(room.control, "v@example.com", Role.VIEWER, site.id)
    key = ApiKeys(room.control).add(user, "x", (), [Verb.READ], room.now)
    query = b'{"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"}'
    for address, is_in in (("192.0.2.17", True), ("198.51.100.1", False), ("2001:db8::7", True)):
        room.parts["comes_from"] = from_address(address)
        viewer = room.editor("v@example.com", Role.VIEWER, site.id)
        page = viewer.get(SITE)
        assert (page.status_code == 200) == is_in
        assert ("Not from here" in page.text) != is_in
        front = viewer.get("/")
        assert (front.status_code == 303) == is_in
        assert ("Not from here" in front.text) != is_in
        headers = {"Authorization": f"Bearer {key}"}
        asked = viewer.post("/api/v2/query", content=query, headers=headers)
        assert (asked.status_code == 200) == is_in
        assert room.editor().get(SITE).status_code == 200
    stranger = room.editor("s@example.com", Role.VIEWER, 99)
    assert "There is no such site" in stranger.get(SITE).text
    nothing = stranger.get("/").text
    assert "No site for you yet" in nothing
    assert "gatecount site add" not in nothing  # which is not theirs to do


def test_nobody_shuts_themselves_out(room: Newsroom) -> None:
    """A list for one's own role has to have where one is; an empty one opens again."""
    owner = room.editor()
    for where in (SITE + "/people", "/people"):
        status, words = send(owner, where, do="limit", role="owner", networks=HOME)
        assert (status, "would shut you out" in words) == (400, True)
        assert send(owner, where, do="limit", role="owner", networks=OFFICE)[0] == 303
        room.parts["comes_from"] = from_address("198.51.100.1")
        assert room.editor().get(SITE).status_code == 403
        room.parts["comes_from"] = from_address("192.0.2.17")
        assert send(owner, where, do="limit", role="owner", networks="")[0] == 303
    assert Networks(room.control).all() == {}
    assert Trail(room.control).of(ALL_SITES, with_all=True)[0].about == "owner: everywhere"


@pytest.mark.parametrize("address", ["", "nonsense", "unix:"])
def test_what_is_no_address_is_in_no_network(address: str) -> None:
    """So that who hides it is not let in."""
    assert not within(address, [OFFICE, "2001:db8::/32"])
    assert within("::ffff:192.0.2.7", [OFFICE])


def test_the_log_shows_what_is_about_all_sites_to_who_decides_about_them(room: Newsroom) -> None:
    """Page by page; each kind of act has its sentence."""
    site = room.control.site("example.com")
    assert site is not None
    trail = Trail(room.control)
    trail.note(room.now, "", Act.MADE_RESET, ALL_SITES, "somebody@example.com")
    for number in range(SHOWN):
        trail.note(room.now, EMAIL, Act.EXPORTED, site.id, f"file {number} <b>")
    owner = room.editor()
    page = owner.get(SITE + "/log").text
    assert f"{EMAIL} exported file {SHOWN - 1} &lt;b&gt;" in page
    assert f'href="?from={SHOWN}"' in page
    older = owner.get(f"{SITE}/log?from={SHOWN}").text
    assert "The operator made a link to a new password for somebody@example.com" in older
    local = room.editor("local@example.com", Role.OWNER, site.id)
    assert "somebody@example.com" not in local.get(f"{SITE}/log?from={SHOWN}").text
    assert local.get("/log").status_code == 403
    assert "somebody@example.com" in owner.get("/log?from=x").text
    for act in Act:
        trail.note(room.now, EMAIL, act, site.id, "it")
    for entry in trail.of(site.id, with_all=False)[: len(Act)]:
        assert EMAIL in in_words(entry)


def test_a_form_that_is_none_changes_nothing(busy: Newsroom) -> None:
    """It is refused."""
    assert busy.editor().post(SITE + "/people", content=b"&" * 20_000).status_code == 400


@pytest.mark.parametrize(
    ("act", "about", "sentence"),
    [
        (
            Act.GAVE_ROLE,
            "m@example.com: owner",
            "hat eine Rolle gegeben: m@example.com: Eigentümer",
        ),
        (Act.JOINED, "editor", "ist beigetreten als Redakteur"),
        (Act.LIMITED, "viewer: everywhere", "als Leser: von überall"),
        (Act.ANNOTATED, "2026-11-24", "hat 24. November 2026 mit einer Anmerkung versehen"),
        (Act.STRUCK, "a segment", "hat ein Segment gelöscht"),
        (Act.CHANGED_SETTING, "kept for 1 months, not 25", "1 Monat, nicht 25 Monate"),
        (Act.CHANGED_SETTING, "numbers are kept for 12 months", "Zahlen bleiben 12 Monate"),
        (Act.CHANGED_SETTING, "left out: 2 patterns, 1 networks", "ausgenommen: 2 Muster, 1 Netz"),
        (Act.UNSHARED, "the link a segment", "teilt den Link a segment nicht mehr"),
        (Act.MADE_KEY, "a segment", "hat den API-Schlüssel a segment"),  # a name stays
    ],
)
def test_a_deed_is_told_in_the_language_of_the_page(act: Act, about: str, sentence: str) -> None:
    """Also what is kept about it, which is English, but for names."""
    with speaking("de"):
        assert sentence in in_words(Entry(NOW, EMAIL, act, ALL_SITES, about))
