"""A body has 8 KiB at most, however it arrives."""

import json
from collections.abc import AsyncIterator

import pytest

from collector.request import MAX_BODY_BYTES
from tests.application import Whole, pageview
from tests.ingest.posting import counted

EVENT = json.dumps(pageview("/size")).encode()


def padded(size_bytes: int) -> bytes:
    """Return an event of some size: blanks between values are nothing to JSON."""
    return EVENT[:-1] + b" " * (size_bytes - len(EVENT)) + EVENT[-1:]


async def in_pieces(body: bytes, piece_bytes: int) -> AsyncIterator[bytes]:
    """Yield a body bit by bit."""
    for start in range(0, len(body), piece_bytes):
        yield body[start : start + piece_bytes]


def test_the_limit_is_the_documented_one() -> None:
    """8 KiB."""
    assert MAX_BODY_BYTES == 8192


@pytest.mark.parametrize("size_bytes", [len(EVENT), 8191, 8192])
@pytest.mark.parametrize("piece_bytes", [100, 4096, 8192, 10_000])
def test_a_body_within_the_limit_is_read(
    standing: Whole, size_bytes: int, piece_bytes: int
) -> None:
    """Whole or in pieces."""
    assert counted(standing, padded(size_bytes)).path == "/size"
    pieces = in_pieces(padded(size_bytes), piece_bytes)
    assert standing.ask("POST", "/api/event", content=pieces).status_code == 202
    assert standing.events()[-1].path == "/size"


@pytest.mark.parametrize("size_bytes", [8193, 10_000, 100_000])
@pytest.mark.parametrize("piece_bytes", [100, 8192, 100_000])
def test_a_body_beyond_the_limit_is_refused(
    standing: Whole, size_bytes: int, piece_bytes: int
) -> None:
    """413 and the end of the connection, whatever the body says."""
    before = standing.records()
    pieces = in_pieces(padded(size_bytes), piece_bytes)
    answer = standing.ask("POST", "/api/event", content=pieces)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert answer.content == b""
    assert standing.records() == before


def test_a_body_beyond_the_limit_is_not_read_to_its_end(standing: Whole) -> None:
    """Neither is an objector's, who is answered as ever."""
    for headers, status in (({}, 413), ({"DNT": "1"}, 202)):
        taken: list[int] = []

        async def endless(taken: list[int] = taken) -> AsyncIterator[bytes]:
            while len(taken) < 1000:
                taken.append(1024)
                yield b" " * 1024

        answer = standing.ask("POST", "/api/event", content=endless(), headers=headers)
        assert answer.status_code == status
        assert sum(taken) <= 2 * MAX_BODY_BYTES
