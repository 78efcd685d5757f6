"""What stops a command: before it touches anything, or in its midst."""

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import duckdb
import pytest

from collector.session import Session
from collector.terminal import errors_told
from tests.commands.terminal import Command, told
from tests.serving import DEADLINE_S, SITE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--port", "x"], "port (flag) must be a whole number from 0 to 65535"),
        (["ingest", "--port", "70000"], "port (flag) must be a whole number from 0 to 65535"),
        (["serve", "--log-level", "loud"], "log_level (flag) must be one of debug, info,"),
        (["serve", "--trusted-proxies", "*"], "trusted_proxies (flag) must be IP addresses"),
        (["serve", "--trusted-proxies", "0.0.0.0/0"], "trusted_proxies (flag) must be IP"),
        (["serve", "--public-url", "example.com"], "public_url (flag) must be one or more addr"),
        (["serve", "--host", ""], "host (flag) must be an address such as 127.0.0.1"),
        (["demo", "--days", "3"], "--days, --sites and --seed need --events"),
        (["demo", "--events", "99", "--port", "0"], "--events builds and does not listen: leave"),
        (["demo", "--events", "99", "--days", "5"], "events must be a number from 100 to 10000000"),
    ],
)
def test_a_wrong_option_stops_the_start(
    gatecount: Command, data: Path, arguments: list[str], message: str
) -> None:
    """Before anything is touched."""
    assert told(gatecount(*arguments)).startswith(message)
    assert not data.exists()


def test_a_wrong_variable_or_file_stops_every_command(gatecount: Command, tmp_path: Path) -> None:
    """Also those that would not need it: it was meant to do something."""
    file = tmp_path / "gatecount.toml"
    file.write_text("prot = 1\n", encoding="utf-8")
    for command in (["serve"], ["ingest"], ["site", "list"], ["config", "show"]):
        variable = told(gatecount(*command, GATECOUNT_PROT="1"))
        assert variable.startswith("GATECOUNT_PROT (the environment) is no option; there are: ")
        named = told(gatecount(*command, GATECOUNT_CONFIG=str(file)))
        assert named.startswith(f"prot ({file}) is no option")
        named = told(gatecount("--config", str(file), *command))
        assert named.startswith(f"prot ({file}) is no option")


@pytest.mark.parametrize(
    "arguments",
    [["serve", "--prot", "1"], ["ingest", "--workers", "0"], ["start"], ["site", "add"]],
)
def test_a_wrong_command_line_is_a_usage_error(gatecount: Command, arguments: list[str]) -> None:
    """Exit code 2, as everywhere."""
    assert gatecount(*arguments).exit_code == 2


def test_a_port_that_is_taken_stops_the_start(gatecount: Command) -> None:
    """The message names address and port, and says how to take another."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for command in ("serve", "ingest"):
            message = told(gatecount(command, "--port", port))
            assert message == (
                f"cannot listen on 127.0.0.1:{port}: Address already in use;"
                " --port takes another, and 0 a free one"
            )


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("203.0.113.7", "Cannot assign requested address"),
        ("a..b", ""),
        ("\u00fc" * 70, "no host name"),
    ],
)
def test_an_address_that_is_not_ours_stops_the_start(
    gatecount: Command, host: str, why: str
) -> None:
    """In the system's words."""
    message = told(gatecount("serve", "--host", host, "--port", "8123"))
    assert message.startswith(f"cannot listen on {host}:8123: {why}")
    assert "Unknown error" not in message


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["ingest", "--port", "0"],
                                     ["site", "list"], ["site", "add", SITE]])  # fmt: skip
@pytest.mark.parametrize("below", [False, True])
def test_a_data_directory_that_cannot_be_made_stops_the_start(
    gatecount: Command, data: Path, command: list[str], *, below: bool
) -> None:
    """Because a file is where it or its parent should be; the message names it."""
    data.write_text("")
    place = data / "below" if below else data
    result = gatecount("--data", str(place), *command)
    message = result.stderr.removeprefix("gatecount: ")
    assert result.exit_code == 1
    assert message.startswith(f"data: {place} cannot be made: ")


def test_ctrl_c_ends_a_command_also_while_duckdb_works() -> None:
    """Which says so by an error of its own, that would be shown as a failure."""
    pressed = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))

    def work() -> None:
        with contextlib.closing(duckdb.connect()) as connection:
            pressed.start()
            give_up_at = time.monotonic() + DEADLINE_S
            while time.monotonic() < give_up_at:  # some milliseconds each
                Session(connection).query("SELECT count(DISTINCT hash(range)) FROM range(300_000)")

    # Whoever starts us may ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), errors_told():
            work()
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(KeyboardInterrupt), errors_told():
        raise RuntimeError("Query interrupted") from KeyboardInterrupt()
    with pytest.raises(RuntimeError, match="another"), errors_told():
        raise RuntimeError("another")
