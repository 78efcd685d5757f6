"""A site's settings: the snippet, whether events arrive, annotations and segments."""

import re

import pytest

from collector.people.accounts import Role
from tests.dashboard.reading import DAY, HOUR, Markup, site_page
from tests.editors import Client, Newsroom, pageview

SETTINGS = "/sites/example.com/settings"


def _write(editor: Client, **form: str) -> tuple[int, str]:
    response = editor.post("/sites/example.com/notes", data=form)
    return response.status_code, response.headers.get("location", "")


def test_the_settings_say_whether_events_arrive(room: Newsroom) -> None:
    """Until the first one they look again by themselves; the snippet stays to be copied."""
    site = room.site()
    page = room.editor().get(SETTINGS).text
    assert "Waiting for the first event" in page
    assert 'hx-trigger="every 3s"' in page
    assert 'http-equiv="refresh"' not in page  # forms would be emptied while one fills them in
    assert 'http-equiv="refresh"' in room.editor().get("/sites/example.com").text
    room.count(pageview(site, 1, HOUR))
    page = room.editor().get(SETTINGS).text
    assert "Yes, since 24 November 2026." in Markup(page).words
    assert "hx-trigger" not in page
    assert "&lt;script defer src=" in page
    assert "Days are those of Europe/Berlin, where it is 14:32 now." in page
    assert f'href="{SETTINGS}"' in site_page(room)


def test_an_annotation_marks_its_day_in_the_chart(room: Newsroom) -> None:
    """In the step it belongs to, with its text below; it can be struck out again."""
    site = room.site()
    room.count(pageview(site, 1, HOUR), pageview(site, 1, 9 * DAY))
    editor = room.editor()
    wanted = {"do": "annotate", "date": "2026-11-23", "text": "Relaunch <b>"}
    assert _write(editor, **wanted) == (303, SETTINGS)
    for period, marks in (("7d", 1), ("28d&step=week", 1), ("12mo", 0), ("day", 0)):
        page = editor.get(f"/sites/example.com?period={period}").text
        assert page.count('class="mark"') == marks, period
        assert ("Relaunch &lt;b&gt;" in page) == bool(marks)
    yesterday = "period=custom&from=2026-11-23&to=2026-11-23"
    page = editor.get(f"/sites/example.com?{yesterday}").text
    assert 'class="mark"' not in page  # all of it is that day
    assert "Relaunch &lt;b&gt;" in page
    (key,) = re.findall(r'name="id" value="(\d+)"', editor.get(SETTINGS).text)
    _write(editor, do="strike-annotation", id=key)
    assert "Relaunch" not in editor.get(SETTINGS).text


def test_filters_are_kept_as_a_segment(room: Newsroom) -> None:
    """From where they are in force; from then on one link brings them back, in any period."""
    site = room.site()
    room.count(pageview(site, 1, HOUR, source="Google"), pageview(site, 2, HOUR))
    editor = room.editor()
    page = editor.get("/sites/example.com?f=is,source,Google&f=is_not,page,/x").text
    form = page.partition('action="/sites/example.com/notes"')[2].partition("</form>")[0]
    fields = {str(a["name"]): str(a.get("value", "")) for t, a in Markup(form).tags if t == "input"}
    assert _write(editor, **{**fields, "name": "From Google"}) == (303, fields["back"])
    page = editor.get("/sites/example.com?period=7d&f=is,os,iOS").text
    assert (
        '<a href="?period=7d&amp;f=is,source,Google&amp;f=is_not,page,/x">From Google</a>' in page
    )
    settings = editor.get(SETTINGS).text
    assert "From Google Source is Google, Page is not /x" in Markup(settings).words
    (key,) = re.findall(r'name="id" value="(\d+)"', settings)
    _write(editor, do="strike-segment", id=key)
    assert "From Google" not in editor.get(SETTINGS).text


def test_filters_are_kept_for_oneself(room: Newsroom) -> None:
    """By whoever may look; nobody else sees them, or may strike them out."""
    site = room.site()
    room.count(pageview(site, 1, HOUR, source="Google"))
    owner, viewer = room.editor(), room.editor("viewer@example.com", Role.VIEWER)
    shown = "/sites/example.com?period=day&f=is,source,Google"
    page = viewer.get(shown).text
    assert "Keep for me" in page
    assert "Keep for all" not in page
    form = {"filters": "f=is,source,Google", "name": "Mine", "back": shown}
    path = "/sites/example.com/segments"
    assert viewer.post("/sites/example.com/notes", data={**form, "do": "keep"}).status_code == 403
    for _ in range(2):
        assert viewer.post(path, data=form).headers["location"] == shown
    assert viewer.get(shown).text.count(">Mine</a>") == 1
    assert "Mine" not in owner.get(shown).text
    assert "Keep for all" in owner.get(shown).text
    _write(owner, do="keep", name="Mine", filters="f=is,os,iOS")
    page = viewer.get(shown).text
    assert page.count(">Mine</a>") == 2
    (key,) = re.findall(r'name="id" value="(\d+)"', page)
    owner.post(path, data={"do": "strike", "id": key})
    _write(owner, do="strike-segment", id=key)
    assert viewer.get(shown).text.count(">Mine</a>") == 2
    assert viewer.post(path, data={"do": "strike", "id": key}).status_code == 303
    assert viewer.get(shown).text.count(">Mine</a>") == 1
    for wrong in (
        {"name": "x"},
        {**form, "name": ""},
        {"do": "strike"},
        {**form, "filters": "f=x"},
    ):
        assert viewer.post(path, data=wrong).status_code == 400
    assert viewer.post(path, content=b"x=" + b"y" * 40_000).status_code == 400


@pytest.mark.parametrize(
    "form",
    [
        {"do": "annotate", "date": "tomorrow", "text": "x"},
        {"do": "annotate", "date": "2026-11-23", "text": " "},
        {"do": "keep", "name": "x", "filters": ""},
        {"do": "keep", "name": "x", "filters": "f=is,city,Berlin"},
        {"do": "strike-annotation", "id": "\N{SUPERSCRIPT TWO}"},
        {"do": "rename"},
        {},
    ],
)
def test_what_cannot_be_written_is_explained(busy: Newsroom, form: dict[str, str]) -> None:
    """On the page one writes it on."""
    response = busy.editor().post("/sites/example.com/notes", data=form)
    assert response.status_code == 400
    assert 'role="alert"' in response.text


def test_only_editors_write_and_only_from_our_own_pages(busy: Newsroom) -> None:
    """Whoever is not logged in is asked to be; another site's form is refused."""
    form = {"do": "annotate", "date": "2026-11-23", "text": "x"}
    path = "/sites/example.com/notes"
    assert busy.client().post(path, data=form).headers["location"] == "/login"
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert busy.editor().post(path, data=form, headers=headers).status_code == 403
    assert busy.editor().post(path, content=b"x=" + b"y" * 40_000).status_code == 400
    assert busy.editor().post("/sites/nobody.example/notes", data=form).status_code == 404
    assert busy.editor().get("/sites/nobody.example/settings").status_code == 404


def test_one_is_not_led_to_another_host(busy: Newsroom) -> None:
    """By a form that was tampered with."""
    form = {"do": "strike-segment", "id": "1", "back": "//evil.example"}
    assert _write(busy.editor(), **form) == (303, SETTINGS)
