"""What tests of the endpoint ask of an event: was it counted, and if not, why."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

import msgspec

from collector import journal
from collector.journal import Drops, Event, NewKey, Record
from tests.application import Headers, Whole, pageview

SOMEBODY_ELSE = {"X-Forwarded-For": "192.0.2.250"}


class How(TypedDict, total=False):
    """How an event is posted, beside its body and headers."""

    path: str
    peer: str | None
    host: str


def custom(**more: object) -> dict[str, Any]:
    """Return the body of a custom event; `more` are further keys of the wire format."""
    return {"n": "Signup", "u": "https://example.com/", **more}


def counted(
    whole: Whole, event: Mapping[str, object] | bytes, headers: Headers = (), **how: Unpack[How]
) -> Event:
    """Post an event that counts; return it as it was kept."""
    before = _journal(whole)
    answer = whole.post(event, headers, **how)
    assert (answer.status_code, answer.content) == (202, b"")
    (kept,) = [record for record in _since(before, whole) if isinstance(record, Event)]
    return kept


def refused(whole: Whole, event: Mapping[str, object] | bytes) -> str:
    """Post what is no event; return the name of the field at fault."""
    before = _journal(whole)
    answer = whole.post(event)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert set(told) == {"error", "field"}
    assert told["error"]
    assert _journal(whole) == before
    field: str = told["field"]
    return field


def reason(
    whole: Whole, event: Mapping[str, object] | bytes, headers: Headers = (), **how: Unpack[How]
) -> str | None:
    """Post an event; return why it was dropped, None if it was counted."""
    (found,) = reasons(whole, event, headers, **how).elements()
    return found or None


def reasons(
    whole: Whole, event: Mapping[str, object] | bytes, headers: Headers = (), **how: Unpack[How]
) -> Counter[str]:
    """Post an event; return what was counted of it by reason, "" for the event itself."""
    _settle(whole)
    before = _journal(whole)
    answer = whole.post(event, headers, **how)
    assert (answer.status_code, answer.content) == (202, b"")
    assert set(answer.headers) == {"content-length"}
    _settle(whole)
    found = Counter({"": -1})  # less the event that settled it
    for record in _since(before, whole):
        found[record.reason if isinstance(record, Drops) else ""] += getattr(record, "count", 1)
    return +found


def _settle(whole: Whole) -> None:
    """Have drops written: an event that follows them is acknowledged after them."""
    whole.composed.ingest.queue_drops()
    assert whole.post(pageview("/"), SOMEBODY_ELSE).status_code == 202


def _journal(whole: Whole) -> bytes:
    paths = journal.chunks(whole.folder / "data" / "journal")
    return b"".join(path.read_bytes() for path in paths)


def _since(before: bytes, whole: Whole) -> list[Event | Drops]:
    """Return the events and drops that were journalled since; day keys aside."""
    after = _journal(whole)
    assert after.startswith(before)
    lines = after[len(before) :].splitlines()
    records = [msgspec.json.decode(line, type=Record) for line in lines]
    return [record for record in records if not isinstance(record, NewKey)]
