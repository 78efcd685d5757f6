"""Light, dark, or as the system has it."""

import pytest
from markupsafe import escape

from tests.dashboard.reading import Markup
from tests.editors import Newsroom


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_is_kept_in_a_cookie_and_leads_back(busy: Newsroom, theme: str) -> None:
    """Without a script, and without a flash of the other one."""
    editor = busy.editor()
    back = "/sites/example.com?period=7d"
    response = editor.post("/theme", data={"theme": theme, "back": back})
    assert (response.status_code, response.headers["location"]) == (303, back)
    assert "HttpOnly" in response.headers["set-cookie"]
    page = editor.get(back).text
    (html,) = [attrs for tag, attrs in Markup(page).tags if tag == "html"]
    assert html["data-theme"] == theme
    assert f'<meta name="color-scheme" content="{theme}">' in page
    assert f'value="{theme}" aria-pressed="true"' in page
    editor.post("/theme", data={"theme": "system"})
    assert "data-theme" not in editor.get(back).text


@pytest.mark.parametrize("cookie", ["nonsense", '"><script>', ""])
def test_a_theme_that_is_none_is_the_systems(busy: Newsroom, cookie: str) -> None:
    """Nothing of the cookie gets into the page."""
    editor = busy.editor()
    page = editor.get("/login", headers={"Cookie": f"gatecount-theme={cookie}"}).text
    assert "data-theme" not in page
    assert '<meta name="color-scheme" content="light dark">' in page


def test_a_choice_leads_back_to_the_very_page(busy: Newsroom) -> None:
    """With all that stands in its address; to where a form was answered, not to the form."""
    editor, place = busy.editor(), "/sites/example.com/by/page?period=7d&q=news&sort=page"
    assert f'name="back" value="{escape(place)}"' in editor.get(place).text
    refused = editor.post("/account", data={"do": "password"})
    assert 'name="back" value="/account"' in refused.text


def test_a_theme_is_chosen_on_our_own_pages_only(busy: Newsroom) -> None:
    """And a form that is none changes nothing; nobody is led to another host."""
    client = busy.client()
    refused = client.post("/theme", data={"theme": "dark"}, headers={"Sec-Fetch-Site": "same-site"})
    assert refused.status_code == 403
    assert client.post("/theme", content=b"theme=dark&x=" + b"y" * 5000).status_code == 400
    away = client.post("/theme", data={"theme": "dark", "back": "//evil.example"})
    assert away.headers["location"] == "/"
