"""What must stand in no file of ours."""

import re
import subprocess

import pytest

from tests.sourcecode import PACKAGES, ROOT, SOURCES, SQL, texts_in

# Versions 1.4 and 1.5 of DuckDB lose index entries at a checkpoint after replaying a WAL.
_INDEXED = re.compile(
    r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\b|\bPRIMARY\s+KEY\b|\bUNIQUE\b|\bFOREIGN\s+KEY\b"
    r"|\bREFERENCES\b|\bON\s+CONFLICT\b|\bINSERT\s+OR\s+(?:REPLACE|IGNORE)\b|\bMERGE\s+INTO\b",
    re.IGNORECASE,
)


def statements() -> dict[str, str]:
    """Return what DuckDB is given: the text of each file by its path below sql/."""
    files = {str(path.relative_to(SQL)): path.read_text("utf-8") for path in SQL.rglob("*.sql")}
    return {name: text for name, text in files.items() if not name.startswith("control/")}


def indexed(text: str) -> list[str]:
    """Return what of a statement needs an index, comments aside."""
    return _INDEXED.findall(re.sub(r"--[^\n]*", "", text))


def test_duckdb_keeps_no_index() -> None:
    """No index, key, unique constraint or upsert, in files and in what Python composes."""
    found = {name: indexed(text) for name, text in statements().items()}
    for module, text in SOURCES.items():
        strings = [s for s in texts_in(text) if re.search(r"\b(?:CREATE|INSERT|ALTER) ", s)]
        found[module] = [hit for string in strings for hit in indexed(string)]
    assert {name: hits for name, hits in found.items() if hits} == {}
    assert len(found) > 60  # it has read something


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE INDEX i ON live.events (site);",
        "create unique index i on t (a)",
        "CREATE TABLE t (a INTEGER PRIMARY KEY)",
        "CREATE TABLE t (a INTEGER UNIQUE)",
        "INSERT OR REPLACE INTO t VALUES (1)",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
    ],
)
def test_an_index_is_caught(planted: str) -> None:
    """In any spelling; but not when only a comment speaks of it."""
    assert indexed(planted)
    assert not indexed(f"-- {planted}\nSELECT 1;")


def tracked_files() -> dict[str, str]:
    """Return the text of what the repository holds or is about to, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    texts = {}
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            texts[name] = content.decode("utf-8")
    return texts


# Where an installation gets its packages from is its own affair. Spelt so that it finds none here.
_REGISTRIES = re.compile(
    r"pypi[.]org|python[h]osted[.]org|registry[.](?:npm[j]s|yarn[p]kg)|deb[.]debian|npm[m]irror"
)


def test_no_file_names_a_package_registry() -> None:
    """Lock files pin hashes, not hosts; a host is caught."""
    files = tracked_files()
    assert {"deploy/requirements.txt", "js/package-lock.json", "tests/test_forbidden.py"} <= {
        *files
    }
    assert [name for name, text in files.items() if _REGISTRIES.search(text)] == []
    assert _REGISTRIES.search(f"--index-url https://{'pypi'}.org/simple")


_INLINE = re.compile(
    r"<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|javascript:|hx-on|srcdoc"
    r"|\shx-[\w:-]+=[\"'][^\"']*(?:\bjs:|\[)",  # what htmx would evaluate
    re.IGNORECASE,
)
_EVALUATED = re.compile(
    r"\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(|\bset(?:Timeout|Interval)\s*\(\s*[\"'`]"
    r"|document\.write|insertAdjacentHTML|\b(?:inner|outer)HTML\s*[+]?="
)


def test_templates_and_scripts_suit_a_strict_policy() -> None:
    """Nothing inline in a page, nothing that turns text into code in a script."""
    pages = [p for package in PACKAGES for p in (ROOT / package / "templates").rglob("*.html")]
    scripts = [p for package in PACKAGES for p in (ROOT / package / "static").rglob("*.js")]
    assert len(pages) > 8
    assert len(scripts) == 7
    found = {path.name: _INLINE.findall(path.read_text("utf-8")) for path in pages}
    found |= {
        p.name: _EVALUATED.findall(p.read_text("utf-8")) for p in (*scripts, ROOT / "js/beacon.js")
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color:red">',
        "<style>p{}</style>",
        "<script>go()</script>",
        '<a onclick="go()">',
        '<a href="javascript:go()">',
        '<a hx-vals="js:go()">',
        '<a hx-trigger="click[go()]">',
        '<a hx-on:click="go()">',
    ],
)
def test_what_a_strict_policy_would_block_is_caught(planted: str) -> None:
    """A script by its address is no such thing."""
    assert _INLINE.search(planted)
    assert not _INLINE.search('<script type="module" src="dashboard.js"></script>')


@pytest.mark.parametrize(
    "planted", ["eval(text)", "new Function(text)", "setTimeout('go()', 1)", "x.innerHTML = y"]
)
def test_text_that_becomes_code_is_caught(planted: str) -> None:
    """A function that is put off is no such thing."""
    assert _EVALUATED.search(planted)
    assert not _EVALUATED.search("setTimeout(go, 1)")
