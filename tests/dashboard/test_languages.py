"""The dashboard's languages: every sentence in each of them, and the right one for each person."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from dashboard.parts import Finding
from dashboard.words.languages import LANGUAGES
from tests.dashboard.reading import DAY, HOUR, MINUTE, Markup
from tests.editors import Newsroom, newsroom, pageview
from tests.tongues import CLOSING, OPENING, PAGES, bracketed, everything

DASHBOARD = Path(__file__).parents[2] / "dashboard"
TRANSLATED = [each.words for each in LANGUAGES if each.words]
# What stands in a template as it is, in every language.
NO_SENTENCES = {
    "gatecount": "a name",
    "· gatecount": "a name",
    "light dark": "what the style sheet is told",
    "CSV": "a name",
    "JSON": "a name",
    "IP Geolocation by DB-IP": "what the licence of the country data asks for",
    "gatecount site add example.com --timezone Europe/Berlin": "a command",
}
_NAMES = re.compile(r"\{(\w*)\}")
_TAGS = re.compile(r"<[^>]*>|&\w+;")
_ATTRIBUTES = re.compile(r"\b(?:title|alt|placeholder|aria-label|data-says)=\"([^\"]*)\"")
_LONG_WORD = re.compile(r"(?<!\{)\b[^\W\d_]{3,}")
_WORD = re.compile(r"[^\W\d_]{2}")


def texts(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is said, and how: two texts each where there is a plural."""
    one, other = (
        each if isinstance(each, tuple) else (each,) for each in (message.id, message.string)
    )
    return tuple(map(str, one)), tuple(map(str, other))


@pytest.mark.parametrize("words", TRANSLATED, ids=lambda words: words.stem)
def test_each_language_says_everything_and_nothing_else(words: Path) -> None:
    """`dashboard/words/refresh` adds what is missing, to be translated."""
    with words.open("rb") as file:
        known = read_po(file)
    assert {(each.context, each.id) for each in known if each.id} == {
        (each.context, each.id) for each in everything() if each.id
    }
    for message in known:
        if message.id:
            said, how = texts(message)
            assert all(how), f"not translated: {said}"
            assert not message.fuzzy
            for text in how:
                assert set(_NAMES.findall(text)) == set(_NAMES.findall(said[-1])), text
                assert sorted(_TAGS.findall(text)) == sorted(_TAGS.findall(said[-1])), text
                assert '"' not in _TAGS.sub("", text), f"it may stand in an attribute: {text}"


def test_no_language_was_given_the_words_of_another() -> None:
    """Nor was a sentence left in English; single words may be alike."""
    said: dict[str, dict[object, str]] = {
        "en": {each.id: texts(each)[0][0] for each in everything() if each.id}
    }
    for words in TRANSLATED:
        with words.open("rb") as file:
            said[words.stem] = {each.id: texts(each)[1][0] for each in read_po(file) if each.id}
    for one, other in combinations(said, 2):
        alike = {text for key, text in said[one].items() if said[other][key] == text}
        sentences = {text for text in alike if len(_LONG_WORD.findall(_TAGS.sub("", text))) > 1}
        assert sentences == set(), (one, other)


def parts_of(template: str) -> Iterator[tuple[str, bool]]:
    """Yield the texts of a template, and whether each is markup or a string in an expression."""
    tree = Environment(autoescape=True).parse(
        (DASHBOARD / "templates" / template).read_text("utf-8")
    )
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                yield node.data, True
            else:
                yield from ((text, False) for text in strings_of(node))


def strings_of(node: nodes.Node) -> Iterator[str]:
    """Yield the strings of an expression, but for those that are said or only compared."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    is_said = isinstance(node, nodes.Call) and getattr(node.node, "name", "")[:3] == "say"
    if not is_said and not isinstance(node, nodes.Compare | nodes.Filter):
        for child in node.iter_child_nodes():
            yield from strings_of(child)


def unsaid(template: str) -> set[str]:
    """Return words of a template that are in English for everyone."""
    found, markup = set(), ""
    for text, is_markup in parts_of(template):
        markup += text if is_markup else "\0"
        if not is_markup and re.search(r"[A-Z]|\w \w", text):
            found.add(text)
    outside = re.sub(r"<(style|script)\b.*?</\1>|<!doctype[^>]*>", "", markup, flags=re.DOTALL)
    candidates = [*_ATTRIBUTES.findall(outside), *re.sub(r"<[^>]*>", "\n", outside).split("\n")]
    found |= {text.strip(" \0") for text in candidates if _WORD.search(text)}
    return found - NO_SENTENCES.keys()


@pytest.mark.parametrize(
    "template", sorted({path.name for path in (DASHBOARD / "templates").iterdir()})
)
def test_templates_say_what_they_say(template: str) -> None:
    """A word of a template that stands outside of say() would stay English."""
    assert unsaid(template) == set()


@pytest.mark.parametrize(
    ("wishes", "code"),
    [("", "en"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("nl, fr;q=0.3", "fr"), ("ar", "en")],
)
def test_a_page_is_in_the_language_the_browser_asks_for(
    busy: Newsroom, wishes: str, code: str
) -> None:
    """Before anybody has logged in."""
    page = busy.client().get("/login", headers={"Accept-Language": wishes}).text
    (html,) = [attrs for tag, attrs in Markup(page).tags if tag == "html"]
    assert html == {"lang": code, "dir": "ltr"}
    assert re.search(f'value="{code}" lang="{code}" aria-pressed="true"', page)
    assert len(re.findall('name="language"', page)) == len(LANGUAGES)
    heading = {"en": "Log in", "de": "Anmelden", "fr": "Se connecter"}[code]
    assert f"<h1>{heading}</h1>" in page


def test_a_language_that_was_chosen_goes_before_what_the_browser_asks_for(busy: Newsroom) -> None:
    """It is kept as the theme is, and programs are answered in English all the same."""
    editor = busy.editor()
    response = editor.post("/language", data={"language": "es", "back": "/login"})
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    missing = editor.get("/sites/nowhere.example", headers={"Accept-Language": "de"}).text
    assert '<html lang="es"' in missing
    assert "Este sitio no existe aquí" in missing
    refused = editor.post("/api/v2/query", content=b"{}", headers={"Accept-Language": "de"})
    assert "send an API key" in refused.text
    editor.post("/language", data={"language": "tlh"})
    missing = editor.get("/sites/nowhere.example", headers={"Accept-Language": "de"}).text
    assert '<html lang="de"' in missing


@pytest.fixture(name="foreign")
def open_foreign_room(ram: Path) -> Iterator[Newsroom]:
    """Open a newsroom whose language tells what nobody says in it."""
    with newsroom(ram) as room:
        room.parts["languages"] = (bracketed(ram),)
        room.parts["diagnose"] = lambda _scope, _site: tuple(Finding)
        site = room.site()
        room.site("other.example")
        room.count(
            pageview(site, 1, 3 * HOUR, "/a", source="Google", country="DE"),
            pageview(site, 2, DAY, "/a", country="GB", device="Mobile"),
            pageview(site, 3, 40 * DAY, "/b"),
            pageview(site, 4, 2 * MINUTE, "/b", name="Download"),
        )
        yield room


def left_in_english(page: str) -> set[str]:
    """Return the lines of a page that no brackets are around."""
    markup = Markup(page)
    names = ("title", "aria-label", "placeholder", "alt", "data-says", "data-copied")
    attributes = [attrs.get(name) or "" for _, attrs in markup.tags for name in names]
    text, before = "".join(markup.texts) + "\n".join(["", *attributes]), ""
    while text != before:
        before, text = text, re.sub(f"{OPENING}[^{OPENING}{CLOSING}]*{CLOSING}", "", text)
    return {line.strip() for line in text.split("\n") if re.search("[A-Za-z]{2}", line)}


def test_no_sentence_of_a_page_stays_english(foreign: Newsroom) -> None:
    """In a language that has a translation of everything, nothing but names is left."""
    editor = foreign.editor()
    names = re.compile(
        r"gatecount( user reset)?|example\.com|other\.example|owner@example\.com|CSV|JSON|Google"
        r"|Download|<script.*"
        r"|/admin/\*|[\w_]*smtp_\w+|Authorization: Bearer KEY|IP Geolocation by DB-IP"
    )
    for path in PAGES:
        answer = editor.get(path.format(domain="example.com"))
        assert '<html lang="ar" dir="rtl"' in answer.text, path
        assert ">/a<" not in answer.text, "a path would begin with its end"
        left = {names.sub("", line) for line in left_in_english(answer.text)}
        assert {line for line in left if re.search("[A-Za-z]{2}", line)} == set(), path
