"""What owners decide about counting, on the settings of a site."""

from datetime import UTC, datetime

import pytest

from collector.people.accounts import Role
from collector.settings.exclusions import ExclusionBook
from tests.dashboard.reading import DAY, HOUR, Markup
from tests.editors import Client, Newsroom, pageview

SETTINGS = "/sites/example.com/settings"


def _decide(owner: Client, **form: str) -> tuple[int, str, str]:
    response = owner.post("/sites/example.com/counting", data=form)
    page = Markup(response.text)
    return response.status_code, response.headers.get("location", ""), page.words


def test_pages_and_networks_are_left_out(room: Newsroom) -> None:
    """What was saved is shown as it was written, and said to hold from now on."""
    site = room.site()
    room.parts["own_network"] = lambda _scope: "203.0.113.7"
    owner = room.editor()
    assert "You come from 203.0.113.7 at the moment." in Markup(owner.get(SETTINGS).text).words
    wanted = {"do": "leave-out", "patterns": "/admin/*\r\n/<b>", "networks": "203.0.113.0/24"}
    status, place, _ = _decide(owner, **wanted)
    assert (status, place) == (303, f"{SETTINGS}?done=left-out#left-out")
    kept = ExclusionBook(room.control).of(site.id)
    assert kept.patterns == ("/admin/*", "/<b>")
    page = owner.get(place).text
    assert 'role="status">Saved. It holds for what happens from now on' in page
    assert ">\n/admin/*\n/&lt;b&gt;</textarea>" in page
    assert ">\n203.0.113.0/24</textarea>" in page
    _decide(owner, do="leave-out")
    assert not ExclusionBook(room.control).of(site.id)


def test_what_is_wrong_is_explained_where_it_was_written(room: Newsroom) -> None:
    """And nothing that was written is lost."""
    site = room.site()
    wrong = {"do": "leave-out", "patterns": "admin\n/ok", "networks": "office"}
    response = room.editor().post("/sites/example.com/counting", data=wrong)
    assert response.status_code == 400
    assert "&#39;admin&#39; is no path: write it as in /admin/* or /preview." in response.text
    assert ">\nadmin\n/ok</textarea>" in response.text
    assert response.text.count('aria-invalid="true"') == 2
    assert not ExclusionBook(room.control).of(site.id)


def test_deleting_is_asked_about_and_then_done(room: Newsroom) -> None:
    """When days go; what keeps them longer, or loses none, is done at once."""
    site = room.site()
    room.count(pageview(site, 1, 200 * DAY))
    owner = room.editor()
    status, _, said = _decide(owner, do="keep-for", months="3")
    assert status == 200
    assert "All numbers of example.com from before 24 August 2026 are deleted" in said
    assert "they begin on 8 May 2026." in said
    assert room.control.sites()[0].retention_months == 25
    status, place, _ = _decide(owner, do="keep-for", months="3", sure="yes")
    assert (status, place) == (303, f"{SETTINGS}?done=kept#kept")
    assert room.control.sites()[0].retention_months == 3
    assert room.control.purging(site.id).purges_all
    assert _decide(owner, do="keep-for", months="40")[0] == 303
    assert _decide(owner, do="keep-for", months="7")[0] == 303
    assert (
        "7 months. What is from before 24 April 2026 is gone."
        in Markup(owner.get(SETTINGS).text).words
    )


def test_another_time_zone_is_asked_about_and_can_be_taken_back(room: Newsroom) -> None:
    """With what becomes of the day; a site that nobody has visited yet has it at once."""
    site = room.site()
    owner = room.editor()
    assert _decide(owner, do="turn", timezone="america/new york")[:2] == (
        303,
        f"{SETTINGS}?done=zone-now#zone-now",
    )
    _decide(owner, do="turn", timezone="Europe/Berlin")
    room.count(pageview(site, 1, HOUR))
    status, _, said = _decide(owner, do="turn", timezone="asia/tokyo")
    assert status == 200
    assert (
        "On Wednesday 25 November 2026 at 00:00 in Europe/Berlin, it is 08:00 in Asia/Tokyo" in said
    )
    assert "Wednesday 25 November 2026 then has only 16 hours." in said
    assert (
        "Tuesday 24 November 2026 then lasts 25 hours"
        in _decide(owner, do="turn", timezone="Europe/Lisbon")[2]
    )
    assert room.control.sites()[0].turns_at is None
    _, place, _ = _decide(owner, do="turn", timezone="Asia/Tokyo", sure="yes")
    said = Markup(owner.get(place).text).words
    assert "From 25 November 2026 on they are those of Asia/Tokyo." in said
    assert room.control.sites()[0].turns_at == datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert _decide(owner, do="turn-never")[1] == f"{SETTINGS}?done=zone-stays#zone-stays"
    assert room.control.sites()[0].turns_at is None


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"do": "keep-for", "months": "0"}, "kept for 1 to 1,200 months"),
        ({"do": "keep-for", "months": "\N{SUPERSCRIPT TWO}"}, "kept for 1 to 1,200 months"),
        ({"do": "keep-for", "months": "9" * 40}, "kept for 1 to 1,200 months"),
        ({"do": "keep-for"}, "kept for 1 to 1,200 months"),
        ({"do": "turn", "timezone": "Berlim"}, "did you mean Europe/Berlin"),
        ({"do": "turn", "timezone": "America/New_York"}, "a day would last 30 hours"),
        ({"do": "turn"}, "is no time zone"),
        ({"do": "leave-out", "networks": "0.0.0.0/0"}, "is everybody"),
        ({"do": "rename"}, "nothing of that kind"),
        ({}, "nothing of that kind"),
    ],
)
def test_what_cannot_be_decided_is_explained(
    busy: Newsroom, form: dict[str, str], said: str
) -> None:
    """On the page one decides it on."""
    status, _, page = _decide(busy.editor(), **form)
    assert status == 400
    assert said in page


def test_only_owners_decide(busy: Newsroom) -> None:
    """Editors see what was decided, and no forms."""
    editor = busy.editor("editor@example.com", Role.EDITOR)
    assert _decide(editor, do="leave-out", patterns="/x")[0] == 403
    page = editor.get(SETTINGS).text
    assert "Nothing is left out." in page
    assert "25 months." in Markup(page).words
    assert "/counting" not in page
    assert (
        busy.editor().post("/sites/example.com/counting", content=b"x" * 300_000).status_code == 400
    )
