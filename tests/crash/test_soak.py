"""A minute of a service under load, killed again and again: see tests/bench/soak.py.

It is begun with the session, since it mostly waits, and runs beside all other tests: see
conftest.py.
"""

import json
from pathlib import Path

from tests.serving import wait_until

_DEADLINE_S = 600.0  # of a minute, and of what it needs to catch up on a busy machine


def test_sent_is_stored_however_often_anyone_is_killed(soak_outcome: Path) -> None:
    """Of whichever process: nothing acknowledged is lost, nothing is counted twice."""
    try:
        wait_until(soak_outcome.exists, "the end of the soak", _DEADLINE_S)
    finally:
        print(soak_outcome.with_name("said.log").read_text(encoding="utf-8"))
    outcome = json.loads(soak_outcome.read_text(encoding="utf-8"))
    assert outcome["faults"] == []
    assert outcome["acknowledged"] <= outcome["stored"]
    assert outcome["stored"] <= outcome["acknowledged"] + outcome["unanswered"]
    assert outcome["acknowledged"] > 1000
    assert sum(outcome["kills"].values()) >= 4
    assert min(outcome[what] for what in ("sealed_days", "backups", "questions")) > 0
