"""What the dashboard's pages use that others wrote."""

import base64
import hashlib
import json
from pathlib import Path

from tests.dashboard.reading import Markup, site_page
from tests.editors import Newsroom

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "dashboard" / "vendor"
_SHA512_BYTES = 64


def test_vendored_files_are_what_their_authors_published() -> None:
    """By hashes that were noted when they came out of a package whose integrity is locked."""
    noted = json.loads((ROOT / "js" / "vendor.json").read_bytes())
    name, _, version = noted["package"].partition(" ")
    package = json.loads((ROOT / "js" / "package.json").read_bytes())
    lock = json.loads((ROOT / "js" / "package-lock.json").read_bytes())
    locked = lock["packages"][f"node_modules/{name}"]
    assert package["devDependencies"][name] == version == locked["version"]
    assert noted["integrity"] == locked["integrity"]
    algorithm, _, digest = noted["integrity"].partition("-")
    assert (algorithm, len(base64.b64decode(digest))) == ("sha512", _SHA512_BYTES)
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in VENDOR.iterdir()}
    assert found == noted["sha256"]
    assert f'version="{version}"' in (VENDOR / "htmx.min.js").read_text()
    assert f"htmx](https://htmx.org) {version}" in (ROOT / "README.md").read_text()
    assert "Zero-Clause BSD" in (VENDOR / "htmx.LICENSE.txt").read_text()


def test_htmx_puts_no_style_into_a_page(busy: Newsroom) -> None:
    """It is told so where it looks first; the policy has no room for one."""
    tags = Markup(site_page(busy)).tags
    (told,) = (a["content"] for tag, a in tags if tag == "meta" and a.get("name") == "htmx-config")
    assert json.loads(str(told))["includeIndicatorCSS"] is False
