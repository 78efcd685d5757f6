"""The language a page is in: who chooses it, and how a sentence of ours is said in it.

Code and templates have their sentences in English, as arguments of `say` and `say_n`; the other
languages have a file of translations each beside this one (gettext's, read by babel when somebody
first asks for that language). Numbers, dates and countries are a matter of manners.
"""

import contextlib
import gettext
import io
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from collector.languages import chosen
from dashboard.choices import Choice
from dashboard.markup import filled
from dashboard.words.manners import ENGLISH, Manners, manners

_WORDS: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Language:
    """One that pages can be in.

    Args:
        code: as HTML and babel write it.
        name: what those who speak it call it.
        words: the file of its translations; None where sentences are said as they are written.
    """

    code: str
    name: str
    words: Path | None


# The first for whoever asks for none of them.
LANGUAGES: Final = (
    Language("en", "English", None),
    Language("de", "Deutsch", _WORDS / "de.po"),
    Language("fr", "Français", _WORDS / "fr.po"),
    Language("es", "Español", _WORDS / "es.po"),
)


@dataclass(frozen=True, slots=True)
class Speech:
    """A language that is spoken at the moment, and those that there are to choose from."""

    language: Language = LANGUAGES[0]
    others: tuple[Language, ...] = LANGUAGES
    manners: Manners = ENGLISH
    translations: gettext.NullTranslations = gettext.NullTranslations()  # noqa: RUF009 - it is empty


# Of the request at hand: every sentence needs it, and none of the views between. What programs are
# answered is not in the routes that set it, and so in English.
_current: ContextVar[Speech] = ContextVar("speech", default=Speech())  # noqa: B039 - frozen


def speech() -> Speech:
    """Return what the page at hand is in."""
    return _current.get()


def say(text: str, /, **values: object) -> str:
    """Return a sentence in the language of the page, its names in braces replaced.

    Whole numbers among the values are written as that language writes them.
    """
    spoken = _current.get()
    said = spoken.translations.gettext(text)
    return said.format(**_written(spoken, values)) if values else said


def say_n(one: str, many: str, n: int, /, **values: object) -> str:
    """Return a sentence about `n` things, which stands in it as {n}."""
    spoken = _current.get()
    said = spoken.translations.ngettext(one, many, n)
    return said.format(**_written(spoken, {"n": n, **values}))


def say_as(context: str, text: str, /) -> str:
    """Return a word that other languages have several for; the context tells which is meant."""
    return _current.get().translations.pgettext(context, text)


def isolated(text: str) -> str:
    """Return a text that is not ours, such as a path, so that it keeps its own direction.

    Without that a path of a page would begin with its end where lines begin on the right.
    """
    if _current.get().manners.direction == "ltr":
        return text
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def to_say(text: str) -> str:
    """Mark a sentence that is said elsewhere, by `say` with a name of it."""
    return text


def to_say_as(_context: str, text: str) -> str:
    """Mark a word that is said elsewhere, by `say_as` with a name of it."""
    return text


def to_say_n(one: str, many: str) -> tuple[str, str]:
    """Mark a sentence about things that is said elsewhere, by `say_n` with names of it."""
    return one, many


def say_markup(text: str, /, **values: object) -> Markup:
    """Return a sentence for a template: it may hold markup, its values are escaped."""
    spoken = _current.get()
    return filled(spoken.translations.gettext(text), **_written(spoken, values))


def say_n_markup(one: str, many: str, n: int, /, **values: object) -> Markup:
    """Return a sentence about `n` things for a template."""
    spoken = _current.get()
    said = spoken.translations.ngettext(one, many, n)
    return filled(said, **_written(spoken, {"n": n, **values}))


def _written(spoken: Speech, values: Mapping[str, object]) -> dict[str, object]:
    number = spoken.manners.number
    return {name: number(value) if type(value) is int else value for name, value in values.items()}


@cache
def translations(words: Path | None) -> gettext.NullTranslations:
    """Read a file of translations; compiled in memory, so that there is nothing to build."""
    if words is None:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - none of it for English
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with words.open("rb") as file, io.BytesIO() as compiled:
        write_mo(compiled, read_po(file))
        compiled.seek(0)
        return gettext.GNUTranslations(compiled)


class Spoken:
    """An ASGI wrapper that notes the language of each request: as chosen, else as the browser asks.

    Args:
        app: what it wraps.
        languages: those that there are; other than ours in tests alone.
    """

    def __init__(self, app: ASGIApp, languages: tuple[Language, ...] = LANGUAGES) -> None:
        self._app = app
        self._languages = {each.code: each for each in languages}
        self._choice = language_choice(languages)
        self._speeches: dict[str, Speech] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wishes = Request(scope).headers.get("accept-language", "")
        code = chosen(self._choice.made(scope) or "", wishes, tuple(self._languages))
        if code not in self._speeches:  # reading it takes so long that events would wait
            self._speeches[code] = await run_in_threadpool(self._learnt, code)
        token = _current.set(self._speeches[code])
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)

    def _learnt(self, code: str) -> Speech:
        return _learnt(self._languages, code)


def _learnt(languages: Mapping[str, Language], code: str) -> Speech:
    language = languages[code]
    return Speech(language, tuple(languages.values()), manners(code), translations(language.words))


@contextlib.contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language where there is no request, as in a mail; English where it is unknown.

    Blocking, when it is spoken for the first time.
    """
    known = {each.code: each for each in LANGUAGES}
    token = _current.set(_learnt(known, code if code in known else LANGUAGES[0].code))
    try:
        yield
    finally:
        _current.reset(token)


def language_choice(languages: tuple[Language, ...]) -> Choice:
    """Return the choice among languages."""
    return Choice("language", frozenset(each.code for each in languages))
