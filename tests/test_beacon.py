"""The shipped beacon is built from its source, small, and touches only listed browser APIs."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "js" / "beacon.js"
BUILT = ROOT / "collector" / "static" / "beacon.js"
MANIFEST = ROOT / "js" / "build.json"

MAX_GZIP_BYTES = 760  # gzip -9 of the whole script, by the project's own limit

LANGUAGE = ["catch", "const", "if", "let", "new", "return", "try", "void"]
# Every browser API that the script may touch, and where it stands in it (promise P14).
APIS = [
    *["addEventListener", "window"],
    *["document", "currentScript", "src", "dataset", "domain"],
    *["hidden", "hasFocus", "prerendering", "referrer", "documentElement", "scrollHeight"],
    *["cookie"],  # read only, see below
    *["location", "pathname", "history", "pushState", "replaceState", "apply"],
    *["navigator", "globalPrivacyControl", "doNotTrack", "sendBeacon"],
    *["performance", "now", "innerWidth", "innerHeight", "scrollY"],
    *["JSON", "stringify", "Math", "max", "min", "URL", "persisted"],
    *["exec", "test", "map", "push", "splice"],
]
EVENTS = [
    *["prerenderingchange", "visibilitychange", "pageshow", "popstate", "focus", "blur", "scroll"],
]
OWN_WORDS = [
    *["gatecount", "on", "optout", "__Host", "yes", "api", "event", "pageview", "engagement"],
    *["xs", "sm", "md", "lg", "sd"],
]
KNOWN_WORDS = {*LANGUAGE, *APIS, *EVENTS, *OWN_WORDS}

PLANTED = {
    "storage": 'localStorage.setItem("v",1)',
    "storage by a computed name": 'window["local"+"Storage"]',
    "storage by an escaped name": r'window["\x6cocalStorage"]',
    "database": 'indexedDB.open("v")',
    "cookie writing": 'document.cookie="v=1"',
    "more cookie writing": 'document.cookie+="v=1"',
    "a second cookie reading": "/v/.test(document.cookie)",
    "random numbers": "Math.random()",
    "cryptography": "crypto.randomUUID()",
    "user agent": "navigator.userAgent",
    "client hints": "navigator.userAgentData.getHighEntropyValues([])",
    "languages": "navigator.languages",
    "hardware": "navigator.hardwareConcurrency",
    "screen": "screen.width",
    "pixel ratio": "devicePixelRatio",
    "canvas": 'document.createElement("canvas")',
    "time zone": "Intl.DateTimeFormat().resolvedOptions()",
    "wall clock": "Date.now()",
    "code from text": 'Function("return 1")()',
    "another way to send": "fetch(t)",
    "an image to send by": "new Image",
    "console": "console.log(t)",
}


def text_of(path: Path) -> str:
    """Return a file's text, byte for byte: no newline is translated."""
    return path.read_bytes().decode("ascii")


def sha256(text: str) -> str:
    """Return the hexadecimal SHA-256 of an ASCII text."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def stale(manifest: dict[str, object], source: str, built: str) -> list[str]:
    """Return which of the two files are not those that the manifest was written for."""
    hashes = {"source_sha256": sha256(source), "built_sha256": sha256(built)}
    return [name for name, value in hashes.items() if manifest[name] != value]


def breaches(script: str) -> list[str]:
    """Return what in a built script goes beyond the listed APIs; names of one letter are locals."""
    words = re.findall(r"[A-Za-z_$][\w$]+", script)
    found = sorted({word for word in words if word not in KNOWN_WORDS})
    if re.findall(r".{6}document\.cookie.", script) != [".test(document.cookie)"]:
        found.append("document.cookie is not read exactly once, by a pattern's test()")
    return found + [f"{sign!r} can hide a name" for sign in ("\\", "`") if sign in script]


@pytest.fixture(name="built")
def read_built() -> str:
    """Return the shipped script."""
    return text_of(BUILT)


@pytest.fixture(name="manifest")
def read_manifest() -> dict[str, object]:
    """Return what the build noted about itself."""
    manifest = json.loads(MANIFEST.read_bytes())
    assert isinstance(manifest, dict)
    return manifest


def test_the_shipped_beacon_is_built_from_its_source(
    manifest: dict[str, object], built: str
) -> None:
    """When this fails, run `npm ci && ./build` in js/."""
    assert stale(manifest, text_of(SOURCE), built) == []


def test_a_changed_source_or_built_file_is_noticed(manifest: dict[str, object], built: str) -> None:
    """One more byte in either file makes the build stale."""
    source = text_of(SOURCE)
    assert stale(manifest, source + "\n", built) == ["source_sha256"]
    assert stale(manifest, source, built + ";") == ["built_sha256"]


def test_the_beacon_fits_into_760_bytes_of_gzip(manifest: dict[str, object], built: str) -> None:
    """The size that counts is that of zlib's level 9 with gzip's bare header."""
    assert len(gzip.compress(built.encode("ascii"), 9, mtime=0)) <= MAX_GZIP_BYTES
    noted_bytes = manifest["gzip_bytes"]
    assert isinstance(noted_bytes, int)
    assert noted_bytes <= MAX_GZIP_BYTES


def test_the_beacon_touches_only_listed_browser_apis(built: str) -> None:
    """Promise P14, and the script's half of P13: no storage and no cookie of its own."""
    assert breaches(built) == []


def test_every_listed_word_is_used(built: str) -> None:
    """A word that the script no longer needs leaves the list, so that the list stays tight."""
    assert sorted(KNOWN_WORDS - set(re.findall(r"[\w$]+", built))) == []


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_breach_is_found(planted: str, built: str) -> None:
    """The check above can fail."""
    assert breaches(f"{built};{planted}") != []


def test_the_beacon_names_no_host_and_no_source_map(built: str) -> None:
    """It talks only to where it came from."""
    assert "//" not in built


def test_the_minifier_is_pinned_and_its_lock_names_no_address(manifest: dict[str, object]) -> None:
    """The build is repeatable, from whatever registry the builder uses."""
    package = json.loads((ROOT / "js" / "package.json").read_bytes())
    lock = text_of(ROOT / "js" / "package-lock.json")
    assert manifest["minifier"] == f"terser {package['devDependencies']['terser']}"
    assert '"resolved"' not in lock
    assert "://" not in lock
