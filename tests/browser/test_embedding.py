"""A browser shows what is shared within pages of named origins, and within no others."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import uvicorn
from playwright.sync_api import Page
from starlette.applications import Starlette

from collector.settings.shares import Shares
from dashboard.app import routes
from tests.browser.conftest import Notes
from tests.dashboard.reading import DAY
from tests.editors import newsroom, pageview
from tests.serving import wait_until

REFUSED = "chrome-error://chromewebdata/"


@contextlib.contextmanager
def dashboard(app: Starlette) -> Iterator[str]:
    """Serve a dashboard on a free port, and return its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    running = threading.Thread(target=server.run)
    running.start()
    try:
        wait_until(lambda: server.started, "the dashboard")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        running.join()


@contextlib.contextmanager
def site_around(*frames: str) -> Iterator[int]:
    """Serve a page with frames in it on a free port of 127.0.0.1, which is localhost as well."""
    page = "<!doctype html>" + "".join(f'<iframe src="{each}"></iframe>' for each in frames)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = threading.Thread(target=server.serve_forever)
    running.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        running.join()
        server.server_close()


def test_named_origins_alone_can_embed(ram: Path, page: Page, notes: Notes) -> None:
    """The public page works there, without a cookie; nothing else can be embedded anywhere."""
    with newsroom(ram) as room:
        site, shares = room.site(), Shares(room.control)
        room.count(*(pageview(site, n, DAY, "/news") for n in range(12)))
        shares.publish(site.id, is_public=True)
        with (
            dashboard(Starlette(routes=routes(room.all_parts()))) as here,
            site_around(f"{here}/public/example.com", f"{here}/login") as port,
        ):
            shares.let_frame(site.id, [f"http://127.0.0.1:{port}"])
            page.goto(f"http://127.0.0.1:{port}/")
            public, login = page.frames[1:]
            login.wait_for_url(REFUSED)
            assert public.locator("#page .name").inner_text() == "/news"
            assert (
                public.locator(".colophon form, .wordmark a").count() == 0
            )  # a frame keeps no choice
            assert public.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            public.get_by_text("12 months").click()
            public.get_by_role("heading", name="Visitors per month").wait_for()
            assert public.url.endswith("/public/example.com?period=12mo")
            assert page.context.cookies() == []
            assert notes.errors == []
            page.goto(f"http://localhost:{port}/")
            for frame in page.frames[1:]:
                frame.wait_for_url(REFUSED)
