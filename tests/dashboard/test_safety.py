"""What no page does, and the assets."""

import asyncio
import gzip
import re
from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from dashboard.app import SECURITY_HEADERS
from dashboard.assets import asset_url
from dashboard.web import SecurityHeaders, bounded_body
from tests.dashboard.reading import (
    HOUR,
    XSS,
    Markup,
    site_page,
)
from tests.editors import Newsroom, pageview

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = [asset_url("script.js")]


def test_hostile_values_are_shown_as_text(room: Newsroom) -> None:
    """Wherever a visitor can put one: page, source, country, device, browser, system."""
    site = room.site()
    room.count(
        *(
            pageview(
                site,
                token,
                HOUR,
                "/" + text,
                source=text,
                country=text,
                device=text,
                browser=text,
                os=text,
            )
            for token, text in enumerate(XSS)
        )
    )
    page = site_page(room)
    markup = Markup(page)
    allowed = {"html", "head", "body", "main", "header", "footer", "section", "nav", "div"}
    allowed |= {"title", "meta", "link", "script", "noscript", "form", "label", "input", "button"}
    allowed |= {"h1", "h2", "p", "a", "strong", "span", "ul", "li", "details", "summary"}
    allowed |= {"select", "option", "dialog", "dl", "datalist"}
    allowed |= {"table", "thead", "tbody", "tr", "th", "td", "desc"}
    allowed |= {"svg", "g", "rect", "line", "circle", "text", "polygon", "polyline"}
    assert {tag for tag, _ in markup.tags} <= allowed
    assert [a.get("src") for t, a in markup.tags if t == "script"] == SCRIPTS
    assert "Visitors are counted per day" in markup.words  # read to the end
    for text in XSS:
        assert page.count(f">{_escaped(text)}</a>") >= 2, text
        assert f">{_escaped('/' + text)}</a>" in page


def _escaped(text: str) -> str:
    for character, entity in zip("&<>\"'", ("amp", "lt", "gt", "#34", "#39"), strict=True):
        text = text.replace(character, f"&{entity};")
    return text


@pytest.mark.parametrize("path", ["/login", "/sites/example.com", "/sites/nobody.example"])
def test_pages_have_no_inline_script_style_or_handler(busy: Newsroom, path: str) -> None:
    """The policy would block them; nothing is fetched from elsewhere either."""
    client = busy.client() if path == "/login" else busy.editor()
    response = client.get(path)
    for tag, attrs in Markup(response.text).tags:
        assert tag != "style"
        assert not [name for name in attrs if name == "style" or name.startswith("on")]
        assert not str(attrs.get("src") or "/").startswith(("http", "//"))
        assert tag != "link" or str(attrs.get("href")).startswith("/assets/")
    assert not re.search(r"<script[^>]*>[^<]", response.text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/login"),
        ("GET", "/sites/example.com"),
        ("GET", "/sites/nobody.example"),
        ("GET", asset_url("style.css")),
        ("GET", "/assets/nothing"),
        ("POST", "/login"),
        ("POST", "/logout"),
        ("POST", "/api/v2/query"),
    ],
)
def test_every_answer_has_the_security_headers(busy: Newsroom, method: str, path: str) -> None:
    """Refusals too; and nothing but the assets may be stored."""
    client = busy.editor()
    response = client.get(path) if method == "GET" else client.post(path)
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    is_stored = "max-age" in response.headers["cache-control"]
    assert is_stored == path.startswith("/assets/style.css")
    assert (
        is_stored or path.startswith("/assets/") or response.headers["cache-control"] == "no-store"
    )


@pytest.mark.parametrize("name", ["style.css", "script.js", "live.js", "passkeys.js", "icon.svg"])
def test_an_asset_asked_for_by_its_hash_is_kept_for_ever(busy: Newsroom, name: str) -> None:
    """By any other address it is asked for again; it comes compressed to those who can."""
    client = busy.client()
    plain = client.get(asset_url(name), headers={"Accept-Encoding": "identity"})
    packed = client.get(asset_url(name), headers={"Accept-Encoding": "gzip"})
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content  # httpx unpacks
    assert client.get(f"/assets/{name}?v=0").headers["cache-control"] == "no-cache"
    assert client.get(f"/assets/{name}").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["nothing.css", "..%2Fapp.py", "%2e%2e/app.py", "py.typed", "htmx.LICENSE.txt", ""]
)
def test_nothing_else_is_an_asset(busy: Newsroom, name: str) -> None:
    """Names are looked up in a list, never in a folder."""
    assert busy.client().get(f"/assets/{name}").status_code == 404


def test_a_sites_page_and_all_it_needs_weigh_little(busy: Newsroom) -> None:
    """At most 60 KB compressed in at most six requests."""
    page = busy.editor().get("/sites/example.com", headers={"Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    needed = sorted(set(re.findall(r'"(/assets/[^"]+)"', page.text)))
    assert len(needed) + 1 <= 6
    weights = [len(gzip.compress(busy.client().get(path).content)) for path in needed]
    assert int(page.headers["content-length"]) + sum(weights) <= 60_000


def test_whoever_hangs_up_in_the_middle_of_a_form_raises_nothing() -> None:
    """Nobody is there to read an answer, and a log that tells of it would tell of no fault."""
    messages: Iterator[Message] = iter(
        [
            {"type": "http.request", "body": b"email=own", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        body = await bounded_body(Request(scope, receive), 100)
        await Response(body)(scope, receive, send)

    asyncio.run(SecurityHeaders(endpoint)({"type": "http", "headers": []}, receive, send))
    assert sent == []
