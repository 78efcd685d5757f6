"""Debian's Chromium: how it is started, and how to use it with nothing attached to its pages."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Self
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.serving import USER_AGENT

EXECUTABLE = Path("/usr/bin/chromium")

FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Playwright switches the back-forward cache off.
UNWANTED_DEFAULTS = ["--disable-back-forward-cache"]

# Of every wait in tests with a browser: for a machine many times slower than any that is in use.
DEADLINE_S = 120.0


expect.set_options(timeout=DEADLINE_S * 1000)


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Start Chromium under Playwright, with the back-forward cache on."""
    assert EXECUTABLE.exists(), f"{EXECUTABLE} is missing: apt-get install chromium"
    browser = playwright.chromium.launch(
        executable_path=EXECUTABLE, args=[*FLAGS, *flags], ignore_default_args=UNWANTED_DEFAULTS
    )
    browser.on("context", _be_patient)
    return browser


def launch_with(playwright: Playwright, profile: Path, *flags: str) -> BrowserContext:
    """Start Chromium with a profile from disk."""
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=EXECUTABLE,
        args=[*FLAGS, *flags],
        ignore_default_args=UNWANTED_DEFAULTS,
        user_agent=USER_AGENT,
    )
    _be_patient(context)
    return context


def _be_patient(context: BrowserContext) -> None:
    context.set_default_timeout(DEADLINE_S * 1000)


class PlainChromium:
    """A Chromium with tabs in one window and nothing attached to them.

    Playwright makes every page believe that it is in front, and forbids prerendering. This one is
    steered by the four HTTP end points of its debugging port instead, which open, show and close
    tabs and do no more.

    Source: https://chromedevtools.github.io/devtools-protocol/ (HTTP endpoints).
    """

    def __init__(self, profile: Path, *flags: str) -> None:
        self._process = subprocess.Popen(
            [
                EXECUTABLE,
                "--headless",
                *FLAGS,
                *flags,
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._port = self._await_port(profile / "DevToolsActivePort")

    def __enter__(self) -> Self:
        """Nothing more to do: the browser is up."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the browser, and make sure of it."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def open(self, url: str) -> str:
        """Open a tab in front of the others and return its id."""
        return str(json.loads(self._call(f"new?{url}", "PUT"))["id"])

    def show(self, tab: str) -> None:
        """Bring a tab to the front; the one that was there is hidden."""
        self._call(f"activate/{tab}")

    def close(self, tab: str) -> None:
        """Close a tab."""
        self._call(f"close/{tab}")

    def _call(self, command: str, method: str = "GET") -> str:
        request = Request(f"http://127.0.0.1:{self._port}/json/{command}", method=method)
        with urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310
            return str(answer.read().decode())

    def _await_port(self, file: Path) -> int:
        give_up_at = time.monotonic() + DEADLINE_S
        while not (file.exists() and file.read_text().count("\n")):
            assert self._process.poll() is None, "Chromium ended at once"
            assert time.monotonic() < give_up_at, "Chromium opened no debugging port"
            time.sleep(0.02)
        return int(file.read_text().split()[0])


def go_back(page: Page) -> bool:
    """Go back, wait until the page is shown, and tell whether it is the one that was left.

    Else Chromium has loaded it again. Either way the site's script says so in `data-shown`.
    """
    page.go_back(wait_until="commit")  # a page that was kept has no load event
    root = page.locator("html")
    expect(root).to_have_attribute("data-shown", re.compile("again|anew"))
    return root.get_attribute("data-shown") == "again"
