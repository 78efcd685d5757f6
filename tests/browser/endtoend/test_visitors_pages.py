"""The visitors' pages in a real browser: each language, by keyboard, from the site's own page."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from collector.languages import LANGUAGES
from tests.browser.endtoend.desk import Watch, barriers, follow, press, sticks_out
from tests.browser.endtoend.website import BESIDE, PREFIX, Front, Place

PAGES = ("opt-out", "your-visit", "privacy", "for-sites")
# Contrast of every text with what is behind it, as WCAG 2.2 computes it (1.4.3).
_CONTRASTS = """() => {
    const number = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const found = number(getComputedStyle(at).backgroundColor);
            if (found.length === 3 || found[3] === 1) return found;
        }
        return [255, 255, 255];
    };
    const low = [];
    for (const element of document.querySelectorAll("main *, footer *")) {
        const has = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!has || !element.getClientRects().length) continue;
        const style = getComputedStyle(element);
        const pair = [light(number(style.color)), light(behind(element))].sort((a, b) => b - a);
        const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
        if (contrast < 4.5) low.push([element.outerHTML.slice(0, 80), contrast]);
    }
    return low;
}"""
# What can be pressed and is less than 24 CSS pixels high or wide, links in sentences apart (2.5.8).
_SMALL = """() => [...document.querySelectorAll("button, nav a, .button, textarea")]
    .map((e) => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
    .filter(([_, box]) => box.height < 24 || box.width < 24).map(([html]) => html)"""
# Elements that need a name and have none (4.1.2, 1.3.1).
_NAMELESS = """() => [...document.querySelectorAll("a, button, textarea, nav, table")]
    .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label")
        || e.getAttribute("aria-labelledby"))).map((e) => e.outerHTML.slice(0, 80))"""
# What axe-core looks for: everything, and in the other theme what a theme can change.
_THEMES: dict[Any, list[str]] = {"light": [], "dark": ["color-contrast"]}
# One fault of each kind.
_SPOIL = """() => {
    document.querySelector("h1").style.color = getComputedStyle(document.body).backgroundColor;
    document.querySelector("footer a").style.padding = document.querySelector("footer a")
        .style.lineHeight = "0";
    document.querySelector("textarea").removeAttribute("aria-labelledby");
    document.querySelector("textarea").textContent = "";
}"""


def hard_to_read(page: Page) -> list[object]:
    """Return what is amiss with the page that is open, in either theme; axe-core has its say."""
    amiss: list[object] = [page.url] if sticks_out(page) > 0 else []
    for scheme, rules in _THEMES.items():
        page.emulate_media(color_scheme=scheme)
        for found in (_CONTRASTS, _SMALL, _NAMELESS):
            amiss += page.evaluate(found)
        amiss += barriers(page, *rules)
    page.emulate_media(color_scheme=None)
    return amiss


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_can_be_read_by_everyone(page: Page, section: str, language: str) -> None:
    """Contrast, size of what is pressed, names, language, no sideways scrolling on a phone; axe."""
    page.set_viewport_size({"width": 320, "height": 800})  # 1.4.10
    for path in PAGES:
        page.goto(f"{PREFIX.counter}{path}?lang={language}")
        assert page.evaluate("document.documentElement.lang") == language
        assert hard_to_read(page) == [], path
    for button in ("erase", "opt-out"):
        page.goto(f"{PREFIX.counter}opt-out?lang={language}")
        with page.expect_navigation():
            page.locator(f"form[action^={button}] button").click()
        assert hard_to_read(page) == [], button


def test_what_is_hard_to_read_would_be_noticed(page: Page) -> None:
    """By each way to look."""
    page.goto(PREFIX.counter + "for-sites")
    page.evaluate(_SPOIL)
    assert [len(page.evaluate(found)) for found in (_CONTRASTS, _SMALL, _NAMELESS)] == [1, 1, 1]
    assert "label" in [one.partition("\n")[0] for one in barriers(page)]


def test_tables_are_tables_on_a_phone(page: Page) -> None:
    """Although each row is shown as a paragraph there: screen readers go by the roles."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(PREFIX.counter + "privacy")
    table = page.get_by_role("table").first
    assert table.get_by_role("row").count() == 8
    assert table.get_by_role("columnheader", name="Setting", include_hidden=True).count() == 1
    assert table.get_by_role("rowheader").first.inner_text() == "Day keys only in memory"
    assert table.get_by_role("cell").first.inner_text() == "yes"


def test_pages_are_used_by_keyboard(page: Page) -> None:
    """Focus can be seen, goes from top to bottom, and Enter presses."""
    page.goto(PREFIX.counter + "opt-out")
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached
    assert reached[0] == "Do not count my visits"
    assert reached[1].startswith("Erase")
    assert reached[-1] == "Español"
    page.goto(PREFIX.counter + "opt-out")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your visits are not counted")


def test_a_language_is_kept_from_page_to_page(page: Page) -> None:
    """Once it was chosen; forms keep it, too."""
    page.goto(PREFIX.counter + "opt-out")
    follow(page, "Deutsch")
    follow(page, "Was ein Besuch hinterlässt")
    assert "Die Zeile, die daraus würde" in page.inner_text("main")
    press(page, "Heutige Besuche löschen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Die heutigen Besuche sind gelöscht")
    follow(page, "Ihre Entscheidung ansehen")
    press(page, "Meine Besuche nicht zählen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Besuche werden nicht gezählt")
    assert "ist gelöscht" in page.inner_text("main")


def test_the_page_shows_the_row_of_a_browser(page: Page, front: Front, section: str) -> None:
    """Whoever follows the link on a page of the site sees that page's row."""
    page.goto(PREFIX.home + section)
    with page.expect_navigation():
        page.evaluate("url => location.assign(url)", PREFIX.counter + "your-visit")
    text = page.inner_text("main")
    for shown in (section, "NZ", "desktop", "Chrome", front.visitor):
        assert shown in text


@pytest.mark.parametrize("place", [PREFIX, BESIDE], ids=["below a path", "beside"])
def test_the_form_for_the_sites_own_page_opts_out(
    page: Page, notes: Watch, front: Front, section: str, place: Place
) -> None:
    """As it is shown, pasted into a page of the site; afterwards nothing is sent."""
    page.goto(place.counter + "for-sites")
    form = page.get_by_label("A button").input_value()
    assert "privacy" in page.get_by_label("A text").input_value()
    page.goto(place.home + "/pasted?" + form)
    press(page, "Do not count my visits")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your visits are not counted")
    front.arrived.clear()
    notes.requests.clear()
    page.goto(place.home + section)
    follow(page, "Bare")
    assert (front.events(section), notes.posted) == ([], [])
