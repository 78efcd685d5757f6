"""No byte of a day key is in the data directory, in the output, or in a temporary file."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.keys import KEY_BYTES
from tests.privacy.canaries import Canary, Needle, needles
from tests.privacy.conftest import Watched
from tests.privacy.places import files, leaks, rows


def _sought(key: bytes) -> list[Needle]:
    """Return the forms of a key, and of its parts: half a key makes the other half a search."""
    parts = {f"from byte {start}": key[start : start + 8] for start in range(0, KEY_BYTES, 8)}
    return list(needles(Canary("day key", {}, {"whole": key, **parts})))


def test_a_day_key_is_nowhere_but_in_its_directory(watched: Watched) -> None:
    """Whole or in part, as bytes, in hex, in base64 or as a number."""
    assert watched.day_keys
    for key in watched.day_keys:
        assert len(key) == KEY_BYTES
        assert leaks((*files(watched.here.folder), *rows(watched.here.folder)), _sought(key)) == []
        in_its_place = leaks(files(watched.here.key_dir), _sought(key))
        assert {leak.form for leak in in_its_place} >= {"whole as it is", "from byte 24 as it is"}


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (bytes, "whole as it is"),
        (lambda key: key[::-1], "whole as it is, little end first"),
        (lambda key: key.hex().upper().encode(), "whole in hex"),
        (base64.b64encode, "whole base64 at offset 0"),
        (lambda key: base64.b64encode(b"k=" + key), "whole base64 at offset 2"),
        (lambda key: key[8:16], "from byte 8 as it is"),
        (lambda key: str(int.from_bytes(key, "big")).encode(), "whole as a number"),
    ],
)
def test_a_day_key_on_disk_would_be_found(
    ram: Path, written: Callable[[bytes], bytes], form: str
) -> None:
    """In each form that a program might write it in."""
    key = secrets.token_bytes(KEY_BYTES)
    (ram / "live.duckdb.tmp").write_bytes(b"key: " + written(key) + b"\n")
    found = leaks(files(ram), _sought(key))
    assert ("day key", form, "live.duckdb.tmp") in found
    assert leaks(files(ram), _sought(secrets.token_bytes(KEY_BYTES))) == []
