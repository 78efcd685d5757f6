"""The visitors' pages by themselves, without an endpoint behind them, and what is read off them."""

import asyncio
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from typing import ClassVar

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount as Prefix

from collector.hosts import Mount
from collector.outcomes import Erasing
from collector.request import Scope
from collector.statement import Statement
from collector.visitors import Parts, routes


async def erase(_: Scope) -> Erasing:
    """Take anything back, as the endpoint does when it can write that down."""
    return Erasing.DONE


def parts(*mounts: str, erase: Callable[[Scope], Awaitable[Erasing]] = erase) -> Parts:
    """Return what pages need, without an endpoint behind them."""
    return Parts(
        [Mount.parse(url) for url in mounts],
        erase,
        likeness=lambda _: None,
        statement=lambda _: Statement((), (), {}, (), None, {}),
    )


def ask(
    method: str,
    path: str,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    *,
    mounts: tuple[str, ...] = ("https://stats.example.com/",),
    host: str = "stats.example.com",
    erase: Callable[[Scope], Awaitable[Erasing]] = erase,
) -> httpx.Response:
    """Send one request to the visitors' routes, by themselves and below a prefix."""
    visitors = routes(parts(*mounts, erase=erase))
    app = Starlette(routes=[*visitors, Prefix("/count", routes=visitors)])
    fields = httpx.Headers(headers or {})
    fields["Host"] = host

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://unused.test") as client:
            return await client.request(method, path, headers=fields)

    return asyncio.run(send())


class _Outline(HTMLParser):
    """Collects of a page what tests speak of: headings, title, forms, addresses, tags."""

    _VOID: ClassVar[frozenset[str]] = frozenset({"meta", "link", "path", "circle", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.addresses: list[str] = []
        self.forms: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes |= set(values)
        self.addresses += [values[name] for name in ("href", "src", "action") if name in values]
        if tag == "form":
            self.forms.append((values["method"], values["action"]))
        if tag not in self._VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            tag = self._open[-1]
            self.texts[tag] = (self.texts.get(tag, "") + " " + data.strip()).strip()


def outline(answer: httpx.Response) -> _Outline:
    """Read a page."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return _Outline(answer.text)
