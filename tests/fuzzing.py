"""Requests made up by chance over every route there is, valid and not, with and without a login.

Routes are taken from the application, and names of parameters and fields from its own pages, so
that what is new is tried as well. The same seed gives the same requests for the same pages.
"""

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode

from starlette.routing import BaseRoute, Route

SITE = "example.com"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0"
ADDRESSES = ("192.0.2.1", "198.51.100.77", "2001:db8::1", "::ffff:192.0.2.3", "unknown", "x" * 300)
_HOSTS = (SITE, "stats.example.com", "127.0.0.1:8000", "[::1]", "xn--", "", "a" * 400, "ex\xe4mple")
EVENT = ("POST", "/api/event")
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_NAME = re.compile(
    r'<(?:input|select|textarea|button)[^>]*\sname="([^"]+)"(?:[^>]*\svalue="([^"]*)")?'
)
_LINK = re.compile(r'(?:href|action)="(/[^"?]*)(?:\?([^"]*))?"')
_OPTION = re.compile(r'<option[^>]*\svalue="([^"]*)"')

# What has broken servers before, and what parsers of our own might choke on.
NASTY = (
    "", " ", "0", "-1", "1e309", "NaN", "9" * 40, "null", "true", "[]", "{}", "'", '"', "\\", "%",
    "%00", "%ff", "\x00", "\n", "\r\n", "\t", "\u2028", "\ud7ff", "\U0001f600", "\xe9", "..",
    "../../etc/passwd", "//evil.example", "javascript:alert(1)", "<script>", "' OR 1=1 --", "$1",
    "{{7*7}}", "a" * 3_000, "2026-02-30", "0000-00-00", "9999-12-31", "2026-11-24T25:00:00Z",
    "Europe/Nowhere", "(", "[a-", "(?:a*)*b", SITE, "https://example.com/x", "visit:source",
    "event:page", "event:props:", "time:minute", "all", "30d", "realtime", "visitors",
    "visitors:desc", "is:visit:country:DE", "*", "\u202e", "\x7f", "True", "-0",
)  # fmt: skip
_WORDS = (
    "visitors", "visits", "pageviews", "bounce_rate", "events", "time_on_page", "percentage",
    "event:page", "visit:source", "visit:country", "visit:browser", "event:name",
    "event:props:author", "time", "time:day", "time:hour", "time:week", "time:month",
    "time:minute", "is", "is_not", "contains", "matches", "and", "or", "not", "has_done", "asc",
    "desc", "day", "7d", "30d", "month", "6mo", "12mo", "year", "all", "24h", "realtime",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One request; text is encoded as it goes out."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def encoded(self) -> bytes:
        """Return the request as HTTP/1.1."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + self.body

    def scope(self) -> dict[str, object]:
        """Return the request as ASGI has it."""
        path, _, query = self.target.partition("?")
        headers = [(n.lower().encode(), v.encode("latin-1", "replace")) for n, v in self.headers]
        headers.append((b"content-length", str(len(self.body)).encode()))
        return {
            "type": "http", "method": self.method, "path": unquote(path), "root_path": "",
            "raw_path": path.encode(), "query_string": query.encode(), "scheme": "http",
            "http_version": "1.1", "headers": headers, "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 8_000),
        }  # fmt: skip


def _is_heavy(path: str) -> bool:
    """Tell whether numbers of a site are asked for, or a password is hashed."""
    return path in {"/", "/login"} or "/sites/" in path or "/query" in path


@dataclass
class Fuzzer:
    """Makes requests up.

    Args:
        rng: the source of all chance.
        routes: of the application.
        login: a cookie that opens the dashboard; may be replaced, since a logout ends it.
        key: opens the API.
        heavy: the share that is kept of requests for a site's numbers, and of log-ins: each takes
            as long as a hundred others.
    """

    rng: random.Random
    routes: Sequence[BaseRoute]
    login: str
    key: str
    heavy: float = 1.0
    names: dict[str, list[str]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """List what there is to ask for."""
        self._targets = [
            (method, route.path)
            for route in self.routes
            if isinstance(route, Route)
            for method in sorted(route.methods or {"GET"})
        ]
        self._targets.append(EVENT)

    @property
    def targets(self) -> list[tuple[str, str]]:
        """Every route by method and path."""
        return self._targets

    def learn(self, page: str) -> None:
        """Take over names, values and addresses that a page of ours speaks of."""
        for name, value in _NAME.findall(page):
            self.names.setdefault(name, [""]).append(value)
        for path, query in _LINK.findall(page):
            self.paths.append(path)
            for pair in filter(None, query.replace("&amp;", "&").split("&")):
                name, _, value = pair.partition("=")
                self.names.setdefault(name, [""]).append(value)
        self.names.setdefault("value", [""]).extend(_OPTION.findall(page))

    def request(self) -> tuple[str, Request]:
        """Return the next request, and the route it began with."""
        rng = self.rng
        method, path = rng.choice(self._targets) if rng.random() < 0.6 else EVENT
        while _is_heavy(path) and rng.random() > self.heavy:
            method, path = rng.choice(self._targets)
        route = f"{method} {path}"
        if rng.random() < 0.03:
            method = rng.choice(
                ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE")
            )
        target = _PARAMETER.sub(lambda found: self._parameter(found[1]), path)
        if self.paths and rng.random() < 0.05 * self.heavy:
            target = rng.choice(self.paths)
        if rng.random() < 0.04:
            target = "/" + quote(self._text(), safe=rng.choice(("/", "/%", "")))
        if rng.random() < 0.6:
            target += "?" + self._form()
        body, kind = self._body(path) if method != "GET" or rng.random() < 0.02 else (b"", "")
        target = quote(target[:4_000], safe="/?&=%:+,;@!$'()*[]~#-._|")
        return route, Request(method, target, tuple(self._headers(path, kind)), body)

    def _parameter(self, name: str) -> str:
        if name == "domain" and self.rng.random() < 0.8:
            return SITE
        known = self.names.get(name)
        if known and self.rng.random() < 0.5:
            return quote(self.rng.choice(known), safe="")
        return quote(self._text(), safe=self.rng.choice(("", "/:")))

    def _text(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.5:
            return rng.choice(NASTY)
        if kind < 0.7:
            return rng.choice(_WORDS)
        if kind < 0.8:
            return rng.choice(NASTY) + rng.choice(_WORDS) + rng.choice(NASTY)
        values = rng.choice(list(self.names.values()) or [[""]])
        return rng.choice(values)

    def _form(self) -> str:
        rng = self.rng
        names = list(self.names) or ["x"]
        pairs = []
        for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
            name = rng.choice(names) if rng.random() < 0.9 else self._text()
            usual = self.names.get(name)
            value = rng.choice(usual) if usual and rng.random() < 0.5 else self._text()
            pairs.append((name, value))
        if rng.random() < 0.01:
            pairs *= 300
        return urlencode(pairs, errors="replace", encoding="utf-8")

    def _body(self, path: str) -> tuple[bytes, str]:
        rng, kind = self.rng, self.rng.random()
        if "api/event" in path and kind < 0.8:
            return self._json(self._event()), "text/plain"
        if "/api/" in path and kind < 0.8:
            return self._json(self._query()), "application/json"
        if "options" in path or "passkey" in path or kind < 0.1:
            return self._json(self._value(3)), "application/json"
        if kind < 0.8:
            return self._form().encode(), "application/x-www-form-urlencoded"
        if kind < 0.9:
            about = f'Content-Disposition: form-data; name="{self._text()}"'
            part = f"--x\r\n{about}\r\n\r\n{self._text()}\r\n"
            content = part * rng.choice((1, 3, 100)) + rng.choice(("--x--\r\n", ""))
            return content.encode("utf-8", "replace"), "multipart/form-data; boundary=x"
        return rng.randbytes(rng.choice((0, 1, 50, 9_000))), rng.choice(("", "text/plain", "x/y"))

    def _json(self, value: object) -> bytes:
        body = json.dumps(value).encode()
        if self.rng.random() < 0.1 and body:  # cut short, or one byte another
            place = self.rng.randrange(len(body))
            return body[:place] + self.rng.choice((b"", self.rng.randbytes(1) + body[place + 1 :]))
        return body

    def _value(self, depth: int) -> object:
        rng, kind = self.rng, self.rng.randrange(8 if depth else 6)
        if kind == 6:
            return [self._value(depth - 1) for _ in range(rng.randrange(4))]
        if kind == 7:
            return {self._text(): self._value(depth - 1) for _ in range(rng.randrange(4))}
        return (self._text(), rng.randint(-(2**70), 2**70), rng.random(), None, True, [])[kind]

    def _mostly(self, usual: object) -> object:
        return usual if self.rng.random() < 0.85 else self._value(2)

    def _event(self) -> dict[str, object]:
        rng = self.rng
        event: dict[str, object] = {
            "n": self._mostly(rng.choice(("pageview", "engagement", "Download", self._text()))),
            "u": self._mostly(
                f"https://{SITE}/{quote(self._text())}?utm_source={quote(self._text())}"
            ),
        }
        optional: dict[str, object] = {
            "r": "https://news.example/", "d": SITE, "s": "lg", "sd": 50, "e": 12_000, "i": False,
            "p": {self._text() or "k": self._text() for _ in range(3)},
            "$": {"currency": "EUR", "amount": rng.choice((1, "2.50", -3, 1e300, self._text()))},
        }  # fmt: skip
        for name in rng.sample(sorted(optional), rng.randrange(5)):
            event[name] = self._mostly(optional[name])
        return event

    def _query(self) -> dict[str, object]:
        rng = self.rng

        def some(most: int) -> list[str]:
            return [rng.choice(_WORDS) for _ in range(rng.randrange(most))]

        query: dict[str, object] = {
            "site_id": self._mostly(SITE),
            "metrics": self._mostly(rng.sample(_WORDS[:7], rng.randint(1, 4))),
            "date_range": self._mostly(rng.choice(("day", "7d", "30d", "all", "realtime", "24h"))),
        }
        optional: dict[str, object] = {
            "dimensions": rng.choice((some(4), [rng.choice(_WORDS[7:20])])),
            "filters": [self._filter(2) for _ in range(rng.randrange(3))],
            "order_by": [[rng.choice(_WORDS), rng.choice(("asc", "desc", "x"))]],
            "pagination": {
                "limit": rng.choice((0, 1, 10_000, -1)), "offset": rng.choice((0, 5, 2**40))
            },
            "include": {
                "total_rows": True, "time_labels": rng.random() < 0.5,
                "comparisons": {"mode": rng.choice(("previous_period", "year_over_year", "x"))},
            },
        }  # fmt: skip
        for name in rng.sample(sorted(optional), rng.randrange(5)):
            query[name] = self._mostly(optional[name])
        return query

    def _filter(self, depth: int) -> list[object]:
        rng = self.rng
        if depth and rng.random() < 0.3:
            inner = [self._filter(depth - 1) for _ in range(rng.randrange(3))]
            name = rng.choice(("and", "or", "not", "has_done"))
            return [name, inner if name in {"and", "or"} else (inner or [[]])[0]]
        values = [self._text() for _ in range(rng.randint(1, 3))]
        operator = rng.choice(("is", "is_not", "contains", "contains_not", "matches", self._text()))
        return [operator, rng.choice(_WORDS[7:20]), values]

    def _headers(self, path: str, kind: str) -> Iterable[tuple[str, str]]:
        rng = self.rng
        yield "Host", SITE if rng.random() < 0.9 else rng.choice(_HOSTS)
        if rng.random() < 0.95:
            yield (
                "User-Agent",
                BROWSER if rng.random() < 0.9 else rng.choice(("curl/8", "", "\xff" * 50)),
            )
        if rng.random() < 0.95:  # else no cookie opens anything
            yield "X-Forwarded-Proto", "https" if rng.random() < 0.97 else self._line()
        if kind:
            yield "Content-Type", kind
        if rng.random() < 0.8:
            yield "Cookie", self.login if rng.random() < 0.9 else self._line()
        if "/api/" in path and rng.random() < 0.9:
            yield "Authorization", f"Bearer {self.key}" if rng.random() < 0.9 else self._line()
        usual = {
            "Sec-Fetch-Site": ("same-origin", "cross-site", "none", self._line()),
            "Origin": (f"http://{SITE}", "null", self._line()),
            "Accept": ("text/html", "text/csv", "application/json", "*/*;q=x", self._line()),
            "Accept-Language": ("de", "fr-CA, en;q=0.5", "*", self._line()),
            "Accept-Encoding": ("gzip", "br, gzip;q=0", self._line()),
            "X-Forwarded-For": (*ADDRESSES, ", ".join(ADDRESSES)),
            "X-Forwarded-Host": (SITE, self._line()),
            "Range": ("bytes=0-5", "bytes=" + "0-," * 500, self._line()),
            "If-None-Match": ('"x"', "*"),
            "If-Modified-Since": ("Thu, 26 Nov 2026 06:00:00 GMT", "x"),
            "Referer": (f"https://{SITE}/a?b=c", self._line()),
            "DNT": ("1", "0", "x"), "Sec-GPC": ("1", "x"), "Expect": ("x",),
            "HX-Request": ("true",), "Last-Event-ID": ("5", self._line()),
        }  # fmt: skip
        for name in rng.sample(sorted(usual), rng.choice((0, 0, 1, 2, 4))):
            yield name, rng.choice(usual[name])

    def _line(self) -> str:
        """Return a text that can stand in a header."""
        return (
            re.sub(r"[\x00-\x1f\x7f]", "", self._text())
            .encode("latin-1", "replace")
            .decode("latin-1")
        )
