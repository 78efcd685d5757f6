"""The pictures of the README, from the demonstration: run again when the dashboard changes.

    PYTHONPATH=. .venv/bin/python tests/browser/screenshots.py [FOLDER]

It builds a made-up history, notes something about a day, lets some visitors in, and looks at four
weeks of its first site on a desktop and a phone, light and dark.
"""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from collector.control import Control
from collector.settings.notebook import Notebook
from tests.browser.chromium import EXECUTABLE, FLAGS
from tests.serving import ROOT, Installation, Server, installation, pageview, wait_until

_PICTURES = ROOT / "dashboard" / "screenshots"
_SITE = "harbour-courier.example"
_EVENTS, _DAYS = 120_000, 60
_VISITORS = 23  # of the last minutes
_SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(browser: Browser, server: Server, folder: Path) -> None:
    """Take a picture of each size and theme."""
    for size, (width, height) in _SIZES.items():
        for theme in _THEMES:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                device_scale_factor=2 if size == "phone" else 1,
            )
            page.context.add_cookies(
                [{"name": "gatecount-login", "value": server.login, "url": server.url}]
            )
            answer = page.goto(f"{server.url}sites/{_SITE}?period=28d")
            assert answer is not None
            assert answer.ok, answer.status_text
            page.screenshot(path=folder / f"{size}-{theme}.png")
            page.close()


def _let_in(server: Server) -> None:
    """Count some visitors of this moment, which four weeks until yesterday know nothing of."""
    for number in range(_VISITORS):
        headers = {"Host": _SITE, "X-Forwarded-For": f"192.0.2.{number}"}
        assert server.post(pageview("/", _SITE), headers).status == 202
    where = f"/api/v1/stats/realtime/visitors?site_id={_SITE}"
    headers = {"Authorization": f"Bearer {server.key}"}
    wait_until(
        lambda: server.ask("GET", where, headers=headers).json() == _VISITORS, "that they count"
    )


def _build(here: Installation) -> None:
    built = here.launch(
        program=(
            *(sys.executable, "-m", "collector", "--data", str(here.data), "demo"),
            *("--events", str(_EVENTS), "--days", str(_DAYS)),
        )
    )
    assert built.process.wait() == 0, built.said()
    control = Control.open(here.data / "control.sqlite")
    site = control.site(_SITE)
    assert site is not None
    relaunch = datetime.now(UTC).date() - timedelta(days=9)
    Notebook(control).annotate(site.id, relaunch, "Relaunch of the front page")
    control.close()


def main() -> None:
    """Build the history and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, installation(Path(scratch)) as here:
        _build(here)
        with here.serving() as server, sync_playwright() as playwright:
            _let_in(server)
            browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
            take(browser, server, folder)
            browser.close()


if __name__ == "__main__":
    main()
