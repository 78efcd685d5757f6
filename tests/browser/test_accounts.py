"""Setting up, inviting, passkeys, codes and revoking, in a real browser against a real server."""

import re
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Notes
from tests.serving import SITE, Server, installation

OWNER, GUEST = "owner@example.com", "guest@example.com"
PASSWORD = "lanterns over the harbour"  # noqa: S105 - of an account that only this test has
SMALL = {"width": 320, "height": 640}


@pytest.fixture(name="server", scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with a site, and no account yet."""
    with installation(tmp_path_factory.mktemp("accounts")) as here:
        here.add_site()
        with here.serving() as server:
            yield server
            assert "Traceback" not in server.said()


@pytest.fixture(name="home", scope="module")
def name_home(server: Server) -> str:
    """Return the address of the dashboard, by a name: passkeys are bound to one."""
    return f"http://localhost:{server.port}"


def authenticator(context: BrowserContext, page: Page) -> None:
    """Give a browser an authenticator that says yes by itself.

    Source: https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/
    """
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def log_in(page: Page, home: str, email: str = OWNER) -> None:
    """Send the login form."""
    page.goto(f"{home}/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page) -> None:
    """Log out, and see the form."""
    page.get_by_role("button", name="Log out", exact=True).last.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def fits(page: Page) -> bool:
    """Tell whether a page is no wider than a small phone."""
    before = page.viewport_size
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]  # two numbers
    sticks_out = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.set_viewport_size(before or SMALL)  # type: ignore[arg-type]  # as before
    return int(sticks_out) <= 0


def test_from_the_first_start_to_a_guest_who_has_left(
    browser: Browser, server: Server, home: str
) -> None:
    """Set up, a passkey, codes, an invitation, and its end; nothing is blocked or complained of."""
    notes = Notes()
    context, other = browser.new_context(), browser.new_context()
    page, guest = context.new_page(), other.new_page()
    for each in (page, guest):
        notes.watch(each)
    authenticator(context, page)

    _set_up(page, server, home)
    _use_a_passkey(page, home)
    recovery = _turn_codes_on(page, home)
    _log_in_with_a_code(page, home, recovery)
    _let_a_guest_in_and_out(page, guest, home)
    _end_a_login(page, guest, home, recovery)

    # Chromium writes refusals to the console: of a wrong password, a wrong code, what is gone.
    said = [text for text in notes.console if not re.search("status of 40[034]", text)]
    assert said + notes.errors == []
    assert not [url for url in notes.requests if not url.startswith((home, "data:"))]
    context.close()
    other.close()


def _set_up(page: Page, server: Server, home: str) -> None:
    link = re.search(r"Set up +http://[^/]+(/links/\S+)", server.said())
    assert link
    page.goto(home + link[1])
    page.get_by_label("E-mail address").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    assert fits(page)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name=SITE)).to_be_visible()


def _use_a_passkey(page: Page, home: str) -> None:
    page.goto(f"{home}/account")
    section = page.get_by_role("region", name="Passkeys")
    section.get_by_label("Name").fill("My laptop")
    section.get_by_label("Your password").fill("not my password")
    section.get_by_role("button", name="Add a passkey").click()
    expect(section.get_by_role("alert")).to_have_text("That is not your password.")
    section.get_by_label("Your password").fill(PASSWORD)
    section.get_by_role("button", name="Add a passkey").click()
    expect(section.get_by_text("My laptop")).to_be_visible()
    assert fits(page)
    log_out(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("heading", name=SITE)).to_be_visible()
    page.goto(f"{home}/account")
    expect(page.get_by_text("by passkey, in this browser")).to_be_visible()


def _turn_codes_on(page: Page, home: str) -> list[str]:
    section = page.get_by_role("region", name="Codes of an authenticator")
    section.get_by_label("Your password").fill(PASSWORD)
    section.get_by_role("button", name="Set up codes").click()
    expect(page.locator(".qr svg")).to_be_visible()
    assert fits(page)
    secret = page.locator("input[name=secret]").input_value()
    page.get_by_label("The code it shows now").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn codes on").click()
    expect(page.locator("#recovery code")).to_have_count(10)
    codes = page.locator("#recovery code").all_text_contents()
    assert fits(page)
    page.goto(f"{home}/account")
    return codes


def _log_in_with_a_code(page: Page, home: str, recovery: list[str]) -> None:
    log_out(page)
    log_in(page, home)
    page.get_by_label("Six digits, or a recovery code").fill("000000")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("That is not the code of now.")
    page.get_by_label("Six digits, or a recovery code").fill(recovery.pop())
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name=SITE)).to_be_visible()


def _let_a_guest_in_and_out(page: Page, guest: Page, home: str) -> None:
    people = f"{home}/sites/{SITE}/people"
    page.goto(people)
    page.get_by_label("E-mail address").fill(GUEST)
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#invited").inner_text()
    guest.goto(link)
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("heading", name=SITE)).to_be_visible()
    expect(guest.get_by_role("link", name="Settings")).to_have_count(0)
    page.goto(people)
    assert fits(page)
    page.get_by_role("button", name=f"Remove {GUEST}").click()
    expect(page.get_by_text(GUEST)).to_have_count(0)
    guest.reload()
    expect(guest.get_by_role("heading", name="There is no such site")).to_be_visible()
    page.get_by_role("link", name="Who did what").click()
    expect(page.get_by_text(f"{OWNER} took away the role of {GUEST}")).to_be_visible()
    assert fits(page)


def _end_a_login(page: Page, guest: Page, home: str, recovery: list[str]) -> None:
    guest.context.clear_cookies()
    log_in(guest, home)
    guest.get_by_label("Six digits, or a recovery code").fill(recovery.pop())
    guest.get_by_role("button", name="Log in", exact=True).click()
    expect(guest.get_by_role("heading", name=SITE)).to_be_visible()
    page.goto(f"{home}/account")
    page.get_by_role("button", name="Log out everywhere else").click()
    expect(page.get_by_role("button", name="Log out everywhere else")).to_have_count(0)
    guest.reload()
    expect(guest.get_by_role("heading", name="Log in")).to_be_visible()
