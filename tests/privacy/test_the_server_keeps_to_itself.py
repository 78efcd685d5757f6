"""The server connects to nobody, writes nowhere but in its own folders, and dumps no core."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.privacy.conftest import MOST_CORE, Watched, strace
from tests.serving import START_DEADLINE_S

_SPEAKS = re.compile(r"\b(?:connect|sendto|sendmsg|sendmmsg)\(.*\bsa_family=AF_INET6?\b")
_OPENS = re.compile(
    r"\b(?:open|openat|openat2|creat)\("
    r'(?:[^"<]*(?:<(?P<at>[^>]*)>)?, )?"(?P<path>[^"]*)"'  # strace -y names directories
)
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|\bcreat\(")
_CORE = re.compile(r"^Max core file size +(\S+) +(\S+)", re.MULTILINE)


def spoken_to(trace: str) -> list[str]:
    """Return the calls that reach out to another address of a network."""
    return [line for line in trace.splitlines() if _SPEAKS.search(line)]


def written_to(trace: str) -> set[Path]:
    """Return the files that were opened for writing."""
    found = set()
    for line in trace.splitlines():
        opened = _OPENS.search(line)
        if opened and _WRITES.search(line):
            found.add(Path(opened["at"] or "/", opened["path"]))
    return found


def _traced(folder: Path, program: str) -> str:
    trace = folder / "trace"
    command = [*strace(trace), sys.executable, "-c", program]
    subprocess.run(command, cwd=folder, check=True, timeout=START_DEADLINE_S)
    return trace.read_text("utf-8", "replace")


def test_the_server_connects_to_nobody(watched: Watched) -> None:
    """Not even to a name server, in a session on every road."""
    assert "openat(" in watched.trace
    assert spoken_to(watched.trace) == []


@pytest.mark.parametrize(
    "program",
    [
        "s = socket.socket(); s.settimeout(5); s.connect_ex(('127.0.0.1', 9))",
        "s = socket.socket(type=socket.SOCK_DGRAM); s.connect_ex(('127.0.0.1', 9))",
        "s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 9))",
        "s = socket.socket(type=socket.SOCK_DGRAM); s.sendmsg([b'x'], [], 0, ('127.0.0.1', 9))",
        (
            "subprocess.run([sys.executable, '-c', 'import socket;"
            ' socket.socket().connect_ex(("127.0.0.1", 9))\'])'
        ),
    ],
)
def test_a_connection_would_be_noticed(ram: Path, program: str) -> None:
    """By TCP or UDP, from the process itself or from a child."""
    assert len(spoken_to(_traced(ram, f"import socket, subprocess, sys; {program}"))) == 1


def test_the_server_writes_only_in_its_own_folders(watched: Watched) -> None:
    """So what is searched for canaries is all there is."""
    allowed = (watched.here.data, watched.here.key_dir)
    written = written_to(watched.trace)
    assert watched.here.data / "live.duckdb" in written
    assert any(path.parent == watched.here.key_dir for path in written)
    assert {path for path in written if not any(map(path.is_relative_to, allowed))} == set()


@pytest.mark.parametrize(
    "program",
    [
        "open('leak', 'w')",
        "open('leak', 'r+') if os.path.exists('leak') else open('leak', 'a')",
        "os.open('leak', os.O_RDWR | os.O_CREAT, dir_fd=os.open('.', os.O_RDONLY))",
    ],
)
def test_a_file_written_elsewhere_would_be_noticed(ram: Path, program: str) -> None:
    """By its whole path, however it was opened."""
    assert ram / "leak" in written_to(_traced(ram, f"import os; {program}"))


def test_the_running_server_cannot_dump_core(watched: Watched) -> None:
    """Its memory holds day keys and addresses; neither limit can be raised again."""
    found = _CORE.search(watched.limits)
    assert found is not None
    assert found.groups() == ("0", "0")


def test_no_other_process_may_read_the_servers_memory(watched: Watched) -> None:
    """None of the same user; root may read everything anyway."""
    assert "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in watched.trace


def test_the_limit_is_the_programs_own() -> None:
    """What starts it in these tests allows as large a core as one can."""
    shown = subprocess.run(
        [*MOST_CORE, "cat", "/proc/self/limits"], capture_output=True, text=True, check=True
    ).stdout
    found = _CORE.search(shown)
    assert found is not None
    assert found[1] == found[2]
