"""Pages that need nothing but themselves: for what must cost nothing, and for what has failed."""

from functools import cache

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.assets import asset_url
from dashboard.web import SECURITY_HEADERS

# In all languages at once: to look for the right one would cost more than all the rest, or fail.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>gatecount</title>
<link rel="stylesheet" href="{sheet}">
</head>
<body>
<header class="masthead"><p class="wordmark"><a href="/">gatecount</a></p></header>
<main>
<section class="narrow">
<h1>{headline}</h1>
{paragraphs}
<p><a href="{link}">gatecount</a></p>
</section>
</main>
</body>
</html>
"""
_FAILED = (
    ("en", "Something went wrong on the server; its log says what. Trying again may help."),
    (
        "de",
        "Auf dem Server ging etwas schief; sein Protokoll sagt, was. Versuchen Sie es noch mal.",
    ),
    ("fr", "Le serveur a échoué\N{NO-BREAK SPACE}; son journal dit pourquoi. Essayez à nouveau."),
    ("es", "Algo ha fallado en el servidor; su registro dice qué. Inténtelo de nuevo."),
)


def plain_page(headline: str, paragraphs: tuple[tuple[str, str], ...], link: str) -> bytes:
    """Return a page that says the same in several languages, each with its code."""
    return _PAGE.format(
        sheet=asset_url("style.css"),
        headline=headline,
        paragraphs="\n".join(f'<p lang="{code}">{text}</p>' for code, text in paragraphs),
        link=link,
    ).encode()


async def failed(request: Request, _error: Exception) -> Response:
    """Say that an answer could not be made; what happened is logged, and never shown."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Internal Server Error", 500)
    headers = SECURITY_HEADERS | {"Cache-Control": "no-store"}
    return Response(_failed_page(), 500, headers, "text/html")


@cache
def _failed_page() -> bytes:
    return plain_page("500", _FAILED, "/")
