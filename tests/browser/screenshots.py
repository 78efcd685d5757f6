"""The pictures of the README, from the demonstration: run again when the dashboard changes.

    PYTHONPATH=. .venv/bin/python tests/browser/screenshots.py [FOLDER]

It starts `gatecount demo` and looks at its first site on a desktop and a phone, light and dark.
"""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import EXECUTABLE, FLAGS
from tests.serving import ACCESS_KEY, ROOT, Server, installation, wait_until

_PICTURES = ROOT / "dashboard" / "screenshots"
_SITE = "harbour-courier.example"
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
            page.goto(f"{server.url}login")
            page.fill("input[name=key]", ACCESS_KEY)
            page.click("form button")
            page.goto(f"{server.url}sites/{_SITE}")
            page.screenshot(path=folder / f"{size}-{theme}.png")
            page.close()


def main() -> None:
    """Start the demonstration and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        installation(Path(scratch)) as here,
        here.serving(command="demo") as server,
        sync_playwright() as playwright,
    ):
        wait_until(lambda: server.pageviews(_SITE) > 0, "traffic")
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        take(browser, server, folder)
        browser.close()


if __name__ == "__main__":
    main()
