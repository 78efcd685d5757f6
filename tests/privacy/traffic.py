"""One visitor who leaves canaries in every field and header, on every road a request can take.

roads = Roads(server)
roads.counted()
assert roads.statuses["counted"] == {202}
"""

import json
import re
import socket
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from urllib.parse import quote

from tests.people import EMAIL as NAME
from tests.people import PASSWORD
from tests.privacy.canaries import ADDRESS, ADDRESS6, BOT, EMAIL, HEX, JWT, USER_AGENT, UUID
from tests.serving import REQUEST_TIMEOUT_S, SITE, Server, Visitor

MARKS = (
    ADDRESS,
    ADDRESS6,
    USER_AGENT,
    BOT,
    EMAIL,
    UUID,
    JWT,
    HEX,
    "213.100.51.198.in-addr.arpa",  # as mail servers and access logs write it
)
LABELS = (UUID, HEX, *JWT.split("."), ADDRESS, ADDRESS.replace(".", "-"), "213.100.51.198")
EXCLUDED = ("/own/*", "192.0.2.0/24")  # paths and networks that the site leaves out
FLOOD_LIMIT = 200  # more than all other roads post from one network
DAILY_LIMIT = 250  # events of the site, which the flood goes beyond
OBJECTIONS: tuple[Mapping[str, str], ...] = (
    {"Cookie": f"session={UUID}; gatecount-optout=1; user={EMAIL}"},
    {"Cookie": f"__Host-gatecount-optout={HEX}"},
    {"Sec-GPC": "1"},
    {"DNT": "1"},
)
COUNTED_PAGEVIEWS = 3 * 2 * len(MARKS)
_DATE = re.compile(rb"date: [^\r]*\r\n")
_NAME_MAX_CHARACTERS = 120
_HEAD_BYTES = 16 * 1024
_BODY_BYTES = 8 * 1024
_FORM_BYTES = 4096
_QUERY_BYTES = 65_536
_MOST_LOGINS = 200  # ten wrong passwords are taken at once, and another each second


def marked_headers(address: str = ADDRESS, **more: str) -> dict[str, str]:
    """Return a browser's headers, and all that proxies and programs may add, full of canaries."""
    return {
        "Host": SITE,
        "Content-Type": "text/plain",
        "User-Agent": USER_AGENT,
        "X-Forwarded-For": address,
        "Forwarded": f'for={ADDRESS};by="[{ADDRESS6}]";host={HEX}.canary-post.example',
        "X-Real-IP": ADDRESS,
        "X-Client-IP": ADDRESS6,
        "True-Client-IP": ADDRESS,
        "CF-Connecting-IP": ADDRESS6,
        "Via": f"1.1 {ADDRESS}",
        "From": EMAIL,
        "Cookie": f"session={UUID}; user={EMAIL}; remember={JWT}",
        "Referer": f"https://{SITE}/confirm/{EMAIL}?token={JWT}",
        "Origin": f"https://{HEX}.{SITE}",
        "Authorization": f"Bearer {JWT}",
        "Proxy-Authorization": "Basic " + b64encode(f"{EMAIL}:{HEX}".encode()).decode(),
        "Accept-Language": f"de-x-{HEX[:8]},en;q=0.5",
        "Accept": f"text/html;boundary={UUID}",
        "If-None-Match": f'"{HEX}"',
        "Sec-CH-UA": f'"{USER_AGENT}";v="142"',
        "Sec-CH-UA-Full-Version-List": '"Google Chrome";v="Chrome/142.0.7391.65"',
        "Sec-CH-UA-Model": f'"{UUID}"',
        "X-Request-ID": UUID,
        "X-User": EMAIL,
        "X-Api-Key": HEX,
        "Traceparent": f"00-{HEX}-{HEX[:16]}-01",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def _written(mark: str) -> tuple[str, str, str]:
    once = quote(mark, safe="")
    return mark, once, quote(once, safe="")


def marked_events() -> Iterator[dict[str, object]]:
    """Yield well-formed events that hold each canary in every field: plain, and encoded twice."""
    for mark in MARKS:
        user = quote(mark, safe="")
        for text in _written(mark):
            yield _event(
                "pageview",
                f"https://{user}:{user}@{SITE}/confirm/{text}/done",
                r=f"https://{user}@www.canary-post.example/inbox/{text}?q={text}#{text}",
                s=text,
                d=SITE,
                ip=mark,
                user_id=mark,
            )
            yield _event(
                "pageview",
                f"https://{SITE}/?token={text}&utm_source={text}&utm_medium=mail {text}"
                f"&utm_campaign=spring-{text}&gclid={text}#{text}",
            )
            yield _event("engagement", f"https://{SITE}/confirm/{text}/done?{text}", e=9000, sd=70)
            name = f"Sign-up {text}"
            yield _event(
                name if len(name) <= _NAME_MAX_CHARACTERS else "Sign-up",
                f"https://{SITE}/a-{text};sid={text}?ref={text}",
                p={"who": text, text: "yes", "note": f"write to {text}: soon"},
                i=True,
                **{"$": {"currency": "EUR", "amount": 12.5}},
            )
    for label in LABELS:
        host = f"{label}.{SITE}"
        referrer = f"https://{label}.canary-post.example/"
        yield _event("pageview", f"https://{host}/", d=SITE, r=referrer)


def _event(name: str, url: str, **more: object) -> dict[str, object]:
    return {"n": name, "u": url, **more}


def _malformed() -> Iterator[bytes]:
    """Yield bodies that are no events, each with every canary."""
    page = f"https://{SITE}/"
    for mark in MARKS:
        for wrong in (
            {"n": [mark], "u": page},
            {"n": mark * 20, "u": page},
            {"n": "pageview", "u": {mark: mark}},
            {"n": "pageview", "u": mark},
            {"n": "pageview", "u": f"ftp://{mark}/"},
            {"n": "pageview", "u": page, "d": [mark]},
            {"n": "pageview", "u": page, "r": {mark: mark}},
            {"n": "pageview", "u": page, "p": [mark]},
            {"n": "pageview", "u": page, "p": {mark: [mark]}},
            {"n": "pageview", "u": page, "s": [mark]},
            {"n": "pageview", "u": page, "i": mark},
            {"n": "pageview", "u": page, "e": mark},
            {"n": "pageview", "u": page, "sd": mark},
            {"n": "pageview", "u": page, "$": mark},
            {"n": "pageview", "u": page, "$": {"currency": mark, "amount": 1}},
            {"n": "pageview", "u": page, "$": {"currency": "EUR", "amount": mark}},
            {mark: mark},
            [mark],
        ):
            yield json.dumps(wrong).encode()
        yield f'{{"n": "{mark}", "u": '.encode()
        yield f'{{"n": "\xff{mark}"}}'.encode("latin-1")


def raw(server: Server, sent: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.port), REQUEST_TIMEOUT_S) as connection:
        connection.sendall(sent)
        received = b""
        while more := connection.recv(65_536):
            received += more
    return received


def head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Return a request's head, its last empty line included."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class Roads:
    """Every road, one method each; `statuses` are those seen, by road."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.statuses: defaultdict[str, set[int]] = defaultdict(set)

    def _ask(
        self,
        road: str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, str]:
        answer = self._server.ask(method, path, body, headers or marked_headers())
        self.statuses[road].add(answer.status)
        return answer.headers

    def _post(self, road: str, visitor: Visitor, event: Mapping[str, object] | bytes) -> int:
        status = visitor.post(event).status
        self.statuses[road].add(status)
        return status

    def _raw(self, road: str, sent: bytes) -> None:
        self.statuses[road].add(int(raw(self._server, sent).split(b" ", 2)[1]))

    def counted(self, road: str = "counted") -> None:
        """Post events that count, from both kinds of address."""
        addresses = (ADDRESS, ADDRESS6, f"10.0.0.9, {ADDRESS}", f'"[{ADDRESS6}]:443"')
        events = list(marked_events())
        for first, address in enumerate(addresses):
            with self._server.visitor(marked_headers(address)) as visitor:
                for event in events[first :: len(addresses)]:
                    self._post(road, visitor, event)

    def unavailable(self, road: str) -> int:
        """Post an event that perhaps nobody can write down."""
        with self._server.visitor(marked_headers()) as visitor:
            return self._post(road, visitor, next(marked_events()))

    def dropped(self) -> None:
        """Post events that do not count, for each reason but floods."""
        some = next(marked_events())
        for event in ({**some, "d": EMAIL}, {**some, "d": f"{UUID}.example"}):
            with self._server.visitor(marked_headers()) as visitor:
                self._post("dropped", visitor, event)
        elsewhere = f"{HEX}.canary-post.example"
        spam = {**some, "r": f"https://{HEX}.semalt.com/{EMAIL}"}
        for headers, event in (
            (marked_headers(Host=elsewhere), some),
            (marked_headers(X_Forwarded_Host=elsewhere), some),
            (marked_headers(User_Agent=BOT), some),
            (marked_headers(User_Agent=f"curl/8.5.0 {EMAIL}"), some),
            (marked_headers(), spam),
            (marked_headers(), {**some, "u": f"https://{SITE}/own/{quote(EMAIL)}"}),
            (marked_headers("192.0.2.99"), some),
        ):
            with self._server.visitor(headers) as visitor:
                self._post("dropped", visitor, event)

    def flooding(self) -> None:
        """Post more than one network may in a minute, or in the end of one and the next."""
        with self._server.visitor(marked_headers()) as visitor:
            for _ in range(2 * FLOOD_LIMIT + 2):
                self._post("flooding", visitor, next(marked_events()))

    def answers(self) -> dict[str, bytes]:
        """Post an event in each manner; return all that comes back but the date."""
        body = json.dumps(next(marked_events())).encode()
        headers = marked_headers(Content_Length=str(len(body)), Connection="close")
        manners: dict[str, Mapping[str, str]] = {"counted": {}, "dropped": {"User-Agent": BOT}}
        manners |= {str(objection): objection for objection in OBJECTIONS}
        found = {
            name: raw(self._server, head("POST", "/api/event", {**headers, **more}) + body)
            for name, more in manners.items()
        }
        return {name: _DATE.sub(b"", answer) for name, answer in found.items()}

    def objecting(self) -> None:
        """Object, with events good and bad."""
        bodies = [json.dumps(next(marked_events())).encode(), EMAIL.encode(), b"x" * _BODY_BYTES]
        for objection in OBJECTIONS:
            with self._server.visitor({**marked_headers(), **objection}) as visitor:
                for body in bodies:
                    self._post("objecting", visitor, body)

    def refused(self) -> None:
        """Send what is no event, no route or no HTTP."""
        with self._server.visitor(marked_headers()) as visitor:
            for body in _malformed():
                self._post("malformed", visitor, body)
        marks = " ".join(MARKS)
        large = marks.encode() * (_BODY_BYTES // len(marks) + 1)
        self._ask("too large", "POST", "/api/event", large)
        for method in ("GET", "PUT", "DELETE"):
            self._ask("wrong method", method, f"/api/event?u={HEX}&n={quote(EMAIL)}")
        self._ask("wrong method", "DELETE", f"/opt-out?{UUID}")
        for mark in MARKS:
            self._ask("nowhere", "GET", f"/nowhere/{quote(mark)}?{quote(mark)}")
        endless = head("GET", f"/{EMAIL}", {"X-Long": HEX * (_HEAD_BYTES // 16)})[:-4]
        self._raw("head too large", endless)
        self._raw("no HTTP", f"{EMAIL} /{UUID} HTTP/9.{ADDRESS}\r\n{JWT}\r\n\r\n".encode())
        self._raw("no HTTP", head("GET", "/", {f"{EMAIL} {HEX}": JWT}))
        self._abandoned()

    def _abandoned(self) -> None:
        """Begin an event, and go away in the middle of it."""
        headers = marked_headers(Content_Length="5000")
        with socket.create_connection(("127.0.0.1", self._server.port)) as connection:
            connection.sendall(head("POST", "/api/event", headers) + EMAIL.encode())

    def visitors_pages(self) -> None:
        """Ask for the pages, files and forms for visitors."""
        road = "visitors' pages"
        query = f"set={quote(EMAIL)}&token={JWT}&{HEX}"
        for path in (
            "/opt-out",
            "/your-visit",
            "/privacy",
            "/for-sites",
            "/visitors.css",
            "/beacon.js",
            "/healthz",
        ):
            self._ask(road, "GET", f"{path}?{query}")
        for objection in OBJECTIONS:
            self._ask(road, "GET", f"/opt-out?{query}", headers=marked_headers() | dict(objection))
        for path in ("/opt-out", "/opt-in", "/erase"):
            self._ask(road, "POST", f"{path}?{query}", query.encode())
        headers = marked_headers(Sec_Fetch_Site="cross-site")
        for path in ("/opt-in", "/erase"):
            self._ask(road, "POST", f"{path}?{query}", query.encode(), headers)
        for host in (f"{HEX}.canary-post.example", ADDRESS, f"[{ADDRESS6}]"):
            self._ask(road, "GET", f"/opt-out?{query}", headers=marked_headers(Host=host))

    def editors_pages(self) -> None:
        """Use the dashboard from outside and from inside, and try far too many wrong passwords."""
        road = "dashboard"
        form = {
            "Content_Type": "application/x-www-form-urlencoded",
            "Origin": f"https://{SITE}",
            "X_Forwarded_Proto": "https",
        }
        headers = marked_headers(**form)
        right = f"email={NAME}&password={PASSWORD}&next=/sites/{HEX}".encode()
        given = self._ask(road, "POST", "/login", right, headers)["set-cookie"].partition(";")[0]
        inside = marked_headers(Cookie=f"{given}; session={UUID}", Authorization="", **form)
        for path in ("/", f"/sites/{SITE}?{HEX}", f"/login?next=/{JWT}"):
            self._ask(road, "GET", path, headers=inside)
        for mark in map(quote, (EMAIL, ADDRESS6)):
            self._ask(road, "GET", f"/sites/{SITE}?period={mark}&metric={mark}", headers=inside)
            self._ask(road, "GET", f"/sites/{SITE}?period=custom&from={mark}", headers=inside)
            self._ask(road, "GET", f"/sites/{mark}", headers=inside)
            self._ask(road, "GET", f"/sites/{mark}?{mark}")
            self._ask(road, "GET", f"/login?next=/{mark}")
            self._ask(road, "GET", f"/assets/{mark}")
        self._ask(road, "POST", "/logout", headers=inside)
        self._ask(road, "POST", "/logout", headers=headers)
        self._ask(road, "POST", "/login", EMAIL.encode(), marked_headers())  # from another site
        self._ask(road, "POST", "/login", f"password={HEX * _FORM_BYTES}".encode(), headers)
        for mark in islice(cycle(map(quote, MARKS)), _MOST_LOGINS):
            wrong = f"email={quote(EMAIL)}&password={mark}&next=/{HEX}".encode()
            self._ask("wrong passwords", "POST", "/login", wrong, headers)
            if 429 in self.statuses["wrong passwords"]:
                break

    def page(self, path: str) -> None:
        """Ask for some other page."""
        self._ask(path, "GET", f"{path}?token={JWT}&{quote(EMAIL)}&{HEX}")

    def api(self) -> None:
        """Send queries good and bad."""
        headers = marked_headers(Authorization=f"Bearer {self._server.key}")
        good = {"site_id": SITE, "metrics": ["pageviews"], "date_range": "day"}
        queries: list[object] = [good]
        for mark in (EMAIL, ADDRESS6):
            queries += [
                {**good, "site_id": mark},
                {**good, "metrics": [mark]},
                {**good, "date_range": mark},
                {**good, "date_range": [mark, mark]},
                {**good, "dimensions": [mark]},
                {**good, "order_by": [[mark, "asc"]]},
                {**good, "filters": [["is", mark, [mark]]]},
                {**good, "include": {mark: True}},
                {**good, "pagination": {"limit": mark}},
                {mark: mark},
                mark,
            ]
        for query in queries:
            self._ask("API", "POST", f"/api/v2/query?{HEX}", json.dumps(query).encode(), headers)
        self._ask("API", "POST", "/api/v2/query", f"{{{EMAIL}".encode(), headers)
        self._ask("API", "POST", "/api/v2/query", HEX.encode() * (_QUERY_BYTES // 16), headers)
        self._ask("API", "POST", "/api/v2/query", json.dumps(good).encode())  # with a wrong key
