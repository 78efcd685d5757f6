"""What visitors read, in their own language: a closed catalogue, one file of words for each."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "words"
LANGUAGES = ("en", "de", "fr", "es")  # the first for whoever asks for none of them
_MOST_WISHES = 20  # of an Accept-Language header; browsers send five or so


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue of one language; called with a key it gives the text."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of `group.name`, its names in braces replaced."""
        text = self.texts[key]
        return text.format(**values) if values else text


@cache
def words(language: str) -> Words:
    """Return the catalogue of one of LANGUAGES."""
    groups = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    texts = {f"{group}.{name}": text for group, of in groups.items() for name, text in of.items()}
    return Words(language, texts)


def chosen(asked: str, accept_language: str, languages: Sequence[str] = LANGUAGES) -> str:
    """Return the language to answer in: the one asked for, else the first wish that there is.

    Args:
        asked: what the page's address says, perhaps nonsense.
        accept_language: the header. Source: RFC 9110, 12.5.4.
        languages: those that there are; the first for whoever asks for none of them.
    """
    if asked in languages:
        return asked
    wishes = [_wish(wish) for wish in accept_language.split(",")[:_MOST_WISHES]]
    wishes.sort(key=lambda wish: -wish[1])  # stable: of equals the first
    return next((name for name, weight in wishes if name in languages and weight), languages[0])


def _wish(text: str) -> tuple[str, float]:
    tag, _, parameter = text.partition(";")
    name = tag.strip().partition("-")[0].lower()
    try:
        weight = float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return name, weight
