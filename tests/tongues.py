"""A language that is written from right to left and tells what was not said by `say`."""

import runpy
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from dashboard.words.languages import Language

ROOT = Path(__file__).parents[1]
OPENING, CLOSING = "⟦⟧"
# All pages that somebody who is logged in may open; {domain} is a site.
PAGES = (
    "/",
    "/sites/{domain}",
    "/sites/{domain}?period=28d&f=is,source,Google&f=contains,page,/a&places=map",
    "/sites/{domain}?period=12mo&step=week",
    "/sites/{domain}?period=nonsense",
    "/sites/{domain}/by/page?period=7d",
    "/sites/{domain}/by/country?q=nowhere",
    "/sites/{domain}/now",
    "/sites/{domain}/settings",
    "/sites/{domain}/people",
    "/sites/{domain}/log",
    "/sites/{domain}/mails",
    "/sites/nowhere.example",
    "/people",
    "/log",
    "/account",
    "/account/keys",
)


@cache
def everything() -> Catalog:
    """Return all sentences that code and templates say."""
    found: Catalog = runpy.run_path(str(ROOT / "dashboard" / "words" / "refresh"))["said"]()
    return found


def bracketed(folder: Path) -> Language:
    """Return Arabic whose sentences are the English ones in brackets."""
    catalog = Catalog(locale="ar", fuzzy=False)
    for message in everything():
        if message.id:
            forms = message.id if isinstance(message.id, tuple) else (message.id,)
            how = [f"{OPENING}{form}{CLOSING}" for form in forms]
            several = (how[0], *[how[-1]] * (catalog.num_plurals - 1))
            said = several if len(forms) > 1 else how[0]
            catalog.add(message.id, said, context=message.context)
    words = folder / "ar.po"
    with words.open("wb") as file:
        write_po(file, catalog)
    return Language("ar", "العربية", words)
